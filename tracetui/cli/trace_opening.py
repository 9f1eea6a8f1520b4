"""Find one trace in files and on servers: by its id, or the slowest, newest or a failed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tracetui.analysis.requests import failed_requests
from tracetui.cli import options as o
from tracetui.cli.filtered_session import open_filtered
from tracetui.cli.output import print_message, print_warnings
from tracetui.cli.progress import open_session
from tracetui.ingest.servers.resolve import parse_sources
from tracetui.model.errors import UsageError
from tracetui.model.search import NOTHING, Search, combined
from tracetui.model.trace_reference import trace_ids_in
from tracetui.model.traces import TraceSet
from tracetui.query.errors import nearest
from tracetui.query.trace_filters import search_of
from tracetui.render.text.numbers import counted
from tracetui.session import LoadOptions, Session

SLOWEST, NEWEST, FAILED = "slowest", "newest", "failed"
_MICROSECOND = 1_000
_LISTED = 5
_MAX_SEARCHES = 5
"""Largest number of searches for traces slower than the slowest found."""


@dataclass(frozen=True, slots=True)
class TraceOpening:
    """Sources, and the options for loading them, to find one trace of them."""

    sources: Sequence[str]
    selection: o.Selection
    options: LoadOptions
    verbose: bool = False

    def find(self, trace: str) -> tuple[Session, int]:
        """Load the trace that a text names: an id, its beginning, text with an id, slowest, newest or failed.

        -> a session with the trace and perhaps others, and its number. Raises InputError, and UsageError if there is
        none or the text is ambiguous.
        """
        named = trace_ids_in(trace) or (parse_sources(self.sources).trace_ids if trace == SLOWEST else ())
        if named:
            session = self._searched(Search(trace_ids=(named[0],)))
        elif trace == SLOWEST:
            session = self._slowest()
        else:
            # keep the other traces, as percentiles compare the trace with its peers
            session = self._filtered(Search(failed=True) if trace == FAILED else NOTHING)
        try:
            return session, find_trace(session.analysis.traces, named[0] if named else trace)
        except UsageError as error:
            if not session.searched or trace == NEWEST:
                raise
            hint = "servers need the full id of 16 or 32 digits"
            hint = "raise --limit to search more" if trace in (SLOWEST, FAILED) else hint
            raise UsageError(f"{error} among {session.searched}: {hint}") from None

    def _filtered(self, more: Search = NOTHING) -> Session:
        return open_filtered(self.sources, self.selection.filters(), self.options, verbose=self.verbose, more=more)

    def _slowest(self) -> Session:
        """Search servers for ever slower traces until none is found."""
        session = self._filtered()
        for _ in range(_MAX_SEARCHES):
            traces = session.analysis.traces
            if not session.searched or not traces.trace_count:
                break
            slowest = int(traces.response_time.max())
            slower = self._slower(slowest)
            found = slower.analysis.traces
            if not found.trace_count or int(found.response_time.max()) <= slowest:
                break
            session = slower
        return session

    def _slower(self, than_ns: int) -> Session:
        """Search servers for traces slower than `than_ns`; the set may be empty."""
        filters = self.selection.filters()
        search, _ = search_of(filters, exact_names=self.selection.exact_names)
        # servers that store microseconds truncate it: a search within the same microsecond finds `than_ns` again
        least = (than_ns // _MICROSECOND + 1) * _MICROSECOND
        # a slower trace has a span of that length, but perhaps not one that matches the filters
        is_any = not (search.service or search.operation or filters.query)
        more = Search(least_ns=least) if is_any else Search(slower_ns=least - 1)
        session = self._searched(combined(search, more))
        session.filter(replace(filters, limit=None))
        return session

    def _searched(self, search: Search) -> Session:
        session = open_session(self.sources, replace(self.options, search=search))
        print_warnings(session.loaded.load_warnings, self.verbose)
        return session


def find_trace(traces: TraceSet, wanted: str) -> int:
    """Find the trace that a text names. Raises UsageError if there is none or it is ambiguous."""
    exact = traces.find_trace(wanted)
    if exact is not None:
        return exact
    if wanted in (SLOWEST, NEWEST) and not traces.trace_count:
        raise UsageError("no traces")
    if wanted == SLOWEST:
        return int(np.argmax(traces.response_time))
    if wanted == NEWEST:
        return int(np.argmax(traces.trace_start))
    if wanted == FAILED:
        with_errors = np.flatnonzero(traces.trace_errors > 0)
        if not len(with_errors):
            raise UsageError("no trace has errors")
        failed = np.flatnonzero(failed_requests(traces))
        if not len(failed):
            print_message(f"no request failed; showing one of {counted(len(with_errors), 'trace')} with errors")
            failed = with_errors
        return int(failed[np.argmax(traces.trace_errors[failed])])
    begins = [t for t, text in enumerate(traces.trace_ids) if wanted and text.lower().startswith(wanted.lower())]
    if len(begins) == 1:
        return begins[0]
    if begins:
        listed = ", ".join(traces.trace_ids[t] for t in begins[:_LISTED])
        raise UsageError(
            f"{len(begins)} trace ids begin with {wanted}: {listed}{', ...' if len(begins) > _LISTED else ''}"
        )
    if not traces.trace_count:
        raise UsageError(f"no trace {wanted}: the set is empty")
    slowest = np.argsort(-traces.response_time, kind="stable")[:_LISTED].tolist()
    listed = ", ".join(traces.trace_ids[t] for t in slowest)
    similar = nearest(wanted, (SLOWEST, NEWEST, FAILED))
    hint = f"did you mean {similar}? The" if similar else "the"
    raise UsageError(f"no trace {wanted}; {hint} slowest of {traces.trace_count:,} are {listed}")
