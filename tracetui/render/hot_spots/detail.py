"""Detail of one operation: critical time, calls, pattern and worst traces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracetui.analysis.operation_table import OperationRow
from tracetui.render.hot_spots.table import HotSpotListColumns
from tracetui.render.services.table import duration_or_unknown, p95_or_range
from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.percentiles import spread, spread_words
from tracetui.render.text.safe_text import safe
from tracetui.render.text.sparkline import sparkline
from tracetui.render.text.tables import figure, name_cells, service_name, side_by_side

_MIN_NAME = 16
_BINS = 24
_WORK_BOTTLENECKS = 3
_LABEL = 10
_CLOCK = len("10:00:00.000")
_SHARE = len("share")


class HotSpotDetail:
    """Lines of one operation: figures, pattern and worst traces.

    `pattern` is None until it is computed; `first` are lines above the others, such as the result of a what-if.
    """

    def __init__(
        self,
        columns: HotSpotListColumns,
        spot: OperationRow,
        pattern: str | None,
        glyphs: Glyphs,
        local_time: bool = False,
        first: Sequence[Line] = (),
    ) -> None:
        self.table, self._roles = columns.table, columns.roles
        self.spot, self.pattern, self.glyphs, self.local_time = spot, pattern, glyphs, local_time
        self.worst = self.table.worst_traces(spot.number)
        self.pattern_row = len(first) + 2
        self.head = [_labelled("" if at else "what if").extend(line) for at, line in enumerate(first)]
        """Heading lines."""
        self.head += [self._critical(), self._calls(), self._pattern(), self._times(), self._trend()]
        self.head += [*self._waits(), *self._async_work()]
        self.first_trace = len(self.head) + 1
        traces = self.table.traces
        roots = traces.main_root[[trace for trace, _ in self.worst]].tolist()
        names = (name_cells(traces.service_name(i), False, traces.operation_name(i)) for i in roots)
        self._name_cells = max([*names, len("the worst 12 of 1,000,000 traces")])

    def __len__(self) -> int:
        return self.first_trace + len(self.worst)

    def show_pattern(self, pattern: str) -> None:
        """Show the pattern once it is computed."""
        self.pattern = pattern
        self.head[self.pattern_row] = self._pattern()

    def trace(self, row: int) -> int | None:
        """Return the trace of a row, None for other rows."""
        at = row - self.first_trace
        return self.worst[at][0] if 0 <= at < len(self.worst) else None

    def line(self, row: int, width: int) -> Line:
        if row < len(self.head):
            return self.head[row].cropped(width, self.glyphs.ellipsis)
        traces, glyphs = self.table.traces, self.glyphs
        longest = max(int(traces.response_time[trace]) for trace, _ in self.worst)
        durations = max(numbers.duration_width(longest), len("response"))
        name = max(min(width - _CLOCK - 2 * durations - _SHARE - 8, self._name_cells), _MIN_NAME)
        if row < self.first_trace:
            few, count = len(self.worst), self.spot.traces
            title = f"the worst {few} of {numbers.counted(count, 'trace')}" if few < count else "traces, worst first"
            cells = [
                Line([(fit("start", _CLOCK), Role.DIM)]),
                Line([(fit(title, name, ellipsis=glyphs.ellipsis), Role.TITLE)]),
                figure("response", durations, Role.DIM),
                figure("critical", durations, Role.DIM),
                figure("share", _SHARE, Role.DIM),
            ]
            return side_by_side(cells).cropped(width, glyphs.ellipsis)
        trace, critical = self.worst[row - self.first_trace]
        root = int(traces.main_root[trace])
        service, response = traces.service_name(root), int(traces.response_time[trace])
        path = int(self.table.path_ns[trace])
        cells = [
            Line([(numbers.clock(int(traces.trace_start[trace]), self.local_time), Role.PLAIN)]),
            service_name(
                service, self._roles.get(service, Role.DIM), name, glyphs, operation=traces.operation_name(root)
            ),
            figure(numbers.duration(response, glyphs.ascii_only), durations),
            figure(numbers.duration(critical, glyphs.ascii_only), durations),
            figure(numbers.whole_percent(100 * critical / path if path else 0.0), _SHARE, Role.STRONG),
        ]
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

    def _critical(self) -> Line:
        spot = self.spot
        if spot.is_async:
            text = f"asynchronous, in {numbers.counted(spot.traces, 'trace')}"
            return _labelled("critical").add(text)
        line = _labelled("critical").add(numbers.percent(spot.total_share), Role.STRONG).add(" of total; ")
        line.add(numbers.duration(round(spot.mean_critical_ns), self.glyphs.ascii_only), Role.STRONG)
        line.add(f" mean in {numbers.counted(spot.traces, 'trace')}, ")
        return line.add(numbers.percent(spot.share), Role.STRONG).add(" of their paths")

    def _waits(self) -> Iterator[Line]:
        """Yield the time that its calls spend in the network, and its messages in queues."""
        spot = self.spot
        network_ns, callee = self.table.network(spot.number)
        if network_ns:
            line = _labelled("network").add(self._duration(network_ns / spot.traces), Role.STRONG)
            critical = spot.mean_critical_ns * spot.traces
            share = f" mean per trace, {numbers.whole_percent(100 * network_ns / critical)} of its critical time"
            yield line.add(share if critical else " mean per trace").add(f"; most of it to {safe(callee)}", Role.DIM)
        queued = self.table.queue_times(spot.number)
        if len(queued):
            line = _labelled("queue")
            for name, text in spread(queued, self.glyphs):
                line.add(f"{name} ", Role.DIM).add(f"{text}  ", Role.STRONG)
            yield line.add(f"of {numbers.counted(len(queued), 'message')}, until processing began", Role.DIM)

    def _async_work(self) -> Iterator[Line]:
        """Yield the asynchronous work that begins with the operation: durations and bottlenecks."""
        entry, glyphs = self.spot.entry, self.glyphs
        if entry is None:
            return
        line = _labelled("work").add(f"{glyphs.async_call} {numbers.counted(entry.unit_count, 'time')}", Role.STRONG)
        line.add(f" in {numbers.counted(entry.trace_count, 'trace')}, each with its own critical path;")
        line.add(f" {spread_words(entry.durations, self._duration)}")
        yield line
        for one in entry.bottlenecks[:_WORK_BOTTLENECKS]:
            line = _labelled("").add(f"{numbers.whole_percent(one.share_percent):>5} ", Role.STRONG)
            line.add(f"{self._duration(one.mean_critical_ns)} ", Role.PLAIN)
            yield line.add(f"{safe(one.service)} {safe(one.operation)}")

    def _calls(self) -> Line:
        spot = self.spot
        line = _labelled("calls").add(f"{spot.calls:,}")
        if spot.errors:
            share = numbers.percent(100 * spot.errors / spot.calls)
            line.add(f"  {self.glyphs.origin} {spot.errors:,} ({share})", Role.ERROR)
        found = spot.latency
        if found.small_sample_range is not None or not found.count:
            return line.add("  duration ", Role.DIM).add(p95_or_range(found, spot.calls, self.glyphs))
        for name, ns in (("p50", found.p50_ns), ("p95", found.p95_ns), ("p99", found.p99_ns)):
            line.add(f"  {name} ", Role.DIM).add(self._duration(ns))
        return line

    def _times(self) -> Line:
        """Draw the distribution of call durations."""
        if not self.spot.latency.count:
            return _labelled("durations").add("unknown: no call has an end", Role.DIM)
        counts, least, most = self.table.histogram(self.spot.number, _BINS)
        line = _labelled("durations").add(f"{self._duration(least)} ", Role.DIM)
        line.add(sparkline(counts, self.glyphs), Role.CRITICAL).add(f" {self._duration(most)}", Role.DIM)
        return line.add("  total ", Role.DIM).add(self._duration(self.spot.total_ns))

    def _trend(self) -> Line:
        """Draw the mean duration of calls over time."""
        means = self.table.over_time(self.spot.number, _BINS)
        line = _labelled("over time").add(sparkline(means, self.glyphs), Role.CRITICAL)
        rate = f"{numbers.per_minute(60 * self.spot.calls / max(self.table.seconds, 1e-9))}/min"
        if self.spot.latency.count:
            line.add("  up to ", Role.DIM).add(self._duration(float(means.max())))
        if self.spot.latency.count and self.spot.latency.small_sample_range is None:
            line.add("  self time ", Role.DIM).add(self._duration(self.spot.self_ns))
        return line.add(f"  {rate}", Role.PLAIN) if self.spot.calls > 1 and self.table.seconds else line

    def _duration(self, ns: float | None) -> str:
        return duration_or_unknown(ns, self.spot.calls, self.glyphs)

    def _pattern(self) -> Line:
        line = _labelled("pattern")
        if self.pattern is None:
            return line.add(f"reading spans{self.glyphs.ellipsis}", Role.DIM)
        return (
            line.add(safe(self.pattern))
            if self.pattern
            else line.add("none: spans have no query, route or queue", Role.DIM)
        )


def _labelled(label: str) -> Line:
    return Line([(f"  {label:<{_LABEL}}", Role.DIM)])
