"""Quick filters: keys that edit the query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from tracetui.analysis.errors import ErrorRole, roles
from tracetui.model.times import find_duration
from tracetui.model.traces import TraceSet
from tracetui.query import QueryError, parse
from tracetui.query import edit as filters
from tracetui.query.attribute_values import AttributeValues, likely_first, values_of
from tracetui.query.complete import MAX_KNOWN_VALUES, Vocabulary, attribute_field, rounded_duration, vocabulary
from tracetui.query.pushdown import conjuncts
from tracetui.render.text import numbers
from tracetui.render.text.line import Role
from tracetui.render.text.safe_text import safe
from tracetui.tui.messages import ChooseServices, WidenWindow
from tracetui.tui.views.base import View
from tracetui.tui.views.choice_filler import ChoiceFiller
from tracetui.tui.views.traces.time_windows import typed_window, typed_window_options, window_of, window_options
from tracetui.tui.widgets.choice import Choice, Option

_T = TypeVar("_T")


class QuickFilters:
    """Opens dialogs, and edits the query with their results."""

    def __init__(self, view: View, list_by_start: Callable[[str], None], filler: ChoiceFiller) -> None:
        """`list_by_start` applies a query and sorts by start."""
        self._view, self._list_by_start, self._filler = view, list_by_start, filler
        self._known = Vocabulary()
        """Words for completing queries, of the set `_known_of`."""
        self._known_of: TraceSet | None = None
        self._key = ""
        self._values: list[str] = []
        self._value_index = 0

    @property
    def _traces(self) -> TraceSet:
        session = self._view.state.session
        assert session is not None
        return session.loaded

    def set_vocabulary(self, traces: TraceSet, known: Vocabulary) -> None:
        """Set the words for completion, of a set."""
        self._known_of, self._known = traces, known

    def apply(self, name: str) -> None:
        """Edit the query in one of the ways of `QUICK_FILTERS`. Dialogs open while the first traces are read, too."""
        state = self._view.state
        if state.session is not None or (name in _DIALOGS and state.load_state == "reading"):
            QUICK_FILTERS[name](self)

    def _replace_conditions(self, kind: filters.ConditionKind, *conditions: str) -> None:
        self._view.filter_by(filters.replace_conditions(self._view.state.query, kind, *conditions))

    def _choose(
        self,
        title: str,
        find: Callable[[TraceSet], _T],
        options: Callable[[_T], Sequence[Option] | str],
        done: Callable[[str], None],
        *,
        free: str = "",
        typed: Callable[[str], Sequence[Option]] = lambda _: (),
        full_title: Callable[[_T], str] = lambda _: "",
    ) -> None:
        """Open a dialog at once, and fill it with the options made of what is found, or show why there are none.

        find: called in a thread; options, full_title: called on the loop with its result; free, typed: as in `Choice`.
        """
        dialog = Choice(self._view.state.look, title, [], free=free, typed=typed, is_filling=True)

        def fill(found: _T) -> None:
            made = options(found)
            if not isinstance(made, str):
                dialog.fill(made, full_title(found))
            elif self._view.state.load_state != "reading":
                dialog.dismiss(None)
                self._view.post_notice(made)

        self._filler.open(dialog, find, fill, done)

    def _remaining(self, kind: filters.ConditionKind) -> Callable[[TraceSet], np.ndarray]:
        """Return a function that finds the traces (bool[traces]) of the filter without its conditions of a kind.

        As these are what an option replaces, its count is what one gets. The function runs in a thread.
        """
        query = filters.replace_conditions(self._view.state.query, kind)

        def matches(traces: TraceSet) -> np.ndarray:
            return parse(query).matches(traces) if query else np.ones(traces.trace_count, bool)

        return matches

    # --- services, operations, errors --------------------------------------------------------------------------------

    def only_errors(self) -> None:
        query = self._view.state.query
        self._replace_conditions(filters.ERRORS, *([] if filters.find_condition(query, filters.ERRORS) else ["error"]))

    def pick_service(self) -> None:
        if self._view.state.services_to_choose:
            self._view.post_message(ChooseServices())
            return
        self._pick("service", filters.SERVICE, lambda traces: (traces.services, traces.service))

    def pick_operation(self) -> None:
        self._pick("operation", filters.OPERATION, lambda traces: (traces.shapes, traces.shape))

    def _pick(
        self, what: str, kind: filters.ConditionKind, table: Callable[[TraceSet], tuple[list[str], np.ndarray]]
    ) -> None:
        """Pick one of a table of names; `table` returns it with int[n] into it."""
        remaining = self._remaining(kind)

        def counts(traces: TraceSet) -> tuple[list[Option], bool]:
            texts, column = table(traces)
            role, kept = roles(traces), remaining(traces)[traces.trace]
            every, begun, passed = (
                _traces_per_code(column[among], traces.trace[among], len(texts))
                for among in (kept, kept & (role == ErrorRole.ORIGIN), kept & (role > ErrorRole.ORIGIN))
            )
            glyphs = self._view.state.look.glyphs
            options = []
            for code in np.lexsort((-every, -begun))[: int((every > 0).sum())].tolist():
                note = "".join(
                    f"{glyph}{numbers.short_count(int(count[code]))}  "
                    for glyph, count in ((glyphs.origin, begun), (glyphs.propagated, passed))
                    if count[code]
                )
                note += numbers.counted(int(every[code]), "trace")
                options.append(Option("=" + texts[code], texts[code], note))
            return options, bool(traces.error[kept].any())

        def every_option(found: tuple[list[Option], bool]) -> list[Option]:
            options, _ = found
            if what == "service":
                listed = {option.label for option in options}
                offered = (name for name in self._view.state.server_services if name not in listed)
                options += [Option("=" + name, name, "searches the server", Role.DIM) for name in offered]
                chosen = self._view.state.search.services
                if chosen or self._view.state.search.every_service:
                    note = f"{len(chosen) or len(self._view.state.server_services):,} searched"
                    options.insert(0, Option("?", "choose the services to search", note, Role.DIM))
            if filters.find_condition(self._view.state.query, kind):
                options = [Option("", f"every {what}", "removes the filter", Role.DIM), *options]
            return options

        def explained(found: tuple[list[Option], bool]) -> str:
            glyphs = self._view.state.look.glyphs
            signs = f"   {glyphs.origin} errors began there  {glyphs.propagated} propagated to it"
            return title + (signs if found[1] else "")

        def done(value: str) -> None:
            if value == "?":
                self._view.post_message(ChooseServices())
                return
            self._replace_conditions(kind, *([filters.condition(what, value[1:])] if value else []))

        title = f"Traces with the {what}"
        self._choose(title, counts, every_option, done, full_title=explained)

    # --- durations and times -----------------------------------------------------------------------------------------

    def next_duration(self) -> None:
        wanted = list(dict.fromkeys(text for text, _ in self._known.responses if text != "0"))
        now = filters.find_condition(self._view.state.query, filters.MIN_DURATION)
        current = next((i for i, text in enumerate(wanted) if now == f"trace.response >= {text}"), -1)
        if current + 1 < len(wanted):
            self._replace_conditions(filters.MIN_DURATION, f"trace.response >= {wanted[current + 1]}")
        else:
            self._replace_conditions(filters.MIN_DURATION)

    def pick_duration(self) -> None:
        def options(traces: TraceSet) -> list[Option]:
            stats = np.quantile(traces.response_time, (0.5, 0.9, 0.95, 0.99)) if traces.trace_count else ()
            found = [
                Option(rounded_duration(float(ns)), rounded_duration(float(ns)), f"{name} of all traces")
                for name, ns in zip(("p50", "p90", "p95", "p99"), stats, strict=False)
            ]
            if filters.find_condition(self._view.state.query, filters.MIN_DURATION):
                found.insert(0, Option("", "any duration", "removes the filter", Role.DIM))
            return found

        def done(value: str) -> None:
            self._checked(filters.MIN_DURATION, f"trace.response >= {value}" if value else "")

        def typed(text: str) -> list[Option]:
            return [Option(text, f"{text} or more")] if find_duration(text) is not None else []

        free = "or a duration such as 500ms"
        title = "Response time of at least"
        self._choose(title, options, lambda found: found, done, free=free, typed=typed)

    def _checked(self, kind: filters.ConditionKind, condition: str) -> None:
        """Replace conditions, unless the new one is invalid."""
        try:
            if condition:
                parse(condition)
        except QueryError as error:
            self._view.post_notice(error.reason)
            return
        self._replace_conditions(kind, *([condition] if condition else []))

    def pick_window(self) -> None:
        state = self._view.state
        if state.session is not None and not state.session.loaded.trace_count and not state.is_live:
            return

        def title(traces: TraceSet) -> str:
            span = numbers.time_range(*window_of(traces), state.look.local_time, state.look.glyphs.ascii_only)
            return f"Time window (loaded: {span})"

        free = ("3h, " if state.is_live else "") + "a time such as 10:05, or a window such as 10:03-10:16"
        # few columns are read, on the loop, as the options depend on the cursor
        self._choose(
            "Time window",
            lambda traces: traces,
            self._windows,
            self._filter_by_window,
            free=free,
            typed=self._typed_windows,
            full_title=title,
        )

    def _windows(self, traces: TraceSet) -> list[Option]:
        """Time windows to choose from."""
        state = self._view.state
        is_filtered = bool(filters.find_condition(state.query, filters.TIME))
        return window_options(traces, state, is_filtered=is_filtered)

    def _typed_windows(self, text: str) -> list[Option]:
        """Time windows that a text denotes."""
        state = self._view.state
        return typed_window_options(text, state.session.loaded, state) if state.session is not None else []

    def _filter_by_window(self, value: str) -> None:
        """Filter by a condition of `_windows`, or by a typed window."""
        state, text = self._view.state, value
        lookback = find_duration(value) if value and state.is_live else None
        if lookback:
            self._view.post_message(WidenWindow(lookback))
            return
        if value and not value.startswith(filters.TIME_FIELD):
            begin, _ = typed_window(value, self._traces, state)
            if begin is None:
                self._view.post_notice("write a time window as 10:03-10:16 or 10:03")
                return
            typed = self._typed_windows(value)
            if not typed:
                self._view.post_notice(f"{safe(value, 60)}: the window must end after it begins")
                return
            text = typed[0].value
        self._replace_conditions(filters.TIME, *(conjuncts(text) or []))

    # --- values of attributes ----------------------------------------------------------------------------------------

    def pick_value(self) -> None:
        def vocabulary_of(traces: TraceSet) -> Vocabulary:
            return self._known if self._known_of is traces else vocabulary(traces)

        def options(known: Vocabulary) -> list[Option] | str:
            found = []
            for key in likely_first(known.attributes):
                values = known.attributes[key]
                count = at_least(len(values), "value", is_sample=known.is_sample or len(values) >= MAX_KNOWN_VALUES)
                note = f"{values[0][:24]}  {count}" if len(values) == 1 else count
                found.append(Option(key, key, note))
            return found or "no attributes in these traces"

        self._choose("Filter by the value of an attribute", vocabulary_of, options, self._pick_value_of)

    def _pick_value_of(self, key: str) -> None:
        offered: list[str] = []
        query = filters.replace_conditions(self._view.state.query, filters.equality(attribute_field(key)))

        def options(values: AttributeValues) -> list[Option] | str:
            glyphs = self._view.state.look.glyphs
            offered[:] = [found.text for found in values.found]
            return [
                Option(
                    found.text,
                    found.text,
                    (f"{glyphs.origin}{found.failed:,}  " if found.failed else "")
                    + at_least(found.traces, "trace", is_sample=values.sampled),
                )
                for found in values.found
            ] or (
                f"no trace of the filter has {safe(key, 60)}"
                if query
                else f"no value of {safe(key, 60)} can be used in a filter"
            )

        def done(value: str) -> None:
            self._key, self._values = key, list(offered)
            self._show_value(self._values.index(value))

        remaining = self._remaining(filters.equality(attribute_field(key)))
        title = f"Traces with the value of {safe(key, 60)}" + (", among those of the filter" if query else "")
        self._choose(
            title,
            lambda traces: values_of(traces, key, np.flatnonzero(remaining(traces))),
            options,
            done,
            full_title=lambda values: title + (", from a sample" if values.sampled else ""),
        )

    def _show_value(self, at: int) -> None:
        self._value_index = at
        name = attribute_field(self._key)
        query = filters.replace_conditions(
            self._view.state.query, filters.equality(name), filters.condition(name, self._values[at])
        )
        self._list_by_start(query)

    def next_value(self) -> None:
        self._step(1)

    def previous_value(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        name = attribute_field(self._key)
        if not self._values or not filters.find_condition(self._view.state.query, filters.equality(name)):
            self._view.post_key_notices("pick a value with {traces.values} first")
        elif 0 <= self._value_index + step < len(self._values):
            self._show_value(self._value_index + step)
        else:
            self._view.post_notice(f"no {'next' if step > 0 else 'previous'} value: {len(self._values):,} in total")


QUICK_FILTERS: Mapping[str, Callable[[QuickFilters], None]] = {
    "errors": QuickFilters.only_errors,
    "service": QuickFilters.pick_service,
    "operation": QuickFilters.pick_operation,
    "duration": QuickFilters.next_duration,
    "typed_duration": QuickFilters.pick_duration,
    "window": QuickFilters.pick_window,
    "values": QuickFilters.pick_value,
    "next_value": QuickFilters.next_value,
    "former_value": QuickFilters.previous_value,
}
"""Quick filters by name."""
_DIALOGS = ("service", "operation", "typed_duration", "window", "values")
"""Those that open a dialog."""


def at_least(number: int, noun: str, *, is_sample: bool) -> str:
    """Format a count: `3 values`; `at least 3 values` if it is from a sample."""
    return ("at least " if is_sample else "") + numbers.counted(number, noun)


def _traces_per_code(codes: np.ndarray, trace: np.ndarray, size: int) -> np.ndarray:
    """Count the distinct traces (int[m]) with each code (int[m]): int64[size]."""
    count = int(trace.max(initial=0)) + 1
    return np.bincount(np.unique(codes.astype(np.int64) * count + trace) // count, minlength=size)
