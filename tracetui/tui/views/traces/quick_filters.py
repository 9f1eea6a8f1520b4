"""Quick filters: keys that edit the query."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from tracetui.analysis.errors import ErrorRole, roles
from tracetui.model.times import MINUTE_NS, find_duration
from tracetui.model.traces import TraceSet
from tracetui.query import QueryError, parse
from tracetui.query import edit as filters
from tracetui.query.attribute_values import AttributeValues, likely_first, values_of
from tracetui.query.complete import Vocabulary, attribute_field, rounded_duration
from tracetui.query.pushdown import conjuncts
from tracetui.render.text import numbers
from tracetui.render.text.line import Role
from tracetui.render.text.safe_text import safe
from tracetui.tui.messages import ChooseServices, WidenWindow
from tracetui.tui.views.base import View
from tracetui.tui.widgets.choice import Choice, Option

_LAST = ((1, "1 minute"), (5, "5 minutes"), (15, "15 minutes"), (60, "hour"), (360, "6 hours"), (1440, "day"))
_UP_TO_NOW = (
    ("15m", "15 minutes"),
    ("1h", "hour"),
    ("3h", "3 hours"),
    ("12h", "12 hours"),
    ("1d", "day"),
    ("2d", "2 days"),
    ("7d", "7 days"),
)
_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::(\d\d))?")


class QuickFilters:
    """Opens dialogs, and edits the query with their results."""

    def __init__(self, view: View, list_by_start: Callable[[str], None]) -> None:
        """`list_by_start` applies a query and sorts by start."""
        self._view, self._list_by_start = view, list_by_start
        self.known = Vocabulary()
        """Words for completing queries."""
        self._key = ""
        self._values: list[str] = []
        self._at = 0

    @property
    def _traces(self) -> TraceSet:
        session = self._view.state.session
        assert session is not None
        return session.loaded

    def _exchange(self, kind: re.Pattern[str], *conditions: str) -> None:
        self._view.filter_by(filters.replace_conditions(self._view.state.query, kind, *conditions))

    def _choose(self, title: str, options: Sequence[Option], done: Callable[[str], None], free: str = "") -> None:
        self._view.show_dialog(Choice(self._view.state.look, title, options, free=free), done)

    # --- services, operations, errors --------------------------------------------------------------------------------

    def only_errors(self) -> None:
        query = self._view.state.query
        self._exchange(filters.ERRORS, *([] if filters.find_condition(query, filters.ERRORS) else ["error"]))

    def pick_service(self) -> None:
        if self._view.state.services_to_choose:
            self._view.post_message(ChooseServices())
            return
        traces = self._traces
        self._pick("service", filters.SERVICE, traces.services, traces.service)

    def pick_operation(self) -> None:
        traces = self._traces
        self._pick("operation", filters.OPERATION, traces.shapes, traces.shape)

    def _pick(self, what: str, kind: re.Pattern[str], texts: list[str], column: np.ndarray) -> None:
        traces = self._traces

        def counts() -> list[Option]:
            role = roles(traces)
            every, begun, passed = (
                _traces_per_code(column[among], traces.trace[among], len(texts))
                for among in (np.arange(len(traces)), role == ErrorRole.ORIGIN, role > ErrorRole.ORIGIN)
            )
            glyphs = self._view.state.look.glyphs
            options = []
            for code in np.lexsort((-every, -begun))[: int((every > 0).sum())].tolist():
                note = "".join(
                    f"{mark}{numbers.short_count(int(count[code]))}  "
                    for mark, count in ((glyphs.origin, begun), (glyphs.propagated, passed))
                    if count[code]
                )
                note += numbers.counted(int(every[code]), "trace")
                options.append(Option("=" + texts[code], texts[code], note))
            return options

        def show(options: list[Option]) -> None:
            if what == "service":
                here = {option.label for option in options}
                offered = (name for name in self._view.state.server_services if name not in here)
                options += [Option("=" + name, name, "searches the server", Role.DIM) for name in offered]
                chosen = self._view.state.search.services
                if chosen or self._view.state.search.every_service:
                    note = f"{len(chosen) or len(self._view.state.server_services):,} searched"
                    options.insert(0, Option("?", "choose the services to search", note, Role.DIM))
            if filters.find_condition(self._view.state.query, kind):
                options = [Option("", f"every {what}", "removes the filter", Role.DIM), *options]
            glyphs = self._view.state.look.glyphs
            signs = (
                f"   {glyphs.origin} errors began there  {glyphs.propagated} propagated to it"
                if traces.error.any()
                else ""
            )
            self._choose(f"Traces with the {what}{signs}", options, done)

        def done(value: str) -> None:
            if value == "?":
                self._view.post_message(ChooseServices())
                return
            self._exchange(kind, *([filters.condition(what, value[1:])] if value else []))

        self._view.work("traces-options", counts, show)

    # --- durations and times -----------------------------------------------------------------------------------------

    def next_duration(self) -> None:
        wanted = list(dict.fromkeys(text for text, _ in self.known.responses if text != "0"))
        now = filters.find_condition(self._view.state.query, filters.LEAST_DURATION)
        current = next((i for i, text in enumerate(wanted) if now == f"trace.response >= {text}"), -1)
        if current + 1 < len(wanted):
            self._exchange(filters.LEAST_DURATION, f"trace.response >= {wanted[current + 1]}")
        else:
            self._exchange(filters.LEAST_DURATION)

    def pick_duration(self) -> None:
        stats = np.quantile(self._traces.response_time, (0.5, 0.9, 0.95, 0.99)) if self._traces.trace_count else ()
        options = [
            Option(rounded_duration(float(ns)), rounded_duration(float(ns)), f"{name} of all traces")
            for name, ns in zip(("p50", "p90", "p95", "p99"), stats, strict=False)
        ]
        if filters.find_condition(self._view.state.query, filters.LEAST_DURATION):
            options.insert(0, Option("", "any duration", "removes the filter", Role.DIM))

        def done(value: str) -> None:
            self._checked(filters.LEAST_DURATION, f"trace.response >= {value}" if value else "")

        self._choose("Response time of at least", options, done, free="or a duration such as 500ms")

    def _checked(self, kind: re.Pattern[str], condition: str) -> None:
        """Replace conditions, unless the new one is invalid."""
        try:
            if condition:
                parse(condition)
        except QueryError as error:
            self._view.post_notice(safe(error.reason))
            return
        self._exchange(kind, *([condition] if condition else []))

    def pick_window(self) -> None:
        traces = self._traces
        is_live = self._view.state.is_live
        if not traces.trace_count and not is_live:
            return
        starts = traces.trace_start if traces.trace_count else np.array([time.time_ns()])
        first, last = int(starts.min()), int(starts.max())
        local = self._view.state.look.local_time
        options = []
        if filters.find_condition(self._view.state.query, filters.TIME):
            options.append(Option("", "all times", "removes the filter", Role.DIM))
        trace = self._view.state.trace
        if trace is not None and trace < traces.trace_count:
            at = int(traces.trace_start[trace])
            around = filters.time_window(at - MINUTE_NS, at + MINUTE_NS)
            options.append(Option(around, "one minute around the trace under the cursor", numbers.clock(at, local)))
        for minutes, name in _LAST:
            begin = last - minutes * MINUTE_NS
            if begin > first:
                count = int((traces.trace_start >= begin).sum())
                text = filters.time_window(begin, None)
                options.append(Option(text, f"the last {name}", numbers.counted(count, "trace")))

        if is_live:
            # servers may have newer traces
            options = [option for option in options if not option.label.startswith("the last ")]
            options += [Option(text, f"the last {name}, up to now", "searches the server") for text, name in _UP_TO_NOW]

        def done(value: str) -> None:
            text = value
            lookback = find_duration(value) if value and is_live else None
            if lookback:
                self._view.post_message(WidenWindow(lookback))
                return
            if value and not value.startswith(filters.TIME_FIELD):
                begin, end = written_window(value, first, max(last, time.time_ns()) if is_live else last, local)
                if begin is None:
                    self._view.post_notice("write a time window as 10:03-10:16 or 10:03")
                    return
                if end is not None and end <= begin:
                    self._view.post_notice(f"{safe(value, 60)}: the window must end after it begins")
                    return
                text = filters.time_window(begin, end)
            self._exchange(filters.TIME, *(conjuncts(text) or []))

        span = numbers.time_range(first, last, local, self._view.state.look.glyphs.ascii_only)
        free = "or 3h, or a window such as 10:03-10:16" if is_live else "or a window such as 10:03-10:16"
        self._choose(f"Time window (loaded: {span})", options, done, free=free)

    # --- values of attributes ----------------------------------------------------------------------------------------

    def pick_value(self) -> None:
        known = self.known.attributes
        if not known:
            self._view.post_notice("no attributes in these traces")
            return
        options = []
        for key in likely_first(known):
            values = known[key]
            note = numbers.counted(len(values), "value")
            options.append(Option(key, key, f"{values[0][:24]}  {note}" if len(values) == 1 else note))
        self._choose("Filter by the values of", options, self._pick_value_of)

    def _pick_value_of(self, key: str) -> None:
        traces = self._traces
        every = np.arange(traces.trace_count)

        def show(values: AttributeValues) -> None:
            glyphs = self._view.state.look.glyphs
            options = [
                Option(
                    found.text,
                    found.text,
                    (f"{glyphs.origin}{found.failed:,}  " if found.failed else "")
                    + numbers.counted(found.traces, "trace"),
                )
                for found in values.found
            ]

            def done(value: str) -> None:
                self._key = key
                self._values = [option.value for option in options]
                self._show_value(self._values.index(value))

            title = f"Traces of {safe(key, 60)}" + (", from a sample" if values.sampled else "")
            if options:
                self._choose(title, options, done)
            else:
                self._view.post_notice(f"no value of {safe(key, 60)} can be used in a filter")

        self._view.work("traces-options", lambda: values_of(traces, key, every), show)

    def _show_value(self, at: int) -> None:
        self._at = at
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
        elif 0 <= self._at + step < len(self._values):
            self._show_value(self._at + step)
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


def _traces_per_code(codes: np.ndarray, trace: np.ndarray, size: int) -> np.ndarray:
    """Count the distinct traces (int[m]) with each code (int[m]): int64[size]."""
    count = int(trace.max(initial=0)) + 1
    return np.bincount(np.unique(codes.astype(np.int64) * count + trace) // count, minlength=size)


def written_window(text: str, first_ns: int, last_ns: int, local: bool) -> tuple[int | None, int | None]:
    """Parse `10:03-10:16` or `10:03` on the day of the first trace. -> begin and end, None for a missing one

    If traces extend past midnight, it may also be the next day. The end may precede the begin.
    """
    first, last = (_moment(ns, local) for ns in (first_ns, last_ns))
    times: list[datetime] = []
    for match in list(_CLOCK.finditer(text))[:2]:
        hour, minute, second = (int(part or 0) for part in match.groups())
        if hour > 23 or minute > 59 or second > 59:
            return None, None
        moment = (times or [first])[0].replace(hour=hour, minute=minute, second=second, microsecond=0)
        after = moment + timedelta(days=1)
        if times:
            is_after = moment <= times[0] and after.date() <= last.date()
        else:
            is_after = moment + timedelta(minutes=1) < first and after <= last
        times.append(after if is_after else moment)
    found: list[int | None] = [int(moment.timestamp()) * 1_000_000_000 for moment in times]
    found += [None, None]
    return found[0], found[1]


def _moment(ns: int, local: bool) -> datetime:
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return moment.astimezone() if local else moment
