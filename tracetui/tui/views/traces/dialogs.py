"""Dialogs of the traces view: contrast, comparison of two traces or sets, saving."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from msgspec import structs

from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import Comparison, compare
from tracetui.analysis.root_causes import CausesAndBaseline, find_root_causes
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.resolve import server_at
from tracetui.model.errors import InputError, UsageError
from tracetui.model.times import MINUTE_NS
from tracetui.model.traces import TraceSet
from tracetui.model.user_path import user_path
from tracetui.query.edit import TIME, replace_conditions
from tracetui.query.trace_set_split import Split
from tracetui.render.causes.statement import cause_statement
from tracetui.render.frame import source_name
from tracetui.render.report.compare_text import NOTHING_IN_COMMON, ComparisonLines
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.session import compare_with
from tracetui.tui.views.base import View
from tracetui.tui.views.choice_filler import ChoiceFiller
from tracetui.tui.views.compared_traces import show_marked, show_normal
from tracetui.tui.views.contrast import open_contrast
from tracetui.tui.views.traces.before_after import GroupPair, OfferedPairs
from tracetui.tui.views.traces.causes import CauseFinder
from tracetui.tui.widgets.choice import Choice, Option
from tracetui.tui.widgets.result_screen import WHY, ResultScreen

_SLOW = 0.95
_SETS_KEYS = (
    ("{list.open}", "back to traces"),
    ("before", "value in the first group or source; after: in the second, or in the traces shown"),
    ("beyond chance", "change of 10 % or more, significant across all figures"),
)
MARKED, WITH_ERRORS, SLOWEST = "marked", "with errors", "slowest"
_WINDOW = "window"
_LONGEST_NAME = 60
_T = TypeVar("_T")


class TraceDialogs:
    """Opens dialogs, and computes their results outside the UI loop."""

    def __init__(
        self,
        view: View,
        under_cursor: Callable[[], int | None],
        filler: ChoiceFiller,
        mark_moment: Callable[[int], None],
        causes: CauseFinder,
        show_sets: Callable[[Comparison, tuple[str, str]], None] | None = None,
    ) -> None:
        """`under_cursor` returns the trace under the cursor; `mark_moment` marks a time in the plot; `show_sets` shows
        two compared sets and their names, by default as a report.
        """
        self._show_sets = show_sets
        self._view, self._under_cursor, self._filler, self._mark_moment = view, under_cursor, filler, mark_moment
        self._causes = causes
        self._pairs = OfferedPairs(view.state, under_cursor)

    def _analysis(self, purpose: str) -> Analysis | None:
        """Analysis of the traces shown; reports if there are none."""
        analysis = self._view.state.analysis
        if analysis is not None and analysis.traces.trace_count:
            return analysis
        self._view.post_notice(f"no traces to {purpose}")
        return None

    def _can_open(self, purpose: str) -> bool:
        """Test whether a dialog has traces, or will have them once they are read; reports if not."""
        state = self._view.state
        return (state.analysis is None and state.load_state == "reading") or self._analysis(purpose) is not None

    # --- contrast ----------------------------------------------------------------------------------------------------

    def contrast(self) -> None:
        """Let the user choose the traces to contrast with the others."""
        if not self._can_open("contrast"):
            return

        def options() -> list[Option]:
            return [*self._contrasted(), *self._pairs.options]

        title = "Contrast which traces with the others?"
        self._open(title, "", options, self._contrast)

    def _open(self, title: str, free: str, options: Callable[[], list[Option]], done: Callable[[str], None]) -> None:
        """Open a dialog that offers pairs, of which those by attributes come later; `free` as in `Choice`."""
        pairs = self._pairs
        pairs.begin()
        dialog = Choice(self._view.state.look, title, options(), free=free, typed=pairs.typed, is_filling=True)

        def fill(changes: list[GroupPair]) -> None:
            pairs.set_changes(changes)
            dialog.fill(options())

        self._filler.open(dialog, lambda _: pairs.find_changes(), fill, done)

    def _mark(self, pair: GroupPair | None) -> None:
        """Mark the time that the user chose for a pair."""
        if pair is not None and pair.moment_ns is not None:
            self._mark_moment(pair.moment_ns)

    def _contrasted(self) -> list[Option]:
        """Options for single groups of the traces shown."""
        state, analysis = self._view.state, self._view.state.analysis
        if analysis is None or not analysis.traces.trace_count:
            return []
        count, marked = analysis.traces.trace_count, len(set(state.marked) & set(state.shown.tolist()))
        with_errors, failed = analysis.summary.error_trace_count, analysis.summary.failed_request_count
        requests = numbers.requests_failed(with_errors, failed)
        counts = f"{with_errors:,}" + (f", {requests}" if requests else "")
        return [
            *([Option(MARKED, "the marked traces", f"{marked:,}")] if marked else []),
            *([Option(WITH_ERRORS, "traces with errors", counts)] if 0 < with_errors < count else []),
            Option(SLOWEST, "the slowest traces", "slower than p95"),
        ]

    def _contrast(self, what: str) -> None:
        analysis, filter_by = self._analysis("contrast"), self._view.filter_by
        pair = self._pairs.chosen(what)
        if analysis is None:
            return
        self._mark(pair)
        if pair is not None:
            self._view.work("traces-split", partial(_split, pair), partial(self._contrast_pair, analysis.traces))
            return
        selection = self._selection(analysis.traces, what)
        open_contrast(self._view, analysis.traces, selection, what, filter_by, durations=what != SLOWEST)

    def contrast_region(self, inside: np.ndarray, *, durations: bool) -> None:
        """Contrast the traces in a region of the plot (bool[traces shown]) with the others."""
        analysis = self._analysis("contrast")
        if analysis is None or len(inside) != analysis.traces.trace_count:
            return
        if not inside.any() or inside.all():
            self._view.post_notice(f"{'all' if inside.any() else 'no'} traces are in the region")
            return
        open_contrast(self._view, analysis.traces, inside, "from the region", self._view.filter_by, durations=durations)

    def _contrast_pair(self, traces: TraceSet, split: Split | str) -> None:
        """Contrast the traces after with those before."""
        if isinstance(split, str):
            self._view.post_notice(split)
            return
        either = split.before | split.after
        before, after = split.names
        described = after if after.startswith("from ") else f"with {after}"
        among = f" ({safe(before, _LONGEST_NAME)})"
        filter_by = self._view.filter_by
        open_contrast(self._view, traces.select(either), split.after[either], described, filter_by, among=among)

    def _selection(self, traces: TraceSet, what: str) -> np.ndarray:
        if what == WITH_ERRORS:
            return np.asarray(traces.trace_errors > 0)
        if what == SLOWEST:
            return np.asarray(traces.response_time > np.quantile(traces.response_time, _SLOW))
        return np.isin(self._view.state.shown, sorted(self._view.state.marked))

    # --- two sets ----------------------------------------------------------------------------------------------------

    def compare_sets(self) -> None:
        """Compare two groups of the traces shown, or the traces shown with earlier ones."""
        if not self._can_open("compare"):
            return

        def options() -> list[Option]:
            return [*self._pairs.options, *self._window_before()]

        free = "a time such as 10:05, or a baseline: a file, server or profile"
        self._open("Compare before and after", free, options, self._compare_chosen)

    def _window_before(self) -> list[Option]:
        """Option for the time window before the traces shown, on servers."""
        state, window = self._view.state, self._previous_window()
        if not state.is_live or window is None:
            return []
        times = numbers.time_range(*window, state.look.local_time, state.look.glyphs.ascii_only)
        return [Option(_WINDOW, f"the window before: {times}", "searches the server")]

    def _previous_window(self) -> tuple[int, int] | None:
        """Time window as long as that of the traces shown, just before it, in nanoseconds."""
        analysis = self._view.state.analysis
        if analysis is None or not analysis.traces.trace_count:
            return None
        starts = analysis.traces.trace_start
        first, last = int(starts.min()), int(starts.max())
        return first - max(last - first, MINUTE_NS), first - 1

    def _compare_chosen(self, value: str) -> None:
        view, state, analysis = self._view, self._view.state, self._analysis("compare")
        if analysis is None:
            return
        ellipsis, query = state.look.glyphs.ellipsis, state.query
        shown = source_name(state.sources) + (f" where {query}" if query else "")
        pair, window = self._pairs.chosen(value), self._previous_window()
        self._mark(pair)
        if pair is not None:
            job = partial(_compared_groups, pair, analysis.traces)
        elif value == _WINDOW and window is not None:
            servers = [source for source in state.sources if server_at(source) is not None]
            search = structs.replace(state.search, start_ns=window[0], end_ns=window[1], lookback_ns=None, trace_ids=())
            view.post_notice(f"searching {source_name(servers)} {ellipsis}")
            everywhen = replace_conditions(query, TIME)
            compared = partial(
                compare_with, servers, analysis, servers, state.overrides, search=search, query=everywhen
            )
            job = partial(_named, compared, ("the window before", shown))
        else:
            view.post_notice(f"reading {without_secrets(value)} {ellipsis}")
            compared = partial(compare_with, [value], analysis, state.sources, state.overrides)
            job = partial(_named, compared, (source_name([value]), shown))

        view.work("traces-compare-sets", partial(_or_reason, job), self._show_comparison)

    def _show_comparison(self, result: _Compared | str) -> None:
        view, look = self._view, self._view.state.look
        if isinstance(result, str):
            view.post_notice(result)
            return
        if self._show_sets is not None:
            self._show_sets(result.found, result.names)
            return
        found, causes = result.found, result.causes
        rows = ComparisonLines(found, result.names, look.glyphs.ascii_only)
        worse = len(found.regressions)
        text = f"{numbers.counted(worse, 'figure')} became worse" if worse else "no significant regression"
        if not found.has_common:
            text = NOTHING_IN_COMMON
        title = Line([(text, Role.ERROR if worse or not found.has_common else Role.STRONG)])
        cause = cause_statement(causes, look.glyphs)
        lines = [title, *([cause.line(view.size.width, look.glyphs.ellipsis)] if cause is not None else [])]

        def chosen(row: int) -> None:
            if row == WHY:
                self._causes.open_page(lambda: causes, partial(self._show_comparison, result))

        view.show_dialog(ResultScreen(look, lines, rows, "back", _SETS_KEYS, offers_why=True), chosen)

    # --- a file ------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save the traces shown to a file."""
        view, look = self._view, self._view.state.look
        if not self._can_open("save"):
            return

        def count() -> str:
            analysis = view.state.analysis
            return numbers.counted(analysis.traces.trace_count, "trace") if analysis is not None else "the traces"

        def chosen(name: str) -> None:
            analysis = self._analysis("save")
            if analysis is not None:
                view.post_notice(f"saving {count()} {look.glyphs.ellipsis}")
                view.work("traces-save", lambda: _saved(analysis.traces, user_path(name)), view.post_notice)

        free = "a file, such as checkout.json.gz or checkout.zipkin.json"
        dialog = Choice(look, f"Save {count()} to", [], free=free, is_filling=True)
        self._filler.open(
            dialog, lambda _: None, lambda _: dialog.fill([], f"Save {count()} to"), chosen, needs_all=True
        )

    # --- two traces --------------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Compare the two marked traces, the earlier one first, or a single marked one with that under the cursor.

        Without marks, compare the trace under the cursor with a normal one.
        """
        view, session, here = self._view, self._view.state.session, self._under_cursor()
        chosen = set(view.state.marked)
        if len(chosen) == 1 and here is not None:
            chosen.add(here)
        if session is not None and len(chosen) < 2 and here is not None:
            show_normal(view, session.loaded, here)
            return
        if session is None or len(chosen) != 2:
            what = (
                f"{len(chosen):,} traces are marked; {{traces.compare}} compares two"
                if chosen
                else ("{traces.compare} compares the trace under the cursor with a normal one, or two marked ones")
            )
            view.post_key_notices(what)
            return
        loaded = session.loaded
        first, second = sorted(chosen, key=lambda trace: int(loaded.trace_start[trace]))
        show_marked(view, loaded, (first, second))


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
    return f"saved {numbers.counted(traces.trace_count, 'trace')} to {path}{without}"


def _split(pair: GroupPair) -> Split | str:
    """Compute the groups of a pair. -> the groups, or the reason why that is not possible"""
    try:
        return pair.split()
    except UsageError as error:
        return str(error)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Two sets compared, and the causes of what is worse in the second."""

    found: Comparison
    names: tuple[str, str]
    causes: CausesAndBaseline


def _compared_groups(pair: GroupPair, traces: TraceSet) -> _Compared:
    """Compare the two groups of a pair. Raises UsageError if one is empty."""
    split = pair.split()
    return _named(
        lambda: compare(Analysis(traces.select(split.before)), Analysis(traces.select(split.after))), split.names
    )


def _named(compared: Callable[[], Comparison], names: tuple[str, str]) -> _Compared:
    found = compared()
    causes = find_root_causes(found.before.traces, found.after.traces)
    return _Compared(found, names, CausesAndBaseline(causes, names[0]))


def _or_reason(compute: Callable[[], _T]) -> _T | str:
    """Compute a result. -> it, or the reason why that is not possible"""
    try:
        return compute()
    except (InputError, UsageError) as error:
        return str(error)
