"""Dialogs of the traces view: contrast, comparison of two traces or sets, saving."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import Comparison
from tracetui.analysis.compare_traces import CallPath, compare_traces
from tracetui.ingest.servers.address import without_secrets
from tracetui.model.errors import InputError, UsageError
from tracetui.model.traces import TraceSet
from tracetui.render.frame import source_name
from tracetui.render.report.compare_text import NOTHING_IN_COMMON, ComparisonLines
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import service_roles
from tracetui.render.traces.table import errors_text
from tracetui.render.waterfall.trace_diff import WORDS_EXPLAINED, TraceDiff, whole_change
from tracetui.session import compare_with
from tracetui.tui.messages import OpenTrace
from tracetui.tui.state import State
from tracetui.tui.views.base import View
from tracetui.tui.views.contrast import open_contrast
from tracetui.tui.widgets.answer_screen import AnswerScreen
from tracetui.tui.widgets.choice import Choice, Option

_SLOW = 0.95
_SETS_KEYS = (
    ("{list.open}", "back to traces"),
    ("before", "value in the other source; after: in the traces shown"),
    ("beyond chance", "change of 10 % or more, significant across all figures"),
)
_TRACES_KEYS = (
    ("{list.open}", "open the span (if in both, in the later trace); {answer.leave} returns here"),
    (
        "rows",
        "calls of both traces by call path; added: only in the later, removed: only in the earlier",
    ),
    *WORDS_EXPLAINED,
)
MARKED, WITH_ERRORS, SLOWEST = "marked", "with errors", "slowest"


class TraceDialogs:
    """Opens dialogs, and computes their results outside the UI loop."""

    def __init__(self, view: View, under_cursor: Callable[[], int | None]) -> None:
        """`under_cursor` returns the trace under the cursor."""
        self._view, self._under_cursor = view, under_cursor

    def _analysis(self, purpose: str) -> Analysis | None:
        """Analysis of the traces shown; reports if there are none."""
        analysis = self._view.state.analysis
        if analysis is not None and analysis.traces.trace_count:
            return analysis
        self._view.post_notice(f"no traces to {purpose}")
        return None

    # --- contrast ----------------------------------------------------------------------------------------------------

    def contrast(self) -> None:
        """Let the user choose the traces to contrast with the others."""
        state, analysis = self._view.state, self._analysis("contrast")
        if analysis is None:
            return
        marked = len(set(state.marked) & set(state.shown.tolist()))
        with_errors, failed = analysis.summary.error_trace_count, analysis.summary.failed_request_count
        requests = numbers.requests_failed(with_errors, failed)
        counts = f"{with_errors:,}" + (f", {requests}" if requests else "")
        options = [
            *([Option(MARKED, "the marked traces", f"{marked:,}")] if marked else []),
            *([Option(WITH_ERRORS, "traces with errors", counts)] if with_errors else []),
            Option(SLOWEST, "the slowest traces", "slower than p95"),
        ]

        def chosen(what: str) -> None:
            selection, filter_by = self._selection(analysis.traces, what), self._view.filter_by
            open_contrast(self._view, analysis.traces, selection, what, filter_by, durations=what != SLOWEST)

        self._view.show_dialog(Choice(state.look, "Contrast which traces with the others?", options), chosen)

    def _selection(self, traces: TraceSet, what: str) -> np.ndarray:
        if what == WITH_ERRORS:
            return np.asarray(traces.trace_errors > 0)
        if what == SLOWEST:
            return np.asarray(traces.response_time > np.quantile(traces.response_time, _SLOW))
        return np.isin(self._view.state.shown, sorted(self._view.state.marked))

    # --- two sets ----------------------------------------------------------------------------------------------------

    def compare_sets(self) -> None:
        """Compare the traces shown with earlier ones from another source."""
        view, state, analysis = self._view, self._view.state, self._analysis("compare")
        if analysis is None:
            return

        def chosen(source: str) -> None:
            view.post_notice(f"reading {safe(without_secrets(source))} {state.look.glyphs.ellipsis}")
            show = partial(self._show_comparison, source)
            view.work("traces-compare-sets", lambda: _compared(source, analysis, state), show)

        free = "a file, directory, glob or server"
        view.show_dialog(Choice(state.look, "Compare with earlier traces", [], free=free), chosen)

    def _show_comparison(self, source: str, found: Comparison | str) -> None:
        state = self._view.state
        if isinstance(found, str):
            self._view.post_notice(found)
            return
        shown = source_name(state.sources) + (f" where {state.query}" if state.query else "")
        rows = ComparisonLines(found, (source_name([source]), shown), state.look.glyphs.ascii_only)
        worse = len(found.regressions)
        text = f"{numbers.counted(worse, 'figure')} became worse" if worse else "no significant regression"
        if not found.has_common:
            text = NOTHING_IN_COMMON
        title = Line([(text, Role.ERROR if worse or not found.has_common else Role.STRONG)])
        self._view.show_dialog(AnswerScreen(state.look, [title], rows, "back", _SETS_KEYS), lambda _: None)

    # --- a file ------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save the traces shown to a file."""
        view, look, analysis = self._view, self._view.state.look, self._analysis("save")
        if analysis is None:
            return
        traces = analysis.traces
        count = numbers.counted(traces.trace_count, "trace")

        def chosen(name: str) -> None:
            view.post_notice(f"saving {count} {look.glyphs.ellipsis}")
            view.work("traces-save", lambda: _saved(traces, Path(name)), view.post_notice)

        view.show_dialog(
            Choice(look, f"Save {count} to", [], free="a file, such as checkout.json.gz or checkout.zipkin.json"),
            chosen,
        )

    # --- two traces --------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Compare the two marked traces, the earlier one first; or a single marked one with that under the cursor."""
        view, session, here = self._view, self._view.state.session, self._under_cursor()
        chosen = set(view.state.marked)
        if len(chosen) == 1 and here is not None:
            chosen.add(here)
        if session is None or len(chosen) != 2:
            view.post_key_notices("mark two traces with {traces.mark}; {traces.compare} compares them")
            return
        loaded = session.loaded
        first, second = sorted(chosen, key=lambda trace: int(loaded.trace_start[trace]))

        def work() -> list[CallPath]:
            paths = Analysis(loaded.select(np.array(sorted(chosen)))).paths
            order = sorted(chosen)
            return compare_traces(paths, order.index(first), paths, order.index(second))

        view.work("traces-compare", work, partial(self._show_difference, loaded, (first, second)))

    def _show_difference(self, loaded: TraceSet, pair: tuple[int, int], found: list[CallPath], at: int = 0) -> None:
        look = self._view.state.look
        glyphs = look.glyphs
        title = []
        for side, trace in enumerate(pair):
            line = Line([(("before  ", "after   ")[side], Role.DIM), (safe(loaded.trace_name(trace)), Role.TITLE)])
            took = numbers.duration(int(loaded.response_time[trace]), glyphs.ascii_only)
            clock = numbers.clock(int(loaded.trace_start[trace]), look.local_time)
            line.add(f"  {clock}  ").add("response ", Role.DIM).add(took, Role.STRONG)
            line.add(f"  {whole_change(loaded.response_time[list(pair)].tolist(), glyphs)}" if side else "")
            errors, origins = (sum(one.errors[side] for one in found), sum(one.origins[side] for one in found))
            title.append(line.add(f"  {errors_text(origins, errors - origins, glyphs)}" if errors else "", Role.ERROR))

        def chosen(row: int) -> None:
            side = 1 if found[row].spans[1] >= 0 else 0
            # spans are positions in a set of only these two traces, in order
            order = sorted(pair)
            offset = sum(len(loaded.spans_of(trace)) for trace in order[: order.index(pair[side])])
            span = loaded.spans_of(pair[side]).start + found[row].spans[side] - offset
            come_back = partial(self._show_difference, loaded, pair, found, row)
            self._view.post_message(OpenTrace(pair[side], span, come_back))

        rows = TraceDiff(found, service_roles(loaded), glyphs)
        self._view.show_dialog(AnswerScreen(look, title, rows, "open the span", _TRACES_KEYS, at), chosen)


DIALOGS: Mapping[str, Callable[[TraceDialogs], None]] = {
    "contrast": TraceDialogs.contrast,
    "compare": TraceDialogs.compare,
    "compare_sets": TraceDialogs.compare_sets,
    "save": TraceDialogs.save,
}
"""Dialogs by name."""


def _saved(traces: TraceSet, path: Path) -> str:
    """Save traces. -> message about the result"""
    from tracetui.export.save import save

    try:
        lost = save(traces, path)
    except UsageError as error:
        return str(error)
    without = f", without {', '.join(lost)}" if lost else ""
    return f"saved {numbers.counted(traces.trace_count, 'trace')} to {safe(str(path))}{without}"


def _compared(source: str, after: Analysis, state: State) -> Comparison | str:
    """Load a source and compare it. -> the result, or the reason why that is not possible"""
    try:
        return compare_with(source, after, state.sources, state.overrides)
    except (InputError, UsageError) as error:
        return str(error)
