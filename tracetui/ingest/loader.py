"""Load sources into a trace set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace

import msgspec

from tracetui.config import NO_OVERRIDES, Overrides
from tracetui.garbage_collection import paused_collection
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.files import Input, inputs
from tracetui.ingest.limits import decoded_limit
from tracetui.ingest.servers.pool import MAX_BYTES, SearchReport, ServerPool, WaitContext
from tracetui.ingest.servers.resolve import check_credentials, parse_sources, suggest_source
from tracetui.model.assemble import assemble
from tracetui.model.errors import WARNINGS_PER_FILE, BackEndError, InputError, LoadWarning, shortened
from tracetui.model.intake import Intake
from tracetui.model.search import LAST_NS, NOTHING, Search
from tracetui.model.traces import TraceSet

_RAISED_LIMIT = 10
"""Factor by which the limit of a search is raised, when more traces are new than a server sends at once."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """Progress of a load. `share` is 0 to 1, by the bytes of all sources; 0 if their size is unknown.

    all_read: everything is read, the spans are being assembled; total_bytes: size of all sources, 0 if unknown.
    """

    name: str
    share: float
    spans: int
    all_read: bool = False
    total_bytes: int = 0


class StopReading(Exception):  # noqa: N818 - an instruction, like StopIteration
    """Raised by a `progress` function to stop reading and keep what has arrived."""


class Loader:
    """Reads sources once, and searches the servers among them any number of times."""

    def __init__(
        self,
        sources: Sequence[str],
        overrides: Overrides = NO_OVERRIDES,
        *,
        keep_going: bool = False,
        waiting: WaitContext = nullcontext,
        user_can_choose: bool = False,
    ) -> None:
        """`keep_going`: continue with the other sources if one cannot be read; `user_can_choose` as in `ServerPool`.

        Raises UsageError for an unusable server address or profile.
        """
        named = parse_sources(sources)
        check_credentials(named.servers)
        self._paths = named.paths
        self._keep_going = keep_going
        self._intake = Intake(decoded_limit())
        self._file_warnings: list[LoadWarning] = []
        """Warnings of files."""
        self._server_warnings: list[LoadWarning] = []
        """Warnings of the last query of the servers."""
        self._has_failed_server = False
        """True if a server failed in the last repeated search."""
        self._known: tuple[Search, dict[str, frozenset[str]]] = (NOTHING, {})
        """Conditions and `ServerPool.found_ids` of the last search with `known_ns`, or of the load."""
        self.servers = ServerPool(named.servers, overrides, waiting, user_can_choose=user_can_choose)

    def read(
        self,
        progress: Callable[[LoadProgress], None] = lambda _: None,
        on_part: Callable[[Callable[[], TraceSet]], None] = lambda _: None,
        search: Search = NOTHING,
        on_report: Callable[[SearchReport], None] = lambda _: None,
    ) -> TraceSet:
        """Read all sources. Arguments and exceptions as in `load`."""
        intake = self._intake

        def warn_of_skipped(name: str, what: str) -> None:
            intake.warnings.add(name, "", f"skipped: {what}")

        files = list(inputs(self._paths, warn_of_skipped if self._keep_going else None, suggest_source))
        sizes = [item.size for item in files]
        # no share without a total: sizes of pipes and responses are unknown
        known = None not in sizes and not self.servers.servers
        total = sum(size for size in sizes if size is not None) if known else 0
        done = 0
        read = 0.0
        failed: list[BackEndError] = []
        reports: list[SearchReport] = []
        stopped = False

        def report_progress(name: str) -> None:
            progress(LoadProgress(name, read, len(intake), total_bytes=total))
            if len(intake):
                on_part(lambda: assemble(intake))

        with paused_collection():
            try:
                if total:
                    # the first part of a large file may take long
                    report_progress(files[0].name)
                for item in files:

                    def report(share: float, item: Input = item, done: int = done) -> None:
                        nonlocal read
                        read = (done + share * (item.size or 0)) / total if total else 0.0
                        report_progress(item.name)

                    _read_input(item, intake, report, self._keep_going)
                    done += item.size or 0
                self._file_warnings = list(intake.warnings)
                failed = self.servers.search(search, intake, report_progress, reports.append)
                self._known = (_conditions(search), self.servers.found_ids)
                progress(LoadProgress(files[-1].name if files else "", 1, len(intake), all_read=True))
            except StopReading:
                stopped = True
                at = f" at {100 * read:.0f} %" if read else ""
                intake.warnings.add("", "", f"reading stopped{at}; the rest was not read")
            for found in reports:
                on_report(replace(found, is_incomplete=True) if failed else found)
            if failed and (not self._keep_going or not len(intake)):
                raise _combine(failed)
            for error in failed:
                intake.warnings.add("", "", str(error))
            self._server_warnings = list(dict.fromkeys(list(intake.warnings)[len(self._file_warnings) :]))
            intake.warnings.replace([*self._file_warnings, *self._server_warnings])
            traces = assemble(intake)
        if not len(traces) and (stopped or files or not self.servers.servers):
            raise InputError(_no_spans_message(files, list(intake.warnings)))
        return traces

    def search_again(
        self,
        search: Search,
        progress: Callable[[LoadProgress], None],
        on_report: Callable[[SearchReport], None] = lambda _: None,
        *,
        known_ns: int = 0,
    ) -> TraceSet | None:
        """Search the servers again, and merge the results with what is loaded.

        `known_ns`: raise the limit if traces that began after this time, or that are new since the last search of this
        kind, may be missing; 0 to search once.

        -> the new set, None if nothing has changed. Raises BackEndError if no server answers, and StopReading if the
        search was stopped before the first result; the loaded traces stay.
        """
        self._has_failed_server = False
        with paused_collection():
            reports: list[SearchReport] = []
            changed, warned = self._search_once(search, progress, reports.append, self._known_ids(search))
            if known_ns:
                reports, more, more_warned = self._catch_up(search, known_ns, progress, reports)
                changed, warned = changed or more, [*warned, *more_warned]
            for found in reports:
                on_report(replace(found, is_incomplete=True) if self._has_failed_server else found)
            intake, warned = self._intake, list(dict.fromkeys(warned))
            if not changed and warned == self._server_warnings:
                return None
            # warnings of servers concern their last response only
            intake.warnings.replace([*self._file_warnings, *warned])
            self._server_warnings = warned
            dropped = intake.keep_within(MAX_BYTES)
            if dropped:
                intake.warnings.add("", "", f"the {dropped:,} oldest traces were dropped to stay below 1 GiB")
            return assemble(intake)

    def _search_once(
        self,
        search: Search,
        progress: Callable[[LoadProgress], None],
        on_report: Callable[[SearchReport], None],
        known_ids: dict[str, frozenset[str]],
    ) -> tuple[bool, list[LoadWarning]]:
        """Search the servers once. -> True if anything changed; the warnings

        known_ids: as in `ServerPool.search`.
        """
        new = Intake()
        failed: list[BackEndError] = []
        try:
            failed = self.servers.search(
                search, new, lambda name: progress(LoadProgress(name, 0, len(new))), on_report, known_ids
            )
        except StopReading:
            if not len(new):
                raise
            new.warnings.add("", "", "search stopped; partial results")
        if failed and not len(new):
            raise _combine(failed)
        self._has_failed_server |= bool(failed)
        for error in failed:
            new.warnings.add("", "", str(error))
        progress(LoadProgress("", 1, len(new), all_read=True))
        return self._intake.replace(new), list(new.warnings)

    def _catch_up(
        self, search: Search, known_ns: int, progress: Callable[[LoadProgress], None], reports: list[SearchReport]
    ) -> tuple[list[SearchReport], bool, list[LoadWarning]]:
        """Search once more with a higher limit if traces are missing; then for those with errors if some still are.

        A higher limit, unlike an earlier end, also finds what is missing if servers do not send the newest traces
        first, or order them by arrival.

        -> the reports, as of one search; True if anything changed; the warnings
        """
        known = self._known_ids(search)
        changed, warnings = False, list[LoadWarning]()
        if _boundary(reports) > known_ns:
            max_traces = max(found.search.max_traces for found in reports)
            wider = msgspec.structs.replace(search, limit=max_traces * _RAISED_LIMIT)
            more: list[SearchReport] = []
            changed, warnings = self._search_further(wider, progress, more.append, known)
            # the server may reject the limit
            reports = more or reports
        boundary = _boundary(reports)
        self._known = (_conditions(search), self.servers.found_ids)
        if boundary <= known_ns:
            return reports, changed, warnings
        if not search.errors:
            # traces with errors must not be missed in follow mode
            max_traces, end = max(found.search.max_traces for found in reports), min(search.window()[1], boundary)
            errors = msgspec.structs.replace(search, end_ns=end, errors=True, failed=False, limit=max_traces)
            has_more, warned = self._search_further(errors, progress, lambda _: None, {})
            changed, warnings = changed or has_more, [*warnings, *warned]
        read = sum(found.searched.count for found in reports if found.searched is not None)
        return [replace(found, unread_beyond=read) for found in reports], changed, warnings

    def _search_further(
        self,
        search: Search,
        progress: Callable[[LoadProgress], None],
        on_report: Callable[[SearchReport], None],
        known_ids: dict[str, frozenset[str]],
    ) -> tuple[bool, list[LoadWarning]]:
        """Search the servers as `_search_once` does. If none answers, that is a warning."""
        try:
            return self._search_once(search, progress, on_report, known_ids)
        except BackEndError as error:
            return False, [LoadWarning("", "", str(error))]

    def _known_ids(self, search: Search) -> dict[str, frozenset[str]]:
        """Return the traces that the last search of this kind found, by server."""
        conditions, found = self._known
        return found if conditions == _conditions(search) else {}


def _boundary(reports: Sequence[SearchReport]) -> int:
    """Return the time before which traces may be missing, in ns since the epoch; 0 if none is."""
    full = [found.searched for found in reports if found.searched is not None]
    # several servers: the newest boundary, so that none has a gap
    return max((one.complete_since_ns or one.since_ns if one.is_newest else LAST_NS for one in full), default=0)


def _conditions(search: Search) -> Search:
    """Return a search without its window and limit."""
    return msgspec.structs.replace(search, start_ns=None, end_ns=None, lookback_ns=None, limit=None)


def _combine(failed: Sequence[BackEndError]) -> BackEndError:
    return failed[0] if len(failed) == 1 else BackEndError("\n".join(map(str, failed)))


def load(
    sources: Sequence[str],
    progress: Callable[[LoadProgress], None] = lambda _: None,
    on_part: Callable[[Callable[[], TraceSet]], None] = lambda _: None,
    *,
    keep_going: bool = False,
    search: Search = NOTHING,
    overrides: Overrides = NO_OVERRIDES,
    on_report: Callable[[SearchReport], None] = lambda _: None,
    second_search: Search | None = None,
) -> TraceSet:
    """Read files, directories, globs, standard input (`-`) and servers, of any format and in any mixture.

    Servers are searched by `search`, then by `second_search`; `on_report` receives a report of each search. Spans of
    one trace are joined across sources. Damaged parts are skipped and listed in the set's `load_warnings`. `on_part` is
    called repeatedly with a function that assembles the spans read so far.

    Raises InputError if there are no spans, except from servers without results, and if a source cannot be read
    (BackEndError for a server); with `keep_going` that is a warning and the others are read. Raises UsageError for an
    unusable address or profile.
    """
    loading = Loader(sources, overrides, keep_going=keep_going)
    with closing(loading.servers):
        traces = loading.read(progress, on_part, search, on_report)
        if second_search is not None and second_search != search and loading.servers.can_search_again:
            traces = loading.search_again(second_search, progress, on_report) or traces
        return traces


def _read_input(item: Input, intake: Intake, report: Callable[[float], None], keep_going: bool) -> None:
    context = DecodeContext(intake, item.name)
    report(0)
    before, spans = len(intake.warnings), len(intake)
    stopped = False

    def go_on() -> bool:
        nonlocal stopped
        try:
            report(0)
        except StopReading:
            stopped = True
        return not stopped

    try:
        data = item.read(go_on, context.warn)
    except OSError as error:
        if item.named and not keep_going:
            raise InputError(f"{item.name}: {error.strerror or error}") from None
        context.warn(f"skipped: {error.strerror or error}")
        return
    # the data of a pipe up to the stop is kept
    decode(data, context, report if not stopped else lambda _: None, go_on)
    found, more = intake.warnings.pop(before)
    if not item.named and len(intake) == spans and len(found) > 1:
        # a directory may contain any files; one warning about each without traces is enough
        found, more = found[:1], 0
    for warning in shortened(item.name, found, more):
        intake.warnings.add(warning.file, warning.position, warning.message)
    if stopped:
        raise StopReading


def _no_spans_message(files: Sequence[Input], warnings: Sequence[LoadWarning]) -> str:
    if len(warnings) == 1:
        return f"no spans found: {warnings[0]}"
    what = files[0].name if len(files) == 1 else f"{len(files)} files" if files else "these sources"
    lines = [f"no spans found in {what}", *(f"  {warning}" for warning in warnings[:WARNINGS_PER_FILE])]
    return "\n".join(lines)
