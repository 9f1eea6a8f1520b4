"""Sessions: load sources, search servers again, select and analyse, for the command line and the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.new_findings import NewFindings, find_new_findings
from tracetui.analysis.skew import correct_skew
from tracetui.config import NO_OVERRIDES, Overrides
from tracetui.ingest.loader import LoadProgress, load
from tracetui.ingest.logs import with_logs
from tracetui.ingest.processes.background_load import BackgroundLoad, LoadCancelledError
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.pool import SearchReport, describe_searched
from tracetui.model.errors import InputError, LoadWarning, UsageError
from tracetui.model.search import NOTHING, Search, combined, describe_window
from tracetui.model.trace_page import common_template
from tracetui.model.traces import TraceSet
from tracetui.query import parse
from tracetui.query.pushdown import pushdown
from tracetui.query.trace_filters import Filters, apply, unknown_names

if TYPE_CHECKING:
    from tracetui.analysis.compare import Comparison


@dataclass(frozen=True, slots=True)
class SelectedPart:
    """Traces that a query selects among those searched so far."""

    shown: np.ndarray
    """int64[m], ascending."""
    analysis: Analysis | None
    """Analysis of these traces; None if the last part added none and others follow."""
    share: float
    """Share of the loaded traces that have been searched, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """Options for loading sources."""

    overrides: Overrides = NO_OVERRIDES
    """Settings of servers."""
    search: Search = NOTHING
    """Conditions for searching servers."""
    second_search: Search | None = None
    """Conditions for searching them once more; None for no second search."""
    adjust_skew: bool = False
    """True to correct clock skew, and flag the moved spans."""
    logs: Sequence[str] = ()
    """Files with log records of the spans."""
    exact_names: bool = False
    """True to make every name a separate operation."""


class Session:
    """Loaded trace set and its current selection."""

    def __init__(self, loaded: TraceSet, reports: Sequence[SearchReport] = (), source_count: int = 0) -> None:
        """`reports`: reports of the servers' searches; `source_count`: number of all sources, including files."""
        self.loaded = loaded
        self.reports = reports
        self._source_count = source_count
        self.analysis = self._whole_analysis = Analysis(loaded)
        self.uncorrected: Session | None = None
        """Session of the same traces before their clock skew was corrected; None if it was not."""

    @classmethod
    def open(
        cls,
        sources: Sequence[str],
        options: LoadOptions = LoadOptions(),
        progress: Callable[[LoadProgress], None] = lambda _: None,
        on_report: Callable[[SearchReport], None] = lambda _: None,
    ) -> Session:
        """Load sources; `on_report` is called with the report of each server's search.

        Raises InputError and UsageError as `ingest.loader.load` does.
        """
        reports: list[SearchReport] = []

        def collect(report: SearchReport) -> None:
            reports.append(report)
            on_report(report)

        loaded = load(
            sources,
            progress,
            search=options.search,
            overrides=options.overrides,
            on_report=collect,
            second_search=options.second_search,
        )
        traces = replace(with_logs(loaded, options.logs), exact_names=options.exact_names)
        return cls(correct_skew(traces) if options.adjust_skew else traces, reports, len(sources))

    @property
    def server_page(self) -> str:
        """Address of a trace's web page on the servers, as in `model.trace_page`; '' if it is unknown."""
        return common_template([report.trace_page for report in self.reports], self._source_count)

    @property
    def searched(self) -> str:
        """Traces searched on servers that have more: "the newest 100 (14:02:10Z to 14:07:31Z)"."""
        return describe_searched(self.reports)

    @property
    def window(self) -> str:
        """Time ranges that servers were searched for: "the last 1h"; '' for files and for traces by id."""
        windows = [describe_window(report.search) for report in self.reports if not report.search.trace_ids]
        return " and ".join(dict.fromkeys(windows))

    def filter(self, filters: Filters) -> list[str]:
        """Select the traces that meet the filters. -> messages about unknown names in the filters"""
        self.analysis = Analysis(apply(self.loaded, filters))
        return unknown_names(self.loaded, filters)

    def skew_corrected(self) -> Session:
        """Return a session with clock skew corrected; positions stay the same. This session if there is none."""
        corrected = correct_skew(self.loaded)
        if corrected is self.loaded:
            return self
        session = Session(corrected, self.reports, self._source_count)
        session.uncorrected = self
        return session

    def trace_json(self, trace: int) -> str:
        """Return a trace of the loaded set as OTLP JSON, which opens again."""
        # needed only for copying
        from tracetui.export.exporter import Losses
        from tracetui.export.registry import DEFAULT

        pieces = DEFAULT.encode(self.loaded.select(np.array([trace])), Losses())
        return b"".join(pieces).decode("utf-8", "replace")

    def select(self, query: str) -> tuple[np.ndarray, Analysis]:
        """Evaluate a query ('' for all) without changing the selection. -> traces, int64[m] ascending, their analysis

        Raises UsageError for an invalid query.
        """
        if not query:
            shown = np.arange(self.loaded.trace_count)
            analysis = self._whole_analysis
        else:
            shown = np.flatnonzero(parse(query).matches(self.loaded))
            analysis = Analysis(self.loaded.select(shown))
        # computed now, as the frame around every view shows it
        _ = analysis.summary
        return shown, analysis

    def select_in_parts(self, query: str, stopped: Callable[[], bool]) -> Iterator[SelectedPart]:
        """Evaluate a query as `select` does, part by part; the last part has a share of 1.

        Raises UsageError for an invalid query, and SearchStoppedError once `stopped` returns true.
        """
        total = self.loaded.trace_count
        if not query or not total:
            yield SelectedPart(*self.select(query), share=1.0)
            return
        shown = np.zeros(0, np.int64)
        for searched, found in parse(query).matches_in_parts(self.loaded, stopped):
            shown = np.concatenate((shown, found))
            analysis = None
            if len(found) or searched == total:
                analysis = Analysis(self.loaded.select(shown))
                _ = analysis.summary
            yield SelectedPart(shown, analysis, searched / total)


def compare_with(
    sources: Sequence[str],
    after: Analysis,
    opened: Sequence[str],
    overrides: Overrides,
    *,
    search: Search = NOTHING,
    query: str = "",
) -> Comparison:
    """Load sources in a separate process, and compare their traces (before) with those of an analysis (after).

    opened: the sources of the analysis, as credentials of one server must not be sent to another; query: filter on the
    traces found.

    Raises InputError and UsageError if the sources cannot be read, or no traces are found.
    """
    # imported only for a comparison of two sets
    from tracetui.analysis.compare import compare
    from tracetui.ingest.servers.resolve import servers_of

    if query:
        search = combined(pushdown(query, exact_names=after.traces.exact_names)[0], search)
    background_load = BackgroundLoad(sources, search=search, overrides=overrides)
    try:
        servers_of([*opened, *sources])
        traces = replace(background_load.run(lambda _: None), exact_names=after.traces.exact_names)
    except (InputError, UsageError, LoadCancelledError) as error:
        _check_exists(sources)
        raise InputError(str(error)) from None
    finally:
        background_load.cancel()
    if search.end_ns is not None:
        # servers round times
        traces = traces.select(traces.trace_start <= search.end_ns)
    if query:
        traces = traces.select(parse(query).matches(traces))
    if not traces.trace_count:
        window = "" if search == NOTHING else f" {describe_window(search)}"
        raise InputError(f"{', '.join(map(without_secrets, sources))}: no traces{window}")
    return compare(Analysis(traces), after)


def _check_exists(sources: Sequence[str]) -> None:
    """Raise the command line's error for a missing file, as a background load would continue without it."""
    from tracetui.ingest.files import inputs
    from tracetui.ingest.servers.resolve import parse_sources, suggest_source

    next(inputs(parse_sources(sources).paths, suggest=suggest_source), None)


@dataclass(frozen=True, slots=True)
class FilteredSession:
    """A session, and the traces that a filter selects."""

    session: Session
    query: str
    """The filter; '' if it was not valid."""
    shown: np.ndarray
    """int64[m], ascending."""
    analysis: Analysis
    """Analysis of these traces."""
    new: frozenset[int] = frozenset()
    """Traces that were not loaded before."""
    new_findings: NewFindings = field(default_factory=NewFindings)
    """Findings of new traces, compared with the baseline."""


class BackgroundSessions:
    """Sessions that are loaded in a process of their own, and whose servers can be searched again.

    Methods block: they are called in threads. `query` returns the filter at the time a set has arrived.
    """

    def __init__(
        self, load: BackgroundLoad, query: Callable[[], str], *, logs: Sequence[str] = (), exact_names: bool = False
    ) -> None:
        """`logs`: files with log lines; `exact_names` makes every span name an operation of its own."""
        self._load = load
        self._query = query
        self._logs = logs
        self._exact_names = exact_names
        self.corrects_skew = False
        """True to correct the clock skew of sets that arrive."""

    def load(
        self,
        progress: Callable[[LoadProgress], object],
        on_part: Callable[[FilteredSession], object],
        on_report: Callable[[SearchReport], object],
    ) -> FilteredSession:
        """Load all sources; `on_part` receives partial sets. Raises InputError and LoadCancelledError."""
        traces = self._load.run(progress, lambda part: on_part(self._select(part)), on_report)
        return self._select(self._with_logs(traces, lambda: not self._load.is_stopped))

    def search(
        self,
        search: Search,
        progress: Callable[[LoadProgress], object],
        on_report: Callable[[SearchReport], object],
        *,
        loaded_ids: frozenset[str] = frozenset(),
        baseline_ids: frozenset[str] | None = None,
        is_poll: bool = False,
        known_ns: int = 0,
    ) -> FilteredSession | None:
        """Search the servers again. -> the new set, None if nothing has changed

        `loaded_ids`: ids of loaded traces; `baseline_ids`: ids of the traces that new ones are compared with, None for
        no comparison; `known_ns`: start time from which on no trace may be missing, as in `Loader.search_again`.

        Raises BackEndError if no server answers, and LoadCancelledError.
        """
        load = self._load
        traces = load.again(search, progress, on_report, known_ns=known_ns)
        if traces is None:
            return None
        # read logs even if another request cuts a poll short, as its traces are shown and need their log records
        traces = self._with_logs(traces, lambda: load.can_search_again and (is_poll or not load.is_stopped))
        new = frozenset(trace for trace, text in enumerate(traces.trace_ids) if text not in loaded_ids)
        findings = NewFindings()
        if baseline_ids is not None:
            is_new = np.array([text not in baseline_ids for text in traces.trace_ids], bool)
            findings = find_new_findings(replace(traces, exact_names=self._exact_names), is_new)
        return replace(self._select(traces), new=new, new_findings=findings)

    def _select(self, traces: TraceSet) -> FilteredSession:
        """Make a session over the set and apply the filter; an invalid filter is dropped."""
        session, query = Session(replace(traces, exact_names=self._exact_names)), self._query()
        if self.corrects_skew:
            session = session.skew_corrected()
        try:
            return FilteredSession(session, query, *session.select(query))
        except UsageError:
            # the filter was saved by a version with a different query language
            return FilteredSession(session, "", *session.select(""))

    def _with_logs(self, traces: TraceSet, go_on: Callable[[], bool]) -> TraceSet:
        """Add log records to the traces. Unreadable logs become a warning."""
        try:
            return with_logs(traces, self._logs, go_on)
        except InputError as error:
            return replace(traces, load_warnings=[*traces.load_warnings, LoadWarning("", "", str(error))])
