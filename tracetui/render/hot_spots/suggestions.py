"""Suggestions for slow traces: as text, as a list, and in detail."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.analysis.suggestions import Suggestion, SuggestionKind
from tracetui.model.traces import TraceSet
from tracetui.render.text import numbers
from tracetui.render.text.cells import fit
from tracetui.render.text.columns import figure, service_name, service_roles, side_by_side
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

_LEAST_SENTENCE = 20
_SHARE = len("of traces")
_KINDS = {
    SuggestionKind.N_PLUS_ONE: "N+1",
    SuggestionKind.SIDE_BY_SIDE: "sequential",
    SuggestionKind.GAP: "gap",
    SuggestionKind.RETRIES: "retries",
}
_KIND = max(map(len, _KINDS.values()))
_MEANINGS = {
    SuggestionKind.N_PLUS_ONE: (
        "These calls run one after another on the critical path.",
        "One call (a batch, a join, a cache) would save all but the longest.",
    ),
    SuggestionKind.SIDE_BY_SIDE: (
        "These calls run one after another. In parallel only the longest would",
        "count. Check first that none needs another's result.",
    ),
    SuggestionKind.GAP: (
        "No span covers the time between these two calls: work that is not",
        "instrumented, a queue, a lock, a pause. Look there, or instrument it.",
    ),
    SuggestionKind.RETRIES: (
        "These calls failed and then succeeded on a retry.",
        "Without failures, the time of the failed calls would be saved.",
    ),
}
"""Explanations of the kinds, in lines that fit a narrow screen."""


def words_of(found: Suggestion) -> list[Line]:
    """Return a suggestion as pieces between which lines may break."""
    names = [Line([(f"{safe(service)} ", Role.PLAIN), (safe(name), Role.STRONG)]) for service, name in found.calls]
    parent = Line([("in ", Role.DIM), (f"{safe(found.parent[0])} {safe(found.parent[1])}", Role.PLAIN)])
    match found.kind:
        case SuggestionKind.N_PLUS_ONE:
            times = f"N+1: up to {found.most_calls:,} sequential calls that could be one"
            return [names[0], Line([(times, Role.PLAIN)]), parent]
        case SuggestionKind.SIDE_BY_SIDE:
            if found.more_calls:
                names.append(Line([(f"{found.more_calls:,} more", Role.PLAIN)]))
            for at, name in enumerate(names[:-1]):
                name.add(" and" if at == len(names) - 2 else ",", Role.DIM)
            return [*names, Line([("are sequential", Role.PLAIN)]), parent.add("; could run in parallel", Role.PLAIN)]
        case SuggestionKind.GAP:
            wait = Line([("uninstrumented gap between", Role.PLAIN)])
            return [wait, names[0].add(" and", Role.DIM), names[1], parent]
        case SuggestionKind.RETRIES:
            failed = numbers.counted(found.most_calls, "time")
            return [names[0], Line([(f"failed up to {failed} before a retry succeeded", Role.PLAIN)]), parent]


class SuggestionList:
    """Rows of the suggestions."""

    def __init__(self, found: Sequence[Suggestion], traces: TraceSet, glyphs: Glyphs) -> None:
        self.found, self.traces, self.glyphs = found, traces, glyphs
        self._occurrences = len(f"{traces.trace_count:,}") * 2 + 3
        longest = max((round(one.mean_saving_ns) for one in found), default=0)
        self._saving = max(numbers.duration_width(longest), len("saves"))

    def __len__(self) -> int:
        return len(self.found)

    def heading(self, width: int) -> Line:
        cells = [
            Line([(fit("suggestion", self._sentence(width), ellipsis=self.glyphs.ellipsis), Role.DIM)]),
            figure("saves", self._saving, Role.DIM),
            figure("of traces", _SHARE, Role.DIM),
            figure("traces", self._occurrences, Role.DIM),
        ]
        return side_by_side(cells).cropped(width, self.glyphs.ellipsis)

    def line(self, row: int, width: int) -> Line:
        found, glyphs, room = self.found[row], self.glyphs, self._sentence(width)
        what = Line([(fit(_KINDS[found.kind], _KIND), Role.ACCENT)])
        for at, (service, operation) in enumerate(found.calls):
            what.add(", " if at else "  ", Role.DIM).add(f"{safe(service)} ").add(safe(operation), Role.STRONG)
        what.add(f" +{found.more_calls:,}" if found.more_calls else "", Role.DIM)
        if found.kind in (SuggestionKind.N_PLUS_ONE, SuggestionKind.RETRIES):
            what.add(f" {glyphs.repeated(found.most_calls)}", Role.STRONG)
        parent = f"  in {safe(found.parent[0])} {safe(found.parent[1])}"
        cells = [
            what.add(parent, Role.DIM).cropped(room, glyphs.ellipsis).pad(room),
            figure(numbers.duration(round(found.mean_saving_ns), glyphs.ascii_only), self._saving, Role.STRONG),
            figure(numbers.whole_percent(found.share_percent), _SHARE),
            figure(f"{found.trace_count:,} / {self.traces.trace_count:,}", self._occurrences),
        ]
        return side_by_side(cells).cropped(width, glyphs.ellipsis)

    def _sentence(self, width: int) -> int:
        return max(width - self._saving - _SHARE - self._occurrences - 6, _LEAST_SENTENCE)


class SuggestionDetail:
    """Lines of one suggestion: explanation, saving and calls."""

    def __init__(
        self, found: Suggestion, traces: TraceSet, glyphs: Glyphs, local_time: bool = False, *, open_key: str = "Enter"
    ) -> None:
        """`open_key`: the key that opens the example, '' for none."""
        self.found, self.glyphs = found, glyphs
        self._roles = service_roles(traces)
        parent = Line([("in  ", Role.DIM)]).extend(self._name(found.parent))
        self._rows = [*(Line([(text, Role.PLAIN)]) for text in _MEANINGS[found.kind]), self._cost(), Line(), parent]
        for at, call in enumerate(found.calls):
            word = (
                ("of  ", "and ")[at > 0]
                if found.kind in (SuggestionKind.N_PLUS_ONE, SuggestionKind.RETRIES)
                else f"{at + 1}.  "
            )
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
