"""Difference of two traces by call path: light bars for the time of both, solid ones for added time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tracetui.analysis.trace_difference import PathDifference, TraceDifference
from tracetui.render.text import numbers
from tracetui.render.text.cells import cut, fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role, flowed
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import figure, side_by_side

LABEL: Final = 8
"""Cells of the words before the lines above and below the rows."""
_SAMPLED_ROWS = 2_000
"""Number of rows that decide on the widths of columns."""
_MAX_INDENT = 16
_MIN_NAME = 24
_MIN_BAR = 12
_GOOD_BAR = 22
"""Width of bars below which reasons are left out; it has room for the legend."""
_GOOD_NAME = 32
"""Width of names from which longer ones are cut, to make room for the bars."""
_NAME, _LONG_NAME, _DIFFERENCE = "call path", "call path, critical time", "difference"
_SHARE = len("100 %")
_WHOLE = 100.5
"""Share from which on it is shown as more than 100 %."""
_MAX_VALUE = 40
_NEGLIGIBLE = 0.05
"""Share of a call path's difference, 0 to 1, up to which the part outside the network is not mentioned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffWords:
    """Words for the two traces of a difference."""

    before: str
    """Heading of the first trace's times."""
    after: str
    is_after_first: bool
    """True if the second trace's times come first."""
    only_before: str
    """Remark on a call path that only the first trace has."""
    only_after: str
    failed_before: str
    """Remark on errors that only the first trace has."""
    failed_after: str


NORMAL: Final = DiffWords(
    before="normal",
    after="this",
    is_after_first=True,
    only_before="missing here",
    only_after="only here",
    failed_before="in normal",
    failed_after="only here",
)
MARKED: Final = DiffWords(
    before="before",
    after="after",
    is_after_first=False,
    only_before="removed",
    only_after="added",
    failed_before="before",
    failed_after="after",
)


class PathDiff:
    """Rows of the call paths that differ: a `LineSource` with a heading. `roles` maps services to colour roles."""

    def __init__(self, found: TraceDifference, roles: dict[str, str], words: DiffWords, glyphs: Glyphs) -> None:
        self.found, self._roles, self._words, self.glyphs = found, roles, words, glyphs
        self.rows = found.listed
        self._longest = max((ns for one in self.rows for ns in one.path.critical_ns), default=0)
        shades = ("-", "#", ".") if glyphs.ascii_only else ("░", "█", "·")
        self._common_glyph, self._added_glyph, self._missing_glyph = shades
        sampled = self.rows[:_SAMPLED_ROWS]
        reasons = max((len(self._reason(one)) for one in sampled), default=0)
        self._reasons = reasons + 2 if reasons else 0
        """Cells of the last column and the gap before it."""
        self._names = max((self._name(one, 0, is_noted=True).width for one in sampled), default=0)
        """Cells of the longest name."""
        self._cells = max(numbers.duration_width(self._longest), len(words.before), len(words.after))
        self._difference_cells = max(numbers.duration_width(self._longest) + 1, len(_DIFFERENCE))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def top(self) -> int:
        """Row of the largest difference; 0 without rows."""
        return max(range(len(self.rows)), key=lambda row: abs(self.rows[row].added_ns), default=0)

    def network_title(self) -> Line | None:
        """Return a line that names the call whose network time is most of the difference; None if something else is."""
        slow = self.found.slow_network
        if slow is None or slow.path.network is None:
            return None
        before, after = slow.path.network.critical_ns
        line = Line([("added".ljust(LABEL), Role.DIM), ("mostly network time to ", Role.PLAIN)])
        line.add(safe(slow.path.network.callee), Role.STRONG)
        otherwise = "normally" if self._words is NORMAL else "before"
        return line.add(f": {self._duration(after)}, {otherwise} {self._duration(before)}", Role.PLAIN)

    def remarks(self, width: int) -> list[Line]:
        """Return lines about what the rows do not show: the call paths left out, and attributes that differ."""
        return [line.cropped(width, self.glyphs.ellipsis) for line in (*self._attributes(width), *self._omissions())]

    def _omissions(self) -> Iterator[Line]:
        omitted = len(self.found.paths) - len(self.rows)
        if not self.rows:
            yield Line([(f"no difference in {numbers.counted(omitted, 'call path')}", Role.STRONG)])
        elif omitted:
            unit = numbers.counted(omitted, "more call path")
            yield Line([(f"{unit} {'differs' if omitted == 1 else 'differ'} by less than 1 % of the whole", Role.DIM)])
        if self.rows and not self.found.has_shares and self.found.gross_ns:
            yield Line([("no shares: longer and shorter call paths cancel out", Role.DIM)])
        elif any(one.share > _WHOLE for one in self.rows):
            yield Line([("a share above 100 %: other call paths changed in the other direction", Role.DIM)])

    def _attributes(self, width: int) -> Iterator[Line]:
        services = Counter(one.key for one in self.found.attributes)
        parts = [
            Line([(f"{safe(one.service)} " if services[one.key] > 1 else "", Role.DIM)])
            .add(f"{safe(one.key)} ", Role.DIM)
            .add(safe(one.after, _MAX_VALUE), Role.STRONG)
            .add(", not " if self._words is NORMAL else ", before ", Role.DIM)
            .add(safe(one.before, _MAX_VALUE), Role.PLAIN)
            for one in self.found.attributes
        ]
        differs = "differs".ljust(LABEL)
        for number, line in enumerate(flowed(parts, width - len(differs), 3, self.glyphs.ellipsis)):
            yield Line([(differs if not number else " " * len(differs), Role.DIM)]).extend(line)

    def heading(self, width: int) -> Line:
        if not self.rows:
            return Line()
        name, bar = self._widths(width)
        words = self._words
        sides = (words.after, words.before) if words.is_after_first else (words.before, words.after)
        ellipsis = self.glyphs.ellipsis
        cells = [Line([(fit(_LONG_NAME if name >= len(_LONG_NAME) else _NAME, name, "left", ellipsis), Role.DIM)])]
        cells += [self._legend(bar).pad(bar)] if bar else []
        cells += [figure(text, self._cells, Role.DIM) for text in sides]
        cells.append(figure(_DIFFERENCE, self._difference_cells, Role.DIM))
        cells += [figure("share", _SHARE, Role.DIM)] if self.found.has_shares else []
        return side_by_side(cells).cropped(width, ellipsis)

    def _legend(self, width: int) -> Line:
        """Explain the parts of bars that occur, as many as fit."""
        times = [one.path.critical_ns for one in self.rows]
        has_more = any(after > before for before, after in times)
        has_less = any(after < before for before, after in times)
        parts = [(self._common_glyph, Role.REST, "normal" if self._words is NORMAL else "both")]
        parts += [(self._added_glyph, Role.CRITICAL, "more")] if has_more else []
        parts += [(self._missing_glyph, Role.DIM, "less")] if has_less else []
        line = Line()
        for glyph, role, text in parts:
            gap = bool(line.runs)
            if line.width + gap + len(f"{glyph} {text}") > width:
                break
            line.add(" " * gap).add(glyph, role).add(f" {text}", Role.DIM)
        return line

    def line(self, row: int, width: int) -> Line:
        one, words = self.rows[row], self._words
        name, bar = self._widths(width)
        before, after = one.path.critical_ns
        has_reasons = self._has_reasons(width)
        sides = [
            figure(self._time(after, one.path.counts[1]), self._cells),
            figure(self._time(before, one.path.counts[0]), self._cells, Role.DIM),
        ]
        share = numbers.whole_percent(one.share) if one.share > 0 else ""
        cells = [
            self._name(one, name, is_noted=not has_reasons),
            *([self._bar(before, after, bar)] if bar else []),
            *(sides if words.is_after_first else reversed(sides)),
            figure(self._signed(one.added_ns) if one.added_ns else "0", self._difference_cells, Role.STRONG),
            *([figure(share, _SHARE, Role.STRONG)] if self.found.has_shares else []),
            *([Line([(self._reason(one), Role.ACCENT)])] if has_reasons else []),
        ]
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def lines(self, width: int) -> Iterator[Line]:
        """Yield the heading, all rows and the remarks."""
        if self.rows:
            yield self.heading(width)
        for row in range(len(self)):
            yield self.line(row, width)
        remarks = self.remarks(width)
        if remarks and self.rows:
            yield Line()
        yield from remarks

    def _figures(self) -> int:
        """Return the cells of the figures, with the gaps before them."""
        return 2 * (self._cells + 2) + self._difference_cells + 2 + (_SHARE + 2) * self.found.has_shares

    def _has_reasons(self, width: int) -> bool:
        """Test whether the reasons fit beside whole names, and beside bars if these fit.

        Without them, `-` shows a path that one trace lacks.
        """
        room = width - self._figures() - self._names - 2
        return room >= self._reasons + (_GOOD_BAR + 2 if room >= _MIN_BAR + 2 else 0)

    def _widths(self, width: int) -> tuple[int, int]:
        """Widths of the names and of the bars; 0 for no bars."""
        room = width - self._figures() - (self._reasons if self._has_reasons(width) else 0)
        bar = room - self._names - 4
        if bar < _MIN_BAR:
            bar = min(room // 2 - 4, room - _GOOD_NAME - 4)
        if bar < _MIN_BAR:
            return max(room - 2, _MIN_NAME), 0
        return room - bar - 4, bar

    def _name(self, one: PathDifference, width: int, is_noted: bool) -> Line:
        """Name of a call path, cut to a width, 0 for the whole name; `is_noted`: with network and queue time."""
        path = one.path
        line = Line([(" " * min(path.depth, _MAX_INDENT), Role.PLAIN)])
        line.add(self.glyphs.service or "", self._roles.get(path.service, Role.DIM))
        before, after = path.counts
        repeats = ""
        if before != after and before and after:
            repeats = f" {self.glyphs.repeated(before)} {self.glyphs.sync_call} {after:,}"
        elif before == after > 1:
            repeats = f" {self.glyphs.repeated(after)}"
        failed, note = self._failed(one), self._note(one) if is_noted else ""
        text = f"{safe(path.service)} {safe(path.operation)}"
        if width:
            room = width - line.width - len(repeats) - len(failed) - len(note)
            text = cut(text, max(room, 4), self.glyphs.ellipsis)
        line.add(text, Role.PLAIN).add(note, Role.ACCENT).add(repeats, Role.STRONG)
        return line.add(failed, Role.ERROR if any(path.origins) else Role.PROPAGATED).pad(width)

    def _failed(self, one: PathDifference) -> str:
        """Return the error glyphs, with words if the two traces differ."""
        glyphs, path = self.glyphs, one.path
        before, after = (
            glyphs.origin if begun else glyphs.propagated if failed else ""
            for failed, begun in zip(path.errors, path.origins, strict=True)
        )
        if before == after:
            return f" {before}" if before else ""
        words = self._words
        texts = [f" {before} {words.failed_before}"] if before else []
        return "".join([*texts, *([f" {after} {words.failed_after}"] if after else [])])

    def _note(self, one: PathDifference) -> str:
        """Describe the part of network and queue in the difference of a call path; '' if they have none."""
        network, added = one.path.network, one.network_added_ns
        text = ""
        if self.found.is_large(added):
            only = abs(added - one.added_ns) <= abs(one.added_ns) * _NEGLIGIBLE
            text = " network" if only else f" network {self._signed(added)}"
        if network is not None and one.has_other_queue_time:
            text += f" queue {self._signed(network.queue_ns[1] - network.queue_ns[0])}"
        return text

    def _reason(self, one: PathDifference) -> str:
        """Explain the difference of a call path: its calls, and their network and queue time in both traces."""
        before, after = one.path.counts
        words = []
        if not before or not after:
            words.append(self._words.only_after if after else self._words.only_before)
        elif one.is_called_more and one.added_ns > 0:
            words.append("called more often")
        network = one.path.network
        if network is not None and self.found.is_large(one.network_added_ns):
            words.append(self._before_after("network", network.total_ns, one.path.counts))
        if network is not None and one.has_other_queue_time:
            words.append(self._before_after("queue", network.queue_ns, one.path.counts))
        return ", ".join(words)

    def _before_after(self, name: str, times: tuple[int, int], counts: tuple[int, int]) -> str:
        """`network 800 µs → 242 ms`; one time if the other trace does not have the call path, or they are equal."""
        texts = [self._duration(ns) for ns, count in zip(times, counts, strict=True) if count]
        return f"{name} {f' {self.glyphs.sync_call} '.join(dict.fromkeys(texts))}"

    def _bar(self, before: int, after: int, cells: int) -> Line:
        """Draw time that both have as a light bar, added time as a solid one, and missing time as dots."""
        scale = cells / max(self._longest, 1)
        common, whole = round(min(before, after) * scale), round(max(before, after) * scale)
        line = Line([(self._common_glyph * common, Role.REST)])
        if after >= before:
            return line.add(self._added_glyph * (whole - common), Role.CRITICAL).pad(cells)
        return line.add(self._missing_glyph * (whole - common), Role.DIM).pad(cells)

    def _time(self, ns: int, count: int) -> str:
        return "-" if not count else self._duration(ns) if ns else "0"

    def _duration(self, ns: int) -> str:
        return numbers.duration(ns, self.glyphs.ascii_only)

    def _signed(self, ns: int) -> str:
        return f"{'+' if ns > 0 else ''}{self._duration(ns)}"
