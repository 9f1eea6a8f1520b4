"""Load, filter and analyse trace sets, for the command line and the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.skew import correct_skew
from tracetui.config import NO_OVERRIDES, Overrides
from tracetui.ingest.loader import LoadProgress, load
from tracetui.ingest.logs import with_logs
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.pool import SearchReport, describe_searched
from tracetui.model.errors import InputError, UsageError
from tracetui.model.search import NOTHING, Search
from tracetui.model.traces import TraceSet
from tracetui.query import parse
from tracetui.query.filters import Filters, apply, unknown_names

if TYPE_CHECKING:
    from tracetui.analysis.compare import Comparison


class Session:
    """Loaded trace set and its current selection."""

    def __init__(self, loaded: TraceSet, reports: Sequence[SearchReport] = ()) -> None:
        """`reports`: reports of the servers' searches."""
        self.loaded = loaded
        self.reports = reports
        self.analysis = self._of_all = Analysis(loaded)

    @classmethod
    def open(
        cls,
        sources: Sequence[str],
        *,
        search: Search = NOTHING,
        overrides: Overrides = NO_OVERRIDES,
        adjust_skew: bool = False,
        logs: Sequence[str] = (),
        exact_names: bool = False,
        progress: Callable[[LoadProgress], None] = lambda _: None,
        on_report: Callable[[SearchReport], None] = lambda _: None,
        also: Search | None = None,
    ) -> Session:
        """Load sources. Servers are searched by `search` and then `also`, with the settings of `overrides`.

        `adjust_skew` corrects clock skew and flags the moved spans; `logs` are files with log records of the spans;
        `exact_names` makes every name a separate operation; `on_report` is called with the report of each server's
        search.

        Raises InputError and UsageError as `ingest.loader.load` does.
        """
        reports: list[SearchReport] = []

        def collect(report: SearchReport) -> None:
            reports.append(report)
            on_report(report)

        loaded = load(sources, progress, search=search, overrides=overrides, on_report=collect, also=also)
        traces = replace(with_logs(loaded, logs), exact_names=exact_names)
        return cls(correct_skew(traces) if adjust_skew else traces, reports)

    @property
    def searched(self) -> str:
        """Traces searched on servers that have more: "the newest 100 (14:02:10Z to 14:07:31Z)"."""
        return describe_searched(self.reports)

    def filter(self, filters: Filters) -> list[str]:
        """Select the traces that meet the filters. -> messages about unknown names in the filters"""
        self.analysis = Analysis(apply(self.loaded, filters))
        return unknown_names(self.loaded, filters)

    def select(self, query: str) -> tuple[np.ndarray, Analysis]:
        """Evaluate a query ('' for all) without changing the selection. -> traces, int64[m] ascending, their analysis

        Raises UsageError for an invalid query.
        """
        if not query:
            shown = np.arange(self.loaded.trace_count)
            analysis = self._of_all
        else:
            shown = np.flatnonzero(parse(query).matches(self.loaded))
            analysis = Analysis(self.loaded.select(shown))
        # the frame around every view shows it
        _ = analysis.summary
        return shown, analysis


def compare_with(source: str, after: Analysis, loaded: Sequence[str], overrides: Overrides) -> Comparison:
    """Load a source in a separate process, and compare its traces (before) with those of an analysis (after).

    loaded: the sources of the analysis; credentials of one server must not be sent to another.

    Raises InputError and UsageError if the source cannot be read or holds no traces.
    """
    # imported only for a comparison of two sets
    from tracetui.analysis.compare import compare
    from tracetui.ingest.processes.background_load import BackgroundLoad, LoadCancelledError
    from tracetui.ingest.servers.resolve import servers_of

    load = BackgroundLoad([source], overrides=overrides)
    try:
        servers_of([*loaded, source])
        before = Analysis(replace(load.run(lambda _: None), exact_names=after.traces.exact_names))
    except (InputError, UsageError, LoadCancelledError) as error:
        _check_exists(source)
        raise InputError(str(error)) from None
    finally:
        load.cancel()
    if not before.traces.trace_count:
        raise InputError(f"{without_secrets(source)}: no traces")
    return compare(before, after)


def _check_exists(source: str) -> None:
    """Raise the command line's error for a missing file: a load in the background would go on without it."""
    from tracetui.ingest.files import inputs
    from tracetui.ingest.servers.resolve import parse_sources, suggest_source

    next(inputs(parse_sources([source]).paths, meant=suggest_source), None)
