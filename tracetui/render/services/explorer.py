"""Columns of the service explorer: neighbours, blast radius, paths, shared dependencies, callers.

The subject of a row is a service, an operation or the calls between two services; keys act on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from tracetui.analysis.blast_radius import BlastRadius, Impact
from tracetui.analysis.call_chains import CallChain, CallChains
from tracetui.analysis.edge_changes import EdgeChange, EdgeKey
from tracetui.analysis.network import MOSTLY_PERCENT
from tracetui.analysis.service_graph import Distance, Target
from tracetui.analysis.service_questions import CallerDifference, Neighbour, SharedDependency
from tracetui.render.graph.diagram import change_text
from tracetui.render.services.latency_column import WIDE, LatencyColumn
from tracetui.render.services.table import duration_or_unknown
from tracetui.render.text import numbers
from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.short_names import NamesOfSet
from tracetui.render.text.tables import call_count, error_rate, figure, service_name, share_bar, side_by_side

_CALLS, _ERRORS, _EXPOSURE, _SHARE, _NETWORK = 6, 7, 7, 8, 7
_BAR = 8
_SHORTEST_NAME = 4
_HALF_WIDE = 42
"""Width from which on a blast radius has bars, which repeat its figures."""
_NARROW = 32
"""Width below which it has only the share that its rows are sorted by."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Subject of a row: a service, the calls to it from `caller`, or one of its operations."""

    service: str
    caller: str = ""
    operation: str = ""
    chain: tuple[str, ...] = ()
    """Services of a path that ends at `service`."""
    above: tuple[str, str] = ("", "")
    """Only descendants of a span of this service and operation ('' for any operation)."""
    below: tuple[str, str] = ("", "")
    """Only with a descendant of this service and operation."""


@dataclass(frozen=True, slots=True)
class _Row:
    subject: Subject | None
    line: Callable[[int], Line]


class ExplorerColumn:
    """A column of rows under headings."""

    def __init__(self, rows: Iterable[_Row], ellipsis: str) -> None:
        self._rows = list(rows)
        self._ellipsis = ellipsis

    def __len__(self) -> int:
        return len(self._rows)

    def line(self, row: int, width: int) -> Line:
        return self._rows[row].line(width).cropped(width, self._ellipsis)

    def subject(self, row: int) -> Subject | None:
        """Return the subject of a row; None for a heading or a missing row."""
        return self._rows[row].subject if row < len(self._rows) else None

    @property
    def first(self) -> int:
        """The first row with a subject."""
        return next((row for row, each in enumerate(self._rows) if each.subject is not None), 0)


class Explorer:
    """Builds the columns of one set of services, all of whose `names` stay distinct when they are cut.

    `role` returns a service's colour role; `changes` are those of calls since another set.
    """

    def __init__(
        self,
        role: Callable[[str], str],
        names: NamesOfSet,
        glyphs: Glyphs,
        changes: Mapping[EdgeKey, EdgeChange] | None = None,
    ) -> None:
        self._role, self._names, self._glyphs, self._changes = role, names, glyphs, changes or {}

    def neighbours(
        self, focus: Target, found: Sequence[Neighbour], *, upstream: bool, further: int = 0
    ) -> ExplorerColumn:
        """List the callers or callees of a service or operation, by hops. `further`: number of more distant ones."""
        noun = "caller" if upstream else "callee"
        direct = sum(one.distance.hops == 1 for one in found)
        title = numbers.counted(direct, noun) if direct else f"no {noun}s in these traces"
        times = LatencyColumn(found, self._glyphs)
        more = f" +{further:,} indirect" if further else ""
        rows = [_Row(None, lambda width: self._heading(title, width, times if direct else None, more))]
        for hops, group in groupby(found, key=lambda one: one.distance.hops):
            members = list(group)
            if hops > 1:
                rows.append(self._caption(f"{hops} hops away: all calls to them"))
            rows += (self._neighbour(focus, one, upstream, times) for one in members)
        known = {one.service for one in found}
        rows += (self._plain(name, " gone") for name in self._gone(focus.service, upstream) if name not in known)
        return self._column(rows)

    def _gone(self, focus: str, upstream: bool) -> list[str]:
        """List the former callers or callees of a service."""
        gone = [key[:2] for key, change in self._changes.items() if change.is_gone and key[upstream] == focus]
        return sorted({pair[not upstream] for pair in gone})

    def _change(self, caller: str, callee: str) -> EdgeChange | None:
        found = [
            self._changes[key] for key in ((caller, callee, False), (caller, callee, True)) if key in self._changes
        ]
        return EdgeChange.of_all(found)

    def impacts(self, found: BlastRadius, *, failing: bool) -> ExplorerColumn:
        """List the affected services upstream, most affected first."""
        affected = [one for one in found.services if one.impact.exposure > 0]
        affected.sort(
            key=lambda one: (-self._strength(one.impact, failing), -one.impact.exposure, one.distance.hops, one.service)
        )
        unaffected = [one for one in found.services if one.impact.exposure <= 0]
        count = numbers.counted(len(affected), "dependent" if failing else "service")
        exposed = count if failing else f"{count} affected"
        titles = (exposed, f"{len(affected):,} affected") if affected else ("no affected services",)
        most = max((self._strength(one.impact, failing) for one in affected), default=0)
        focus = (found.target.service, found.target.operation)
        rows = [_Row(None, lambda width: self._impact_heading(titles, width, failing, bool(affected)))]
        rows += (
            self._impact_row(Subject(one.service, below=focus), one.impact, failing, most, one.distance)
            for one in affected
        )
        if unaffected:
            rows.append(self._caption("possible, but not observed in these traces"))
            rows += (self._plain(one.service) for one in unaffected)
        return self._column(rows)

    def entries(self, found: BlastRadius, *, failing: bool) -> ExplorerColumn:
        """List the entry points that depend on the target, and its own dependencies."""
        titles = ("entry points",) if found.entries else ("no entry point leads to it",)
        rows = [_Row(None, lambda width: self._impact_heading(titles, width, failing, bool(found.entries)))]
        entries = sorted(found.entries, key=lambda one: -self._strength(one.impact, failing))
        most = max((self._strength(one.impact, failing) for one in entries), default=0)
        focus = found.target
        for one in entries:
            is_focus = one.service == focus.service and focus.operation in ("", one.operation)
            below = ("", "") if is_focus else (focus.service, focus.operation)
            subject = Subject(one.service, operation=one.operation, below=below)
            rows.append(self._impact_row(subject, one.impact, failing, most))
        callees = numbers.counted(len(found.downstream), "service")
        callees = f"depends on {callees}" if found.downstream else "no dependencies"
        rows.append(self._caption(f"{safe(focus.service)} {callees}"))
        rows += (
            self._plain(name, f" {distance.hops} hops" if distance.hops > 1 else "")
            for name, distance in found.downstream
        )
        return self._column(rows)

    def chains(self, found: CallChains, reverse: CallChains | None = None) -> ExplorerColumn:
        """List the paths from one service to another. `reverse`: those in the other direction, if only they exist."""
        rows: list[_Row] = []
        if found.observed:
            rows.append(_Row(None, lambda width: self._chain_heading("observed paths", width)))
            rows += (self._chain(chain) for chain in found.observed)
        elif reverse is None:
            rows.append(self._caption("no observed path"))
        if reverse is not None:
            begin, end = safe(reverse.begin), safe(reverse.end)
            rows.append(
                self._caption(f"no observed path from {end} to {begin}, but in the other direction:", Role.WARNING)
            )
            rows.append(_Row(None, lambda width: self._chain_heading(f"from {begin} to {end}", width)))
            rows += (self._chain(chain) for chain in reverse.observed)
        if found.possible:
            rows.append(self._caption("shortest possible paths, not observed"))
            rows += (self._chain(chain) for chain in found.possible)
        return self._column(rows)

    def shared(self, names: Sequence[str], found: Sequence[SharedDependency]) -> ExplorerColumn:
        """List the dependencies shared by several services, with the hops from each."""
        if not found:
            return self._column([self._caption("no shared dependencies")])

        def heading(width: int) -> Line:
            line = Line([(numbers.counted(len(found), "service") + " that all of them depend on", Role.TITLE)])
            return line.add("  hops from each" if width >= WIDE else "", Role.DIM)

        def row(one: SharedDependency) -> _Row:
            hops = "  ".join(f"{hops} from {safe(name)}" for name, hops in zip(names, one.hops, strict=True))

            def draw(width: int) -> Line:
                name = self._name(one.service, max(width // 3, 12))
                return name.pad(max(width // 3, 12)).add(f"  {hops}", Role.DIM)

            return _Row(Subject(one.service), draw)

        return self._column([_Row(None, heading), *map(row, found)])

    def difference(self, a: str, b: str, found: CallerDifference) -> ExplorerColumn:
        """Compare the callers of two services."""
        parts = (
            (f"call {safe(a)} only", found.only_a),
            ("call both", found.both),
            (f"call {safe(b)} only", found.only_b),
            (f"call {safe(a)} only, indirectly", found.indirect_only_a),
            ("call both, indirectly", found.indirect_both),
            (f"call {safe(b)} only, indirectly", found.indirect_only_b),
        )
        rows: list[_Row] = []
        for what, names in parts:
            caption = f"{len(names) or 'none'} {what}"
            rows.append(self._caption(caption, Role.TITLE if names else Role.DIM))
            rows += map(self._plain, names)
        return self._column(rows)

    # --- rows --------------------------------------------------------------------------------------------------------

    def _column(self, rows: Iterable[_Row]) -> ExplorerColumn:
        return ExplorerColumn(rows, self._glyphs.ellipsis)

    def _caption(self, text: str, role: str = Role.DIM) -> _Row:
        return _Row(None, lambda _: Line([(text, role)]))

    def _name(self, service: str, width: int, inferred: bool = False) -> Line:
        role, glyphs = self._role(service), self._glyphs
        return service_name(service, role, max(width, 4), glyphs, inferred, pad=False, names=self._names)

    def _plain(self, service: str, note: str = "") -> _Row:
        def draw(width: int) -> Line:
            return Line([("  ", "")]).extend(self._name(service, width - 10)).add(note, Role.DIM)

        return _Row(Subject(service), draw)

    def _heading(self, title: str, width: int, times: LatencyColumn | None, more: str) -> Line:
        """`times`: the latency column, None without figures; `more`: shown if it fits."""
        if times is None:
            return Line([(title, Role.DIM)])
        figures = [figure("calls", _CALLS, Role.DIM), figure("errors", _ERRORS, Role.DIM), times.heading(width)]
        if times.shows_network(width):
            figures.append(figure("network", _NETWORK, Role.DIM))
        name = Line([(title, Role.TITLE)])
        right = side_by_side(self._shown_figures(figures, width))
        name.add(more if name.width + len(more) < width - right.width else "", Role.DIM)
        return self._with_figures(name, figures, width)

    @staticmethod
    def _shown_figures(figures: Sequence[Line], width: int) -> Sequence[Line]:
        """Return the figures for which a column has room: a narrow one drops the first."""
        return figures if width >= WIDE - 8 else figures[1:]

    def _with_figures(self, name: Line, figures: Sequence[Line], width: int) -> Line:
        """Lay out a name at the left and figures at the right."""
        right = side_by_side(self._shown_figures(figures, width))
        room = max(width - right.width - 1, 6)
        return name.cropped(room, self._glyphs.ellipsis).pad(room + 1).extend(right)

    def _neighbour(self, focus: Target, one: Neighbour, upstream: bool, times: LatencyColumn) -> _Row:
        glyphs = self._glyphs
        of_operation = (focus.service, focus.operation) if focus.operation else ("", "")
        subject = Subject(one.service, below=of_operation) if upstream else Subject(one.service, above=of_operation)
        if one.distance.hops == 1 and upstream:
            subject = Subject(focus.service, one.service, focus.operation)
        elif one.distance.hops == 1:
            subject = Subject(one.service, focus.service, above=of_operation)

        pair = (one.service, focus.service) if upstream else (focus.service, one.service)
        change = self._change(*pair) if one.distance.hops == 1 else None
        changed = f" {change_text(change, glyphs.ascending, glyphs.descending)}" if change is not None else ""

        def draw(width: int) -> Line:
            arrow = glyphs.async_call if one.is_async else glyphs.sync_call
            name = Line([(f"{arrow} ", Role.ACCENT if one.is_async else Role.GUIDE)])
            fixed = _ERRORS + times.cells(width) + 4 + (_CALLS + 2 if width >= WIDE - 8 else 0)
            fixed += _NETWORK + 2 if times.shows_network(width) else 0
            room = max(width - fixed, 8)
            name.extend(self._name(one.service, room - 2 - 6 * one.is_async - len(changed), one.inferred))
            name.add(" async" if one.is_async else "", Role.DIM)
            name.add(changed, Role.WARNING if change is not None and change.worse else Role.STRONG)
            figures = [figure(call_count(one.calls), _CALLS), error_rate(one.error_rate, _ERRORS)]
            figures.append(times.cell(one, width))
            if times.shows_network(width):
                share = numbers.whole_percent(one.network.share_percent) if one.network else ""
                is_slow = one.network is not None and one.network.share_percent >= MOSTLY_PERCENT
                figures.append(figure(share, _NETWORK, Role.STRONG if is_slow else Role.PLAIN))
            return self._with_figures(name, figures, width)

        return _Row(subject, draw)

    @staticmethod
    def _strength(impact: Impact, failing: bool) -> float:
        return impact.failing if failing else impact.latency

    def _impact_heading(self, titles: Sequence[str], width: int, failing: bool, has_figures: bool) -> Line:
        """`titles`: the longest first; the first that fits is shown."""
        if not has_figures:
            return Line([(titles[0], Role.DIM)])
        figures = _impact_figures(
            width, figure("exposed", _EXPOSURE, Role.DIM), figure("fail" if failing else "critical", _SHARE, Role.DIM)
        )
        room = max(width - figures.width - 1, _SHORTEST_NAME)
        title = next((one for one in titles if len(one) <= room), titles[-1])
        return Line([(title, Role.TITLE)]).cropped(room, self._glyphs.ellipsis).pad(room + 1).extend(figures)

    def _impact_row(
        self, subject: Subject, impact: Impact, failing: bool, most: float, distance: Distance | None = None
    ) -> _Row:
        """`most`: the value of a full bar. `distance`: that of the service, None for an entry point."""
        glyphs = self._glyphs
        second = impact.failing if failing else impact.latency

        def draw(width: int) -> Line:
            role = Role.DIM if not second else Role.ERROR if failing else Role.STRONG
            strength = figure(numbers.whole_percent(second) if second else "-", _SHARE, role)
            right = _impact_figures(width, figure(numbers.whole_percent(impact.exposure), _EXPOSURE), strength)
            cells = _BAR if width >= WIDE else _BAR // 2 if width >= _HALF_WIDE else 0
            bar = Line()
            if cells:
                drawn = share_bar(100 * self._strength(impact, failing) / most if most else 0, cells, glyphs)
                bar.add(drawn, Role.ERROR if failing else Role.CRITICAL).add(" ", Role.PLAIN)
            hops = distance.hops if distance is not None else 1
            # in a narrow column a number before the arrow, for which direct calls leave a cell
            suffix = f" {hops} hops" if width >= WIDE and hops > 1 else ""
            if distance is not None:
                arrow = glyphs.sync_call if distance.is_sync else glyphs.async_call
                near = "" if width >= WIDE else f"{hops if hops > 1 else ' '}"
                bar.add(f"{near}{arrow} ", Role.GUIDE)
            room = max(width - right.width - bar.width - len(suffix) - 1, 6)
            service, operation = subject.service, subject.operation
            name = service_name(
                service, self._role(service), room, glyphs, operation=operation, pad=False, names=self._names
            )
            line = bar.extend(name).add(suffix, Role.DIM)
            return line.pad(max(width - right.width, line.width + 1)).extend(right)

        return _Row(subject, draw)

    def _chain_heading(self, title: str, width: int) -> Line:
        line = Line([(title, Role.TITLE)])
        return line.pad(max(width - 17, line.width + 1)).extend(
            side_by_side([figure("traces", 7, Role.DIM), figure("p50", 8, Role.DIM)])
        )

    def _chain(self, chain: CallChain) -> _Row:
        glyphs = self._glyphs
        arrow = f" {glyphs.sync_call} "

        def draw(width: int) -> Line:
            figures = Line()
            if chain.trace_count:
                p50 = duration_or_unknown(chain.p50_ns, chain.call_count, glyphs)
                figures = side_by_side([figure(call_count(chain.trace_count), 7), figure(p50, 8)])
            room = max(width - figures.width - 1, 10)
            line = Line()
            names = list(map(safe, chain.services))
            left = room - len(arrow) * (len(names) - 1)
            most = max(map(cell_width, names))
            # shorten all names before cutting the end of the path
            while most > _SHORTEST_NAME and sum(min(cell_width(name), most) for name in names) > left:
                most -= 1
            for i, name in enumerate(names):
                role = Role.PLAIN if chain.trace_count else Role.DIM
                line.add(arrow if i else "", Role.GUIDE).add(cut(name, most, glyphs.ellipsis), role)
            return line.cropped(room, glyphs.ellipsis).pad(room + 1).extend(figures)

        return _Row(Subject(chain.services[-1], chain=chain.services), draw)


def _impact_figures(width: int, exposure: Line, strength: Line) -> Line:
    """Return the figures of a blast radius that a column of this width has room for."""
    return side_by_side([strength] if width < _NARROW else [exposure, strength])
