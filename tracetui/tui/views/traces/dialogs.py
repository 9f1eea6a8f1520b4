"""Dialogs of the traces view: contrast, comparison of two traces or sets, saving."""

from __future__ import annotations

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
from tracetui.render.text.columns import service_roles
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.traces.table import errors_text
from tracetui.render.waterfall.trace_diff import WORDS_EXPLAINED, TraceDiff, whole_change
from tracetui.session import compare_with
from tracetui.tui.messages import OpenTrace
from tracetui.tui.state import State
from tracetui.tui.views.contrast import open_contrast
from tracetui.tui.views.traces.dialog_host import DialogHost
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

    def __init__(self, pane: DialogHost) -> None:
        self._pane = pane
        self._before = ""
        """Source of the last comparison."""

    # --- contrast ----------------------------------------------------------------------------------------------------

    def contrast(self) -> None:
        """Let the user choose the traces to contrast with the others."""
        pane, analysis = self._pane, self._pane.state.analysis
        if analysis is None or not analysis.traces.trace_count:
            pane.post_notice("no traces to contrast")
            return
        marked = len(set(pane.state.marked) & set(pane.state.shown.tolist()))
        with_errors, failed = analysis.summary.error_trace_count, analysis.summary.failed_request_count
        requests = numbers.requests_failed(with_errors, failed)
        counts = f"{with_errors:,}" + (f", {requests}" if requests else "")
        options = [
            *([Option(MARKED, "the marked traces", f"{marked:,}")] if marked else []),
            *([Option(WITH_ERRORS, "traces with errors", counts)] if with_errors else []),
            Option(SLOWEST, "the slowest traces", "slower than p95"),
        ]

        def chosen(what: str | None) -> None:
            pane.focus_pane()
            if what is not None:
                self._open_contrast(analysis, what)

        pane.app.push_screen(Choice(pane.state.look, "Contrast which traces with the others?", options), chosen)

    def _open_contrast(self, analysis: Analysis, what: str) -> None:
        pane, traces = self._pane, analysis.traces
        open_contrast(pane, traces, self._selection(traces, what), what, pane.apply_filter, durations=what != SLOWEST)

    def _selection(self, traces: TraceSet, what: str) -> np.ndarray:
        if what == WITH_ERRORS:
            return np.asarray(traces.trace_errors > 0)
        if what == SLOWEST:
            return np.asarray(traces.response_time > np.quantile(traces.response_time, _SLOW))
        return np.isin(self._pane.state.shown, sorted(self._pane.state.marked))

    # --- two sets ----------------------------------------------------------------------------------------------------

    def compare_sets(self) -> None:
        """Compare the traces shown with earlier ones from another source."""
        pane, analysis = self._pane, self._pane.state.analysis
        if analysis is None or not analysis.traces.trace_count:
            pane.post_notice("no traces to compare")
            return

        def chosen(source: str | None) -> None:
            pane.focus_pane()
            if source:
                pane.post_notice(f"reading {safe(without_secrets(source))} {pane.state.look.glyphs.ellipsis}")
                pane.work("traces-compare-sets", lambda: _compared(source, analysis, pane.state), done)

        def done(found: Comparison | str) -> None:
            if isinstance(found, str):
                pane.post_notice(found)
                return
            shown = source_name(pane.state.sources) + (f" where {pane.state.query}" if pane.state.query else "")
            rows = ComparisonLines(found, (source_name([self._before]), shown), pane.state.look.glyphs.ascii_only)
            worse = len(found.regressions)
            text = f"{numbers.counted(worse, 'figure')} became worse" if worse else "no significant regression"
            if not found.has_common:
                text = NOTHING_IN_COMMON
            title = Line([(text, Role.ERROR if worse or not found.has_common else Role.STRONG)])
            screen = AnswerScreen(pane.state.look, [title], rows, "back", _SETS_KEYS)
            pane.app.push_screen(screen, lambda _: pane.focus_pane())

        title = "Compare with earlier traces"
        free = "a file, directory, glob or server"

        def remembered(source: str | None) -> None:
            self._before = source or ""
            chosen(source)

        pane.app.push_screen(Choice(pane.state.look, title, [], free=free), remembered)

    # --- a file ------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save the traces shown to a file."""
        pane, analysis = self._pane, self._pane.state.analysis
        if analysis is None or not analysis.traces.trace_count:
            pane.post_notice("no traces to save")
            return
        traces = analysis.traces

        def chosen(name: str | None) -> None:
            pane.focus_pane()
            if name:
                pane.post_notice(
                    f"saving {numbers.counted(traces.trace_count, 'trace')} {pane.state.look.glyphs.ellipsis}"
                )
                pane.work("traces-save", lambda: _saved(traces, Path(name)), pane.post_notice)

        title = f"Save {numbers.counted(traces.trace_count, 'trace')} to"
        pane.app.push_screen(
            Choice(pane.state.look, title, [], free="a file, such as checkout.json.gz or checkout.zipkin.json"), chosen
        )

    # --- two traces --------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Compare the two marked traces, the earlier one first; or a single marked one with that under the cursor."""
        pane, session = self._pane, self._pane.state.session
        chosen = set(pane.state.marked)
        if len(chosen) == 1 and pane.trace_under_cursor is not None:
            chosen.add(pane.trace_under_cursor)
        if session is None or len(chosen) != 2:
            pane.post_notice(pane.key_names.short("mark two traces with {traces.mark}; {traces.compare} compares them"))
            return
        loaded = session.loaded
        first, second = sorted(chosen, key=lambda trace: int(loaded.trace_start[trace]))

        def work() -> list[CallPath]:
            paths = Analysis(loaded.select(np.array(sorted(chosen)))).paths
            order = sorted(chosen)
            return compare_traces(paths, order.index(first), paths, order.index(second))

        def done(found: list[CallPath]) -> None:
            self._show_difference(loaded, (first, second), found)

        pane.work("traces-compare", work, done)

    def _show_difference(self, loaded: TraceSet, pair: tuple[int, int], found: list[CallPath], at: int = 0) -> None:
        pane, look = self._pane, self._pane.state.look
        glyphs = look.glyphs
        title = []
        for side, trace in enumerate(pair):
            line = Line([(("before  ", "after   ")[side], Role.DIM), (safe(loaded.trace_name(trace)), Role.TITLE)])
            response_time = numbers.duration(int(loaded.response_time[trace]), glyphs.ascii_only)
            clock = numbers.clock(int(loaded.trace_start[trace]), look.local_time)
            line.add(f"  {clock}  ").add("response ", Role.DIM).add(response_time, Role.STRONG)
            line.add(f"  {whole_change(loaded.response_time[list(pair)].tolist(), glyphs)}" if side else "")
            errors, origins = (sum(one.errors[side] for one in found), sum(one.origins[side] for one in found))
            title.append(line.add(f"  {errors_text(origins, errors - origins, glyphs)}" if errors else "", Role.ERROR))

        def chosen(row: int | None) -> None:
            pane.focus_pane()
            if row is not None:
                side = 1 if found[row].spans[1] >= 0 else 0
                # spans are positions in a set of only these two traces, in order
                order = sorted(pair)
                offset = sum(len(loaded.spans_of(trace)) for trace in order[: order.index(pair[side])])
                within = found[row].spans[side] - offset
                span = loaded.spans_of(pair[side]).start + within
                pane.post_message(OpenTrace(pair[side], span, lambda: self._show_difference(loaded, pair, found, row)))

        rows = TraceDiff(found, service_roles(loaded), glyphs)
        pane.app.push_screen(AnswerScreen(look, title, rows, "open the span", _TRACES_KEYS, at), chosen)


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
