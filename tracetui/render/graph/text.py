"""Answers of `graph` as text for any width: the answer first, then its details."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from tracetui.model.peers import PeerType
from tracetui.render.graph.diagram import Diagram
from tracetui.render.graph.page import GraphPage, number_cell
from tracetui.render.graph.service_drawing import drawing_lines
from tracetui.render.hot_spots.table import share_bar
from tracetui.render.services.table import duration_or_unknown, p95_heading, p95_or_range
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import Cell, Column, figure, figure_cell

if TYPE_CHECKING:
    # networkx is imported only when a graph is queried
    from tracetui.analysis.blast_radius import AffectedEntry, BlastRadius, Hit
    from tracetui.analysis.call_chains import CallChains
    from tracetui.analysis.criticality import Criticality
    from tracetui.analysis.dependencies import ServiceFigures
    from tracetui.analysis.latency import Latency
    from tracetui.analysis.service_graph import Target
    from tracetui.analysis.service_overview import ServiceOverview
    from tracetui.analysis.service_questions import (
        CallerDifference,
        FoundService,
        Neighbour,
        SharedDependency,
        TypedPeer,
        WordMatch,
    )

_INDENT = "  "
_UNSEEN = "Possible, but not seen in these traces"
_BAR = 6
_WIDE = 110
"""Width from which on bars are twice as long."""
_CALLS = (Column("calls", "right"), Column("errors", "right"))
_HIT = (
    Column("exposed", "right"),
    Column("if SLOW", "right"),
    Column("if FAILS", "right"),
    Column("traces", "right"),
)

_PEERS = {
    PeerType.DATABASE: ("database", "databases"),
    PeerType.CACHE: ("cache", "caches"),
    PeerType.QUEUE: ("queue", "queues"),
    PeerType.EXTERNAL: ("external peer", "external peers"),
}

_Lines = Iterator[Line]


class GraphText(GraphPage):
    """Answers about one trace set. Each public method yields the lines for one question."""

    def map(self, diagram: Diagram, focus: str = "", hops: int = 0) -> _Lines:
        """Draw the services and calls of a diagram; with `focus` those within some hops of it."""
        services = numbers.counted(len(diagram.nodes), "service")
        calls = numbers.counted(len({(arrow.caller, arrow.callee) for arrow in diagram.arrows}), "pair")
        title = Line([(safe(focus) if focus else "Service graph", Role.TITLE)])
        around = f" within {numbers.counted(hops, 'hop')}" if focus else ""
        yield title.add(f"  {services}{around}, {calls} of caller and callee", Role.DIM).cropped(
            self.width, self.glyphs.ellipsis
        )
        yield from drawing_lines(diagram, self.roles, self.glyphs, self.width)

    def overview(self, found: ServiceOverview) -> _Lines:
        figures = found.figures
        yield from self.flowed(
            self.name(figures.service, Role.TITLE),
            *([Line([(figures.peer_type, Role.DIM)])] if figures.peer_type else []),
            Line([(numbers.counted(figures.call_count, "call"), Role.PLAIN)]),
            self.failing(figures.error_rate, "of them"),
            self._p95(figures.latency, figures.call_count),
            Line([("in ", Role.DIM), (self.share(found.trace_count, found.trace_share), Role.PLAIN)]),
        )
        itself = f"; it calls itself {numbers.counted(found.self_call_count, 'time')}" if found.self_call_count else ""
        yield from self.prose(f"{_caller_counts(found.callers, 'it')}; {_callee_counts(found.callees, 'it')}{itself}")
        for title, around, upstream in (("Callers", found.callers, True), ("Callees", found.callees, False)):
            if around:
                yield from self.heading(title)
                yield from self._neighbours(around, "it", upstream)
        if found.operations:
            yield from self.heading("Operations", ", with incoming calls")
            yield from self.table(
                [Column("operation", grows=True), *_CALLS, _p95_column(found.operations)],
                [
                    [
                        safe(one.operation),
                        *self.call_cells(one.call_count, one.error_rate),
                        self.p95_cell(one.latency, one.call_count),
                    ]
                    for one in found.operations
                ],
            )
        yield from self.footer()

    def services(self, found: Sequence[ServiceFigures]) -> _Lines:
        peers = sum(one.inferred for one in found)
        seen = numbers.counted(len(found) - peers, "service")
        yield from self.flowed(
            Line([(seen + (f" and {numbers.counted(peers, 'inferred peer')}" if peers else ""), Role.TITLE)]),
            Line([("most connected first", Role.DIM)]),
        )
        yield from self.table(
            [
                Column("service", grows=True),
                Column("callers", "right"),
                Column("callees", "right"),
                *_CALLS,
                Column("p50", "right"),
                _p95_column(self.few(found)),
            ],
            [
                [
                    self.service_cell(one.service),
                    *map(number_cell, self.graph.direct_counts(one.service)),
                    *self.call_cells(one.call_count, one.error_rate),
                    self.time_cell(one.latency.p50_ns, one.call_count),
                    self.p95_cell(one.latency, one.call_count),
                ]
                for one in self.few(found)
            ],
        )
        yield from self.more(len(found))
        cycles = self.graph.cycles
        yield from self.heading("Cycles", "" if cycles else " none")
        for cycle in cycles:
            yield from self.chain((*cycle, cycle[0]), _INDENT)
        groups = [group for group in self.graph.communities if len(group) > 1]
        if len(groups) > 1:
            yield from self.heading("Groups", " of closely connected services")
            for number, group in enumerate(self.few(groups), 1):
                label = Line([(f"{number}:", Role.DIM)])
                yield from self.flowed(label, *map(self.name, group), indent=_INDENT, gap=2)
        yield from self.left_out(self.graph.left_out)
        yield from self.footer()

    def neighbours(self, target: Target, found: Sequence[Neighbour], *, upstream: bool) -> _Lines:
        name = safe(target.name)
        if upstream:
            yield from self.answer(_caller_counts(found, name))
        else:
            yield from self.answer(_callee_counts(found, name))
        yield from self._neighbours(found, name, upstream)
        yield from self.footer()

    def peers(self, type_: PeerType, service: str | None, found: Sequence[TypedPeer]) -> _Lines:
        nouns = _PEERS[type_]
        if service is None:
            yield from self.answer(
                f"{numbers.counted(len(found), *nouns)} called" if found else f"No {nouns[0]} is called"
            )
        else:
            name = safe(service)
            direct = sum(one.hops == 1 for one in found)
            more = f"; {len(found) - direct:,} more indirectly" if len(found) > direct else ""
            yield from self.answer(
                f"{name} calls {numbers.counted(direct, *nouns)}{more}" if found else f"{name} has no {nouns[0]}"
            )
        hops = service is not None
        if found:
            yield from self.table(
                [
                    Column(nouns[0], grows=True),
                    *([Column("hops", "right")] if hops else []),
                    *_CALLS,
                    _p95_column(self.few(found)),
                    Column("called by", grows=True),
                ],
                [
                    [
                        self.service_cell(one.service),
                        *([number_cell(one.hops)] if hops else []),
                        *self.call_cells(one.calls, one.error_rate),
                        self.p95_cell(one.latency, one.calls),
                        ", ".join(map(safe, one.callers)),
                    ]
                    for one in self.few(found)
                ],
            )
        yield from self.more(len(found))
        yield from self.footer()

    def blast_radius(self, found: BlastRadius) -> _Lines:
        name = safe(found.target.name)
        hit = [one for one in found.services if one.hit.exposure]
        entries = numbers.counted(len(found.entries), "entry point")
        yield from self.answer(
            f"{self.share(found.trace_count, found.trace_share)} pass through {name}; "
            f"{entries} and {_services(len(hit))} are affected"
            if hit or found.entries
            else f"{name} affects nothing: no call leads to it in {self.all}"
        )
        if found.entries:
            slow = max(found.entries, key=lambda one: one.hit.latency)
            fails = max(found.entries, key=lambda one: one.hit.failing)
            yield self._impact("if it is SLOW", slow, slow.hit.latency, "of the critical path", "on no critical path")
            yield self._impact(
                "if it FAILS", fails, fails.hit.failing, "of requests failed", "failed no request so far"
            )
            yield from self.heading("Entry points", ", by share of their traces")
            yield from self.table(
                [Column("operation", grows=True), *_HIT],
                [
                    [self.service_cell(one.service, one.operation), *self._hit(one.hit, one.service)]
                    for one in found.entries
                ],
            )
        if hit:
            yield from self.heading("Services", ", by distance")
            by_hop = sorted(hit, key=lambda one: (one.distance.hops, -one.hit.exposure, one.service))
            column, marked = self.async_cells([not one.distance.is_sync for one in by_hop])
            yield from self.table(
                [Column("service", grows=True), Column("hops", "right"), *_HIT, *column],
                [
                    [
                        self.service_cell(one.service),
                        number_cell(one.distance.hops),
                        *self._hit(one.hit, one.service),
                        *mark,
                    ]
                    for one, mark in zip(by_hop, marked, strict=True)
                ],
            )
        if hit or found.entries:
            yield from self.prose(
                f"exposed: share of its traces that pass through {name}. SLOW: share of its critical path "
                f"spent in {name} and below. FAILS: share of its traces whose request failed by an error "
                "that began there."
            )
            shares = [(one.hit.handled, one.service) for one in found.entries]
            handled, service = max([*shares, *((one.hit.handled, one.service) for one in hit)])
            if handled:
                yield from self.prose(
                    f"Not counted: errors that began there and were handled, in up to {numbers.percent(handled)} of "
                    f"the traces of {safe(service)}."
                )
        unseen = [(one.service, one.distance) for one in found.services if not one.hit.exposure]
        yield from self.by_hops(_UNSEEN, unseen)
        yield from self.by_hops(f"Dependencies of {name}", found.downstream)
        yield from self.footer()

    def path(self, found: CallChains, reverse: bool) -> _Lines:
        """`reverse`: True if calls lead from the end to the beginning."""
        begin, end = safe(found.begin), safe(found.end)
        if found.observed:
            yield from self.answer(f"{numbers.counted(len(found.observed), 'path')} from {begin} to {end}")
        elif found.possible:
            yield from self.answer(f"No observed path from {begin} to {end}; one is possible")
        else:
            text = f"No path from {begin} to {end}"
            yield from self.answer(f"{text}; calls lead from {end} to {begin}" if reverse else text)
        for chain in found.observed:
            head = f"{_INDENT}{numbers.counted(chain.trace_count, 'trace')}"
            p50 = duration_or_unknown(chain.p50_ns, chain.call_count, self.glyphs)
            yield Line([(head, Role.STRONG), (f"  p50 {p50}", Role.PLAIN)])
            yield from self.chain(chain.services, _INDENT * 2)
        if found.possible:
            yield from self.heading(_UNSEEN)
        for chain in found.possible:
            yield from self.chain(chain.services, _INDENT)
        yield from self.footer()

    def shared(self, names: Sequence[str], found: Sequence[SharedDependency]) -> _Lines:
        subjects = _listed(names)
        yield from self.answer(
            f"{subjects} all depend on {_services(len(found))}" if found else f"{subjects} share no dependency"
        )
        for one in found:
            yield from self.flowed(
                self.name(one.service),
                *(
                    Line([(numbers.counted(hops, "hop"), Role.PLAIN), (f" from {safe(name)}", Role.DIM)])
                    if hops
                    else Line([("named in the question", Role.DIM)])
                    for name, hops in zip(names, one.hops, strict=True)
                ),
                indent=_INDENT,
                gap=2,
            )
        yield from self.footer()

    def diff_callers(self, a: str, b: str, found: CallerDifference) -> _Lines:
        first, second = safe(a), safe(b)
        yield from self.answer(
            f"Direct callers: {len(found.only_a):,} of {first} only, {len(found.only_b):,} of {second} only, "
            f"{len(found.both):,} of both"
        )
        groups = (
            ("Direct callers", found.only_a, found.both, found.only_b),
            ("Indirect callers", found.indirect_only_a, found.indirect_both, found.indirect_only_b),
        )
        for title, only_a, both, only_b in groups:
            yield from self.heading(title)
            for label, names in ((f"of {first} only", only_a), ("of both", both), (f"of {second} only", only_b)):
                yield Line([(f"{_INDENT}{label} ", Role.DIM), (f"{len(names):,}", Role.STRONG)]).cropped(
                    self.width, self.glyphs.ellipsis
                )
                yield from self.flowed(*map(self.name, names), indent=_INDENT * 2, gap=2)
        yield from self.footer()

    def critical(self, found: Sequence[Criticality], named: bool, left_out: Sequence[str] = ()) -> _Lines:
        """`named`: True if the question names the services, so that they are shown in full. `left_out`: missing
        figures.
        """
        of, single = len(self.graph.figures), sum(one.single_point for one in found)
        yield from self.answer(
            "; ".join(self._rank_sentence(one, of) for one in found)
            if named
            else f"Most critical services (services and peers: {of:,}, single points: {single:,})"
        )
        yield from self.table(
            [
                Column("rank", "right"),
                Column("service", grows=True),
                Column("traces", "right"),
                Column("callers", "right"),
                Column("entries", "right"),
                Column("betweenness", "right"),
                Column("single"),
            ],
            [
                [
                    number_cell(one.rank),
                    self.service_cell(one.service),
                    figure_cell(numbers.percent(one.trace_share)),
                    figure_cell(f"{one.direct_callers:,}+{_counted(one.indirect_callers)}"),
                    number_cell(len(one.entry_operations)),
                    figure_cell(numbers.percent(100 * one.betweenness)),
                    "yes" if one.single_point else "",
                ]
                for one in self.few(found)
            ],
        )
        yield from self.more(len(found))
        yield from self.prose(
            f"traces: share of {self.all} that pass through it. callers: direct+indirect. entries: entry points "
            "that depend on it. betweenness: share of the shortest paths between others that pass through it. "
            "single: some entry point has no other path to a dependency."
        )
        yield from self.left_out(left_out)
        for one in found if named else ():
            yield Line()
            yield from self.prose(f"Entry points that depend on {safe(one.service)}", Role.TITLE, "")
            yield from (self.line(_INDENT + safe(entry)) for entry in one.entry_operations)
        yield from self.footer()

    def find(self, word: str, found: Sequence[FoundService]) -> _Lines:
        quoted = self.glyphs.quoted(safe(word))
        by_name = [one for one in found if one.matched[0].what != "attribute"]
        by_attribute = [one for one in found if one.matched[0].what == "attribute"]
        yield from self.answer(
            f"{_services(len(by_name))} with {quoted} in the name or an operation"
            if found
            else f"No match for {quoted}"
        )
        for one in self.few(by_name):
            yield Line([(_INDENT, Role.PLAIN)]).extend(self.name(one.service)).cropped(self.width, self.glyphs.ellipsis)
            yield from self.flowed(*self._matched(one.matched), indent=_INDENT * 2)
        yield from self.more(len(by_name))
        if by_attribute:
            yield from self.heading("In attributes only", f" {len(by_attribute):,}")
            for one in self.few(by_attribute):
                facts = [self.name(one.service), *self._matched(one.matched)]
                yield from self.flowed(*facts, indent=_INDENT, gap=2)
            yield from self.more(len(by_attribute))
        yield from self.footer()

    def _rank_sentence(self, one: Criticality, of: int) -> str:
        single = ", a single point of failure" if one.single_point else ""
        return (
            f"{safe(one.service)} ranks {one.rank:,} of {of:,}: "
            f"{self.share(one.trace_count, one.trace_share)} pass through it, "
            f"{one.direct_callers:,} direct and {_counted(one.indirect_callers)} indirect callers{single}"
        )

    # --- parts -------------------------------------------------------------------------------------------------------

    def _p95(self, found: Latency, calls: int) -> Line:
        """Format as `p95 1.2 s`, for few calls as `latency 800 ms–1.4 s`."""
        label = "latency" if found.small_sample_range is not None or not found.count else "p95"
        return Line([(f"{label} ", Role.DIM), (p95_or_range(found, calls, self.glyphs), Role.PLAIN)])

    def _matched(self, matched: Iterable[WordMatch]) -> Iterator[Line]:
        for what, group in groupby(matched, key=lambda match: match.what):
            if what == "service":
                yield from (Line([(numbers.counted(match.count, "call"), Role.DIM)]) for match in group)
            elif what == "type":
                yield from (
                    Line([(match.value, Role.PLAIN), (f", {numbers.counted(match.count, 'call')}", Role.DIM)])
                    for match in group
                )
            elif what == "operation":
                for match in group:
                    yield Line([(safe(match.value), Role.PLAIN), (f" {self.glyphs.repeated(match.count)}", Role.DIM)])
            else:
                # there may be as many values as users, so list only the keys
                keys = dict.fromkeys(safe(match.value.partition("=")[0]) for match in group)
                yield Line([("attributes ", Role.DIM), (", ".join(keys), Role.PLAIN)])

    def _neighbours(self, found: Sequence[Neighbour], name: str, upstream: bool) -> _Lines:
        between = f"with the calls {'to' if upstream else 'from'} {name}"
        for title, is_direct in ((f"direct, {between}", True), ("indirect, with all calls to them", False)):
            some = [one for one in found if (one.distance.hops == 1) is is_direct]
            if not some:
                continue
            column, marked = self.async_cells([one.is_async for one in some])
            yield from self.prose(title)
            yield from self.table(
                [
                    Column("service", grows=True),
                    *([] if is_direct else [Column("hops", "right")]),
                    *_CALLS,
                    _p95_column(some),
                    *column,
                ],
                [
                    [
                        self.service_cell(one.service),
                        *([] if is_direct else [number_cell(one.distance.hops)]),
                        *self.call_cells(one.calls, one.error_rate),
                        self.p95_cell(one.latency, one.calls),
                        *mark,
                    ]
                    for one, mark in zip(some, marked, strict=True)
                ],
            )

    def _hit(self, hit: Hit, service: str) -> list[Cell]:
        bar = _BAR if self.width < _WIDE else 2 * _BAR

        def exposed(width: int) -> Line:
            line = Line([(share_bar(hit.exposure, bar, self.glyphs), self.roles.get(service, Role.CRITICAL))])
            return line.extend(figure(numbers.percent(hit.exposure), width - bar))

        fails = Role.ERROR if hit.failing else Role.DIM
        return [
            Cell(bar + len(" >99.9 %"), exposed),
            figure_cell(numbers.percent(hit.latency)),
            figure_cell(numbers.percent(hit.failing), fails),
            number_cell(hit.trace_count),
        ]

    def _impact(self, label: str, worst: AffectedEntry, percent: float, of: str, nothing: str) -> Line:
        line = Line([(f"{_INDENT}{label:<13}  ", Role.STRONG)])
        if percent:
            line.add(f"up to {numbers.percent(percent)} {of}: ")
            line.add(f"{safe(worst.service)} {safe(worst.operation)}", Role.STRONG)
        else:
            line.add(nothing)
        return line.cropped(self.width, self.glyphs.ellipsis)


class _Timed(Protocol):
    @property
    def latency(self) -> Latency: ...


def _p95_column(found: Iterable[_Timed]) -> Column:
    return Column(p95_heading(one.latency for one in found), "right")


def _caller_counts(found: Collection[Neighbour], name: str) -> str:
    """Count direct and indirect callers in a sentence."""
    direct = sum(one.distance.hops == 1 for one in found)
    if not found:
        return f"Nothing calls {name}"
    more = f"; {len(found) - direct:,} more indirectly" if len(found) > direct else ""
    return f"{_services(direct)} call{'s' if direct == 1 else ''} {name}{more}"


def _callee_counts(found: Collection[Neighbour], name: str) -> str:
    """Count direct and indirect callees in a sentence."""
    direct = [one for one in found if one.distance.hops == 1]
    if not found:
        return f"{name} has no callees"
    peers = sum(one.inferred for one in direct)
    kinds = f" ({peers:,} inferred)" if peers else ""
    more = f"; {len(found) - len(direct):,} more indirectly" if len(found) > len(direct) else ""
    return f"{name} calls {_services(len(direct))}{kinds}{more}"


def _counted(number: int | None) -> str:
    """Format a number of callers; None means too many to count in a very large graph."""
    return "?" if number is None else f"{number:,}"


def _services(number: int) -> str:
    return numbers.counted(number, "service")


def _listed(names: Sequence[str]) -> str:
    shown = [safe(name) for name in names]
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)
