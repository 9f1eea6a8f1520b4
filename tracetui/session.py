"""What is loaded, filtered and analysed: the one place that starts loading and analysis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tracetui.analysis.filters import Filters, apply, unknown_names
from tracetui.analysis.findings import Findings
from tracetui.analysis.query import parse
from tracetui.analysis.skew import without_skew
from tracetui.config import Overrides
from tracetui.ingest.asked import Told, searched_words
from tracetui.ingest.load import Progress, load
from tracetui.ingest.logs import with_logs
from tracetui.model.search import NOTHING, Search
from tracetui.model.traces import TraceSet

_NO_OVERRIDES = Overrides()


class Session:
    """One loaded set of traces and what is looked at of it."""

    def __init__(self, loaded: TraceSet, told: Sequence[Told] = ()) -> None:
        """`told`: what servers were asked for, and what came of it."""
        self.loaded = loaded
        self.told = told
        self.findings = self._of_all = Findings(loaded)

    @classmethod
    def open(
        cls,
        sources: Sequence[str],
        *,
        search: Search = NOTHING,
        overrides: Overrides = _NO_OVERRIDES,
        adjust_skew: bool = False,
        logs: Sequence[str] = (),
        exact_names: bool = False,
        progress: Callable[[Progress], None] = lambda _: None,
        told: Callable[[Told], None] = lambda _: None,
        also: Search | None = None,
    ) -> Session:
        """Load sources; servers are asked for what `search` and then `also` say, reached as `overrides` say; `told` as
        `load` has it.

        `adjust_skew` moves spans whose host's clock disagrees with their caller's, and marks them; `logs` are files
        with log lines to put beside their spans; `exact_names` makes every name an operation of its own.

        Raises InputError and UsageError as `ingest.load.load` does.
        """
        heard: list[Told] = []

        def hear(found: Told) -> None:
            heard.append(found)
            told(found)

        loaded = load(sources, progress, search=search, overrides=overrides, told=hear, also=also)
        traces = replace(with_logs(loaded, logs), exact_names=exact_names)
        return cls(without_skew(traces) if adjust_skew else traces, heard)

    @property
    def searched(self) -> str:
        """Which traces of servers that hold more were looked through: "the newest 100 (14:02:10Z to 14:07:31Z)"."""
        return searched_words(self.told)

    def filter(self, filters: Filters) -> list[str]:
        """Look at the traces that meet the filters. -> what of the filters names nothing in the set, for people."""
        self.findings = Findings(apply(self.loaded, filters))
        return unknown_names(self.loaded, filters)

    def select(self, query: str) -> tuple[np.ndarray, Findings]:
        """What a query selects, '' for all, without looking at it. -> int64[m] traces, ascending, and their findings

        Raises UsageError for a query that is none.
        """
        if not query:
            shown = np.arange(self.loaded.trace_count)
            findings = self._of_all
        else:
            shown = np.flatnonzero(parse(query).matches(self.loaded))
            findings = Findings(self.loaded.select(shown))
        # every frame around a view shows it
        _ = findings.summary
        return shown, findings
