"""Comparison of a trace with a normal one: light bars for normal time, solid ones for added time, by call path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tracetui.analysis.normal_trace import NormalComparison, PathDifference
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.cells import cut, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role, flowed
from tracetui.render.text.percentiles import are_few
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import figure, service_roles, side_by_side

_MAX_INDENT = 16
_MIN_NAME = 24
_MIN_BAR = 12
_GOOD_NAME = 40
"""Width of names from which longer ones are cut, to make room for the bars."""
_SHARE = len("100 %")
_WHOLE = 100.5
"""Share from which on it is shown as more than 100 %."""
_LABEL = 8
_MAX_VALUE = 40
_NEGLIGIBLE = 0.05
"""Share of a call path's difference, 0 to 1, up to which the part outside the network is not mentioned."""


class NormalDiff:
    """Rows of a comparison with a normal trace: a `LineSource` with a heading."""

    def __init__(self, found: NormalComparison, traces: TraceSet, glyphs: Glyphs) -> None:
        self.found, self._traces, self.glyphs = found, traces, glyphs
        self.rows = found.listed
        self._roles = service_roles(traces)
        self._longest = max((ns for one in self.rows for ns in one.path.critical_ns), default=0)
        shades = ("-", "#", ".") if glyphs.ascii_only else ("░", "█", "·")
        self._normal_glyph, self._added_glyph, self._missing_glyph = shades
        reasons = max((len(self._reason(one)) for one in self.rows), default=0)
        self._reasons = reasons + 2 if reasons else 0
        """Cells of the last column and the gap before it."""
        self._names = max((self._name(one, 0).width for one in self.rows), default=0)
        """Cells of the longest name."""
        self._cells = max(numbers.duration_width(self._longest) + 1, len("normal"))

    def __len__(self) -> int:
        return len(self.rows)

    def titles(self, local: bool = False) -> list[Line]:
        """Return a line for each of the two traces."""
        found, traces = self.found, self._traces
        lines = []
        for trace, word in ((found.trace, "this"), (found.normal, "normal")):
            line = Line([(word.ljust(_LABEL), Role.DIM), (numbers.clock(int(traces.trace_start[trace]), local), "")])
            line.add(f"  {self._duration(int(traces.response_time[trace]))}", Role.STRONG)
            if trace == found.trace:
                line.add(f"  {self._signed(found.difference_ns)}", Role.STRONG)
                others = found.population - 1
                is_slowest = found.rank == others
                rank = f"slowest of {found.population:,}" if is_slowest else f"slower than {found.rank:,} of {others:,}"
                line.add(f"  {rank}", Role.PLAIN)
                line.add(f"  {safe(traces.trace_name(trace))}", Role.TITLE)
            else:
                line.add(f"  {self._choice()}", Role.PLAIN)
                line.add(f"  {safe(traces.trace_ids[trace])}", Role.DIM)
            lines.append(line)
        slow = found.slow_network
        if slow is not None and slow.path.network is not None:
            normal, here = slow.path.network.critical_ns
            line = Line([("added".ljust(_LABEL), Role.DIM), ("mostly network time to ", Role.PLAIN)])
            line.add(safe(slow.path.network.callee), Role.STRONG)
            lines.append(line.add(f": {self._duration(here)}, normally {self._duration(normal)}", Role.PLAIN))
        return lines

    def _choice(self) -> str:
        """Describe which of the other traces of the entry point is the normal one: `median of 99 others`."""
        normals, normal = self.found.normals, self.found.normal
        percentile = normals.percentile(normal)
        if percentile is None:
            return "failed"
        count = len(normals.ranked)
        if count == 1:
            return "the only other that did not fail" if normals.are_successful else "the only other"
        of = f"of {count:,} others{' that did not fail' if normals.are_successful else ''}"
        if normal == normals.median:
            return f"median {of}"
        return (
            f"{numbers.ordinal(normals.longer(normal) + 1)} slowest {of}" if are_few(count) else f"p{percentile} {of}"
        )

    def remarks(self, width: int) -> list[Line]:
        """Return lines about what the rows do not show: attributes that differ, and the call paths left out."""
        lines = []
        omitted = len(self.found.paths) - len(self.found.listed)
        if omitted:
            lines.append(Line([(f"{numbers.counted(omitted, 'more row')} changed by less than 1 %", Role.DIM)]))
        if any(one.share > _WHOLE for one in self.found.listed):
            over = Line([("a share above 100 %: other rows took less time than normal", Role.DIM)])
            lines.append(over.cropped(width, self.glyphs.ellipsis))
        services = Counter(one.key for one in self.found.attributes)
        parts = [
            Line([(f"{safe(one.service)} " if services[one.key] > 1 else "", Role.DIM)])
            .add(f"{safe(one.key)} ", Role.DIM)
            .add(safe(one.here, _MAX_VALUE), Role.STRONG)
            .add(", not ", Role.DIM)
            .add(safe(one.normal, _MAX_VALUE), Role.PLAIN)
            for one in self.found.attributes
        ]
        differs = "differs".ljust(_LABEL)
        for number, line in enumerate(flowed(parts, width - len(differs), 3, self.glyphs.ellipsis)):
            lines.append(Line([(differs if not number else " " * len(differs), Role.DIM)]).extend(line))
        return lines

    def heading(self, width: int) -> Line:
        name, bar = self._widths(width)
        texts = ("this", "normal", "added")
        legend = f"{self._normal_glyph} normal  {self._added_glyph} added"
        cells = [Line([(fit("call path, critical time", name, "left", self.glyphs.ellipsis), Role.DIM)])]
        cells += [Line([(fit(legend, bar, "left", self.glyphs.ellipsis), Role.DIM)])] if bar else []
        cells += [figure(text, self._cells, Role.DIM) for text in texts]
        cells.append(figure("share", _SHARE, Role.DIM))
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        one = self.rows[row]
        name, bar = self._widths(width)
        normal, here = one.path.critical_ns
        cells = [self._name(one, name)]
        cells += [self._bar(normal, here, bar)] if bar else []
        cells += [
            figure(self._duration(here) if one.path.counts[1] else "-", self._cells),
            figure(self._duration(normal) if one.path.counts[0] else "-", self._cells, Role.DIM),
            figure(self._signed(one.added_ns) if one.added_ns else "0", self._cells, Role.STRONG),
            figure(numbers.whole_percent(one.share) if one.share > 0 else "", _SHARE, Role.STRONG),
            *([Line([(self._reason(one), Role.ACCENT)])] if self._has_reasons(width) else []),
        ]
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def lines(self, width: int, *, local: bool = False) -> Iterator[Line]:
        """Yield the whole comparison as text."""
        for line in self.titles(local):
            yield line.cropped(width, self.glyphs.ellipsis)
        yield Line()
        yield self.heading(width)
        for row in range(len(self)):
            yield self.line(row, width)
        remarks = self.remarks(width)
        if remarks:
            yield Line()
            yield from remarks

    def _has_reasons(self, width: int) -> bool:
        """Test whether the reasons fit beside whole names; without them, `-` shows a path that one trace lacks."""
        return width - 3 * (self._cells + 2) - _SHARE - 4 - self._reasons >= self._names

    def _widths(self, width: int) -> tuple[int, int]:
        """Widths of the names and of the bars; 0 for no bars."""
        room = width - 3 * (self._cells + 2) - _SHARE - 2 - (self._reasons if self._has_reasons(width) else 0)
        bar = room - self._names - 4
        if bar < _MIN_BAR and room // 2 >= _GOOD_NAME:
            bar = room // 2 - 4
        if bar < _MIN_BAR:
            return max(room - 2, _MIN_NAME), 0
        return room - bar - 4, bar

    def _name(self, one: PathDifference, width: int) -> Line:
        """Name of a call path, cut to a width; 0 for the whole name."""
        path = one.path
        line = Line([(" " * min(path.depth, _MAX_INDENT), Role.PLAIN)])
        line.add(self.glyphs.service or "", self._roles.get(path.service, Role.DIM))
        before, after = path.counts
        repeats = ""
        if before != after and before and after:
            repeats = f" {self.glyphs.repeated(before)} {self.glyphs.sync_call} {after:,}"
        elif before == after > 1:
            repeats = f" {self.glyphs.repeated(after)}"
        failed = f" {self.glyphs.origin}" if path.errors[1] and not path.errors[0] else ""
        network = self._network(one)
        text = f"{safe(path.service)} {safe(path.operation)}"
        if width:
            room = width - line.width - len(repeats) - len(failed) - len(network)
            text = cut(text, max(room, 4), self.glyphs.ellipsis)
        line.add(text, Role.PLAIN).add(network, Role.ACCENT)
        return line.add(repeats, Role.STRONG).add(failed, Role.ERROR).pad(width)

    def _network(self, one: PathDifference) -> str:
        """Describe the part of the network in the difference of a call path; '' if it has none."""
        if not self.found.has_network(one):
            return ""
        added = one.network_added_ns
        return (
            " network"
            if abs(added - one.added_ns) <= abs(one.added_ns) * _NEGLIGIBLE
            else f" network {self._signed(added)}"
        )

    def _bar(self, normal: int, here: int, cells: int) -> Line:
        """Draw time that both have as a light bar, added time as a solid one, and missing time as dots."""
        scale = cells / max(self._longest, 1)
        normal_cells, whole = round(min(normal, here) * scale), round(max(normal, here) * scale)
        line = Line([(self._normal_glyph * normal_cells, Role.REST)])
        if here >= normal:
            return line.add(self._added_glyph * (whole - normal_cells), Role.CRITICAL).pad(cells)
        return line.add(self._missing_glyph * (whole - normal_cells), Role.DIM).pad(cells)

    @staticmethod
    def _reason(one: PathDifference) -> str:
        before, after = one.path.counts
        if not before:
            return "only here"
        if not after:
            return "missing here"
        return "called more often" if one.is_called_more and one.added_ns > 0 else ""

    def _duration(self, ns: int) -> str:
        return numbers.duration(ns, self.glyphs.ascii_only)

    def _signed(self, ns: int) -> str:
        return f"{'+' if ns > 0 else ''}{self._duration(ns)}"
