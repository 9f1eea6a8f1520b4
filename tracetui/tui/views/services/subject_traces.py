"""Traces of a row of the services view."""

from __future__ import annotations

from tracetui.analysis.service_table import ServiceTable
from tracetui.model.errors import UsageError
from tracetui.render.services.explorer import Subject
from tracetui.render.services.table import ServiceListColumns
from tracetui.tui.messages import ListTraces
from tracetui.tui.views.base import View
from tracetui.tui.views.list_content import AnalysisOfSet
from tracetui.tui.views.services.queries import Queries, with_errors


class SubjectTraces:
    """Lists the traces of a service, an operation or calls, in the list of traces or of errors."""

    def __init__(self, view: View) -> None:
        self._view = view

    def open(self, subject: Subject, analysed: AnalysisOfSet[ServiceListColumns]) -> None:
        """List the traces of a subject, or open the slowest call of a peer that no attribute names."""
        query = Queries(analysed.columns.table).of(subject)
        if query:
            self._list(query, "traces", "no traces")
        else:
            self._open_slowest_call(subject.service, analysed)

    def list_errors(self, subject: Subject, analysed: AnalysisOfSet[ServiceListColumns]) -> None:
        """List the errors of the traces of a subject."""
        query = Queries(analysed.columns.table).of(subject)
        if query:
            self._list(with_errors(query), "errors", "none of its traces have errors")

    def _list(self, query: str, view: str, none: str) -> None:
        """List those of the shown traces that match a query, or report that there are none."""
        session, shown = self._view.state.session, self._view.state.query
        if session is None:
            return
        wanted = f"({shown}) AND {query}" if shown else query

        def count() -> int | str:
            try:
                return len(session.select(wanted)[0])
            except UsageError as error:
                # a regular expression in the filter may take too long
                return str(error)

        def found(counted: int | str) -> None:
            if isinstance(counted, int) and counted:
                self._view.post_message(ListTraces(wanted, view))
            else:
                self._view.post_notice(counted if isinstance(counted, str) else none)

        self._view.work("services-traces", count, found)

    def _open_slowest_call(self, peer: str, analysed: AnalysisOfSet[ServiceListColumns]) -> None:
        table: ServiceTable = analysed.columns.table
        span = table.slowest_call(peer)
        if span is None:
            return
        self._view.post_message(analysed.open_trace(int(table.traces.trace[span]), span))
        self._view.post_notice("an inferred peer has no spans to filter by; showing the slowest call to it")
