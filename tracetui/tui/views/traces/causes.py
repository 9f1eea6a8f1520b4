"""Root causes in the traces view: a line of the verdict, and a page with the evidence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.root_causes.within_set import CausesAndBaseline
from tracetui.model.traces import TraceSet
from tracetui.render.causes.evidence import CausesPage, page_title
from tracetui.render.causes.statement import cause_statement
from tracetui.render.causes.texts import CauseTexts
from tracetui.render.verdict import Statement
from tracetui.tui.messages import OpenTrace
from tracetui.tui.views.base import View
from tracetui.tui.widgets.result_screen import ResultScreen

_KEYS = (
    ("{list.open}", "open the span that shows the evidence; {answer.leave} returns here"),
    ("confidence", "share of the evidence that the service accounts for, reduced where that is weak"),
    ("before", "in the baseline that the first line names; after: in the traces with the problem"),
    ("unusual steps", "calls, or log lines, in a combination that is rare in the baseline"),
    ("interrupted calls", "spans of a caller that stop next to a call of the service"),
)


class CauseFinder:
    """Finds the causes of the traces shown outside the UI loop."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._named = ""
        """First cause of the previous set; '' if the evidence was too weak."""

    def forget(self) -> None:
        """Forget the previous set, of other sources."""
        self._named = ""

    def find(self, analysis: Analysis, show: Callable[[Statement | None], None]) -> None:
        """Find the causes, and `show` the statement of the first, or None if the evidence is too weak."""
        self._view.work("traces-causes", lambda: analysis.causes, lambda causes: show(self.found(causes)))

    def found(self, causes: CausesAndBaseline) -> Statement | None:
        """Return the statement of the first cause, or None if the evidence is too weak; announce a cause that is new
        since the last poll.
        """
        state, glyphs = self._view.state, self._view.state.look.glyphs
        statement = cause_statement(causes, glyphs)
        name = statement.parts[0].text if statement is not None else ""
        if statement is not None and state.is_following and state.new and name != self._named:
            self._view.post_notice(f"new cause: {name}  {statement.parts[1].text}")
        self._named = name
        return statement

    def open(self) -> None:
        """Show the causes of the traces shown."""
        analysis = self._view.state.analysis
        if analysis is None or not analysis.traces.trace_count:
            self._view.post_notice("no traces to find causes in")
            return
        self.open_page(lambda: analysis.causes)

    def open_page(self, find: Callable[[], CausesAndBaseline], left: Callable[[], object] = lambda: None) -> None:
        """Show the causes that `find` finds in a thread. `left` is called when the user leaves the page."""
        view, session = self._view, self._view.state.session
        if session is None:
            return
        look, loaded = view.state.look, session.loaded

        def work() -> tuple[CausesAndBaseline, CausesPage]:
            causes = find()
            return causes, CausesPage(causes, loaded, look.glyphs, local=look.local_time)

        view.work("traces-causes-page", work, lambda made: self._show_page(loaded, *made, left))

    def _show_page(
        self,
        loaded: TraceSet,
        causes: CausesAndBaseline,
        page: CausesPage,
        left: Callable[[], object],
        at: int = 0,
    ) -> None:
        view, look = self._view, self._view.state.look
        if not len(page):
            missing = CauseTexts(look.glyphs).missing(causes.found)
            view.post_notice(
                f"no cause found: nothing differs beyond chance{f'; missing: {missing}' if missing else ''}"
            )
            return

        def chosen(row: int) -> None:
            span = page.span(row)
            if span is None:
                view.post_notice("the traces that show this are not loaded")
                return
            come_back = partial(self._show_page, loaded, causes, page, left, row)
            view.post_message(OpenTrace(int(loaded.trace[span]), span, come_back))

        title = page_title(causes, look.glyphs)
        view.show_dialog(ResultScreen(look, title, page, "open the span", _KEYS, at), chosen, left)
