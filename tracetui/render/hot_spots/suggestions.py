"""Suggestions for slow traces: as text, as a list, and one in full."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from tracetui.analysis.suggestions.registry import KINDS, Suggestion
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.short_names import NamesOfSet
from tracetui.render.text.tables import figure, service_name, service_roles, side_by_side

_MIN_SENTENCE = 20
_LARGE = 5.0
"""Least saving of a suggestion with a row of its own, in percent of the critical path of its traces."""
SMALL_SUGGESTIONS = f"suggestions that save less than {_LARGE:g} %"
_SHARE_HEADING = "of path"
_SHARE = len(_SHARE_HEADING)
_SHARE_FROM = 90
"""Width from which on there is a column of shares."""
_LABEL = max(len(kind.label) for kind in KINDS)
_FIELD = re.compile(r"{(\w+)}")


def words_of(found: Suggestion) -> list[Line]:
    """Return a suggestion as pieces between which lines may break."""
    names = [Line([(f"{safe(service)} ", Role.PLAIN), (safe(name), Role.STRONG)]) for service, name in found.calls]
    service, operation = found.parent
    fields = {
        "call": names[0],
        "other": names[min(1, len(names) - 1)],
        "parent": Line([("in ", Role.DIM), (f"{safe(service)} {safe(operation)}", Role.PLAIN)]),
        "count": Line([(f"{found.most_calls:,}", Role.PLAIN)]),
        "callers": _callers(found.most_calls - 1),
        "times": Line([(numbers.counted(found.most_calls, "time"), Role.PLAIN)]),
    }
    words: list[Line] = []
    for piece in found.kind.sentence:
        if piece == "{calls}":
            words += _enumerated(names, found.more_calls)
            continue
        line = Line()
        for at, text in enumerate(_FIELD.split(piece)):
            if at % 2:
                line.extend(fields[text])
            elif text:
                line.add(text, Role.PLAIN)
        words.append(line)
    return words


def _callers(count: int) -> Line:
    return Line([(f" (up to {numbers.counted(count, 'caller')} too)", Role.PLAIN)] if count else [])


def _enumerated(names: Sequence[Line], more: int) -> list[Line]:
    """Return names with commas and a last "and", and the number of further ones."""
    lines = [Line().extend(name) for name in names]
    if more:
        lines.append(Line([(f"{more:,} more", Role.PLAIN)]))
    for at, line in enumerate(lines[:-1]):
        line.add(" and" if at == len(lines) - 2 else ",", Role.DIM)
    return lines


def kinds_line(found: Sequence[Suggestion], keys: str, room: int) -> Line:
    """Return the number of suggestions of each kind, those without any if there is room, and what `keys` do."""
    count = Counter(one.kind.name for one in found)
    line = Line([(numbers.counted(len(found), "suggestion"), Role.TITLE)])
    line.add(":", Role.PLAIN)
    for kind in (kind for kind in KINDS if count[kind.name]):
        line.add(f"  {count[kind.name]:,} {kind.label}", Role.PLAIN)
    missing = ", ".join(kind.label for kind in KINDS if not count[kind.name])
    missing = f"  no {missing}" if missing else ""
    line.add(missing if line.width + len(missing) + 2 + len(keys) <= room else "", Role.DIM)
    return line.add(f"  {keys}", Role.DIM)


class SuggestionList:
    """Rows of the suggestions, largest total saving first; small ones share a row.

    Those that would look the same when they are cut show the words in which they differ.
    """

    def __init__(
        self, found: Sequence[Suggestion], traces: TraceSet, glyphs: Glyphs, is_unfolded: bool = False
    ) -> None:
        """`is_unfolded`: list small suggestions as well, rather than their number."""
        self.traces, self.glyphs = traces, glyphs
        large = [one for one in found if one.share_percent >= _LARGE]
        small = [one for one in found if one.share_percent < _LARGE]
        is_folded = bool(large) and len(small) > 1 and not is_unfolded
        self._small = len(small)
        self.fold = len(large) if is_folded else -1
        """Row of the small suggestions, -1 for none."""
        self.found = [*large, *small[: 1 if is_folded else None]]
        """Suggestion of each row; the first of the small ones for their row."""
        self._occurrences = max(len(f"{traces.trace_count:,}") * 2 + 3, len("traces"))
        longest = max((round(one.mean_saving_ns) for one in found), default=0)
        self._saving = max(numbers.duration_width(longest), len("saves"))
        total = max((round(one.saving_ns) for one in found), default=0)
        self._total = max(numbers.duration_width(total), len("in all"))
        self._names = NamesOfSet(self._what(one).text for one in found)

    def __len__(self) -> int:
        return len(self.found)

    def heading(self, width: int) -> Line:
        cells = [
            Line([(fit("suggestion", self._sentence(width), ellipsis=self.glyphs.ellipsis), Role.DIM)]),
            figure("saves", self._saving, Role.DIM),
            figure("in all", self._total, Role.DIM),
            *([figure(_SHARE_HEADING, _SHARE, Role.DIM)] if width >= _SHARE_FROM else []),
            figure("traces", self._occurrences, Role.DIM),
        ]
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        found, glyphs, room = self.found[row], self.glyphs, self._sentence(width)
        if row == self.fold:
            text = f"{glyphs.folded} {self._small:,} more save less than {_LARGE:g} % of their traces' critical path"
            return Line([(text, Role.DIM)]).cropped(width, glyphs.ellipsis)
        what, label = self._what(found), Line([(f"{fit(found.kind.label, _LABEL)}  ", Role.ACCENT)])
        left = room - label.width
        shown = what.cropped(left, glyphs.ellipsis)
        distinct = self._names.cut(what.text, left, glyphs.ellipsis)
        cells = [
            label.extend(shown if shown.text == distinct else Line([(distinct, Role.PLAIN)])).pad(room),
            figure(numbers.duration(round(found.mean_saving_ns), glyphs.ascii_only), self._saving, Role.STRONG),
            figure(numbers.duration(round(found.saving_ns), glyphs.ascii_only), self._total),
            *([figure(numbers.whole_percent(found.share_percent), _SHARE)] if width >= _SHARE_FROM else []),
            figure(f"{found.trace_count:,} / {self.traces.trace_count:,}", self._occurrences),
        ]
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

    def _what(self, found: Suggestion) -> Line:
        """Return the calls of a suggestion and their parent, which comes first if it has several."""
        service, operation = found.parent
        if len(found.calls) > 1:
            what = Line([(f"{len(found.calls) + found.more_calls:,} calls in ", Role.DIM)])
            what.add(f"{safe(service)} ").add(safe(operation), Role.STRONG).add("  ")
        else:
            what = Line()
        for at, (service, operation) in enumerate(found.calls):
            what.add(", " if at else "", Role.DIM).add(f"{safe(service)} ").add(safe(operation), Role.STRONG)
        what.add(f" +{found.more_calls:,}" if found.more_calls else "", Role.DIM)
        if found.kind.repeats:
            what.add(f" {self.glyphs.repeated(found.most_calls)}", Role.STRONG)
        return what if len(found.calls) > 1 else what.add(f"  in {safe(service)} {safe(operation)}", Role.DIM)

    def _sentence(self, width: int) -> int:
        share = _SHARE + 2 if width >= _SHARE_FROM else 0
        return max(width - self._saving - self._total - share - self._occurrences - 6, _MIN_SENTENCE)


class SuggestionDetail:
    """Lines of one suggestion: explanation, saving and calls."""

    def __init__(
        self, found: Suggestion, traces: TraceSet, glyphs: Glyphs, local_time: bool = False, *, open_key: str = ""
    ) -> None:
        """`open_key`: the key that opens the example, '' for none."""
        self.found, self.glyphs = found, glyphs
        self._roles = service_roles(traces)
        parent = Line([("in  ", Role.DIM)]).extend(self._name(found.parent))
        self._rows = [*(Line([(text, Role.PLAIN)]) for text in found.kind.explanation), self._cost(), Line(), parent]
        for at, call in enumerate(found.calls):
            word = ("of  ", "and ")[at > 0] if found.kind.repeats else f"{at + 1}.  "
            self._rows.append(Line([(word, Role.DIM)]).extend(self._name(call)))
        if found.more_calls:
            self._rows.append(Line([(f"and {found.more_calls:,} more", Role.DIM)]))
        example = numbers.duration(int(traces.response_time[found.example_trace]), glyphs.ascii_only)
        clock = numbers.clock(int(traces.trace_start[found.example_trace]), local_time)
        lead = f"{open_key} opens the largest saving: " if open_key else "largest saving in "
        self._rows += [Line(), Line([(lead, Role.DIM), (f"{clock}, {example}", Role.PLAIN)])]

    def __len__(self) -> int:
        return len(self._rows)

    def line(self, row: int, width: int) -> Line:
        return self._rows[row].cropped(width, self.glyphs.ellipsis)

    def _cost(self) -> Line:
        """Return the critical time per trace, and the largest saving."""
        found, ascii_only = self.found, self.glyphs.ascii_only
        current, saving = (numbers.duration(round(ns), ascii_only) for ns in (found.mean_time_ns, found.mean_saving_ns))
        line = Line([(current, Role.STRONG)])
        line.add(f" critical per trace ({numbers.counted(found.trace_count, 'trace')}); saves up to ", Role.DIM)
        return line.add(saving, Role.STRONG)

    def _name(self, call: tuple[str, str]) -> Line:
        service, operation = call
        return service_name(
            service, self._roles.get(service, Role.DIM), 200, self.glyphs, operation=operation, pad=False
        )
