"""Text of `graph` answers about services and their calls: the answer first, then its details."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from tracetui.model.peers import PeerType
from tracetui.render.graph.diagram import Diagram
from tracetui.render.graph.service_drawing import drawing_lines
from tracetui.render.graph.text_blocks import GraphPage, number_cell
from tracetui.render.report.text_blocks import INDENT
from tracetui.render.services.table import p95_heading, p95_or_range
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import Column

if TYPE_CHECKING:
    # networkx is imported only when a graph is queried
    from tracetui.analysis.dependencies import ServiceFigures
    from tracetui.analysis.latency import Latency
    from tracetui.analysis.service_graph import Target
    from tracetui.analysis.service_overview import ServiceOverview
    from tracetui.analysis.service_questions import FoundService, Neighbour, TypedPeer, WordMatch

_CALLS = (Column("calls", "right"), Column("errors", "right"))
_PEERS = {
    PeerType.DATABASE: ("database", "databases"),
    PeerType.CACHE: ("cache", "caches"),
    PeerType.QUEUE: ("queue", "queues"),
    PeerType.EXTERNAL: ("external peer", "external peers"),
}


def map_text(page: GraphPage, diagram: Diagram, focus: str = "", hops: int = 0) -> Iterator[Line]:
    """Draw the services and calls of a diagram; with `focus` those within some hops of it."""
    services = numbers.counted(len(diagram.nodes), "service")
    calls = numbers.counted(len({(arrow.caller, arrow.callee) for arrow in diagram.arrows}), "pair")
    title = Line([(safe(focus) if focus else "Service graph", Role.TITLE)])
    around = f" within {numbers.counted(hops, 'hop')}" if focus else ""
    yield title.add(f"  {services}{around}, {calls} of caller and callee", Role.DIM).cropped(
        page.width, page.glyphs.ellipsis
    )
    yield from drawing_lines(diagram, page.roles, page.glyphs, page.width)


def overview_text(page: GraphPage, found: ServiceOverview) -> Iterator[Line]:
    figures = found.figures
    yield from page.flowed(
        page.name(figures.service, Role.TITLE),
        *([Line([(figures.peer_type, Role.DIM)])] if figures.peer_type else []),
        Line([(numbers.counted(figures.call_count, "call"), Role.PLAIN)]),
        page.failing(figures.error_rate),
        _p95(page, figures.latency, figures.call_count),
        Line([("in ", Role.DIM), (page.share(found.trace_count, found.trace_share), Role.PLAIN)]),
    )
    itself = f"; it calls itself {numbers.counted(found.self_call_count, 'time')}" if found.self_call_count else ""
    yield from page.prose(f"{_caller_counts(found.callers, 'it')}; {_callee_counts(found.callees, 'it')}{itself}")
    for title, around, upstream in (("Callers", found.callers, True), ("Callees", found.callees, False)):
        if around:
            yield from page.heading(title)
            yield from _neighbours(page, around, "it", upstream)
    if found.operations:
        yield from page.heading("Operations", ", with incoming calls")
        yield from page.table(
            [Column("operation", grows=True), *_CALLS, _p95_column(found.operations)],
            [
                [
                    safe(one.operation),
                    *page.call_cells(one.call_count, one.error_rate),
                    page.p95_cell(one.latency, one.call_count),
                ]
                for one in found.operations
            ],
        )
    yield from page.footer()


def services_text(page: GraphPage, found: Sequence[ServiceFigures]) -> Iterator[Line]:
    peers = sum(one.inferred for one in found)
    seen = numbers.counted(len(found) - peers, "service")
    yield from page.flowed(
        Line([(seen + (f" and {numbers.counted(peers, 'inferred peer')}" if peers else ""), Role.TITLE)]),
        Line([("most connected first", Role.DIM)]),
    )
    yield from page.table(
        [
            Column("service", grows=True),
            Column("callers", "right"),
            Column("callees", "right"),
            *_CALLS,
            Column("p50", "right"),
            _p95_column(page.first(found)),
        ],
        [
            [
                page.service_cell(one.service),
                *map(number_cell, page.graph.direct_counts(one.service)),
                *page.call_cells(one.call_count, one.error_rate),
                page.time_cell(one.latency.p50_ns, one.call_count),
                page.p95_cell(one.latency, one.call_count),
            ]
            for one in page.first(found)
        ],
    )
    yield from page.rest(found)
    cycles = page.graph.cycles
    yield from page.heading("Cycles", "" if cycles else " none")
    for cycle in cycles:
        yield from page.chain((*cycle, cycle[0]), INDENT)
    groups = [group for group in page.graph.communities if len(group) > 1]
    if len(groups) > 1:
        yield from page.heading("Groups", " of closely connected services")
        for number, group in enumerate(page.first(groups), 1):
            label = Line([(f"{number}:", Role.DIM)])
            yield from page.flowed(label, *map(page.name, group), indent=INDENT, gap=2)
    yield from page.left_out(page.graph.left_out)
    yield from page.footer()


def neighbours_text(page: GraphPage, target: Target, found: Sequence[Neighbour], *, upstream: bool) -> Iterator[Line]:
    name = safe(target.name)
    if upstream:
        yield from page.answer(_caller_counts(found, name))
    else:
        yield from page.answer(_callee_counts(found, name))
    yield from _neighbours(page, found, name, upstream)
    yield from page.footer()


def peers_text(page: GraphPage, type_: PeerType, service: str | None, found: Sequence[TypedPeer]) -> Iterator[Line]:
    nouns = _PEERS[type_]
    if service is None:
        yield from page.answer(f"{numbers.counted(len(found), *nouns)} called" if found else f"No {nouns[0]} is called")
    else:
        name = safe(service)
        direct = sum(one.hops == 1 for one in found)
        more = f", {len(found) - direct:,} more indirectly" if len(found) > direct else ""
        yield from page.answer(
            f"{name} calls {numbers.counted(direct, *nouns)}{more}" if found else f"{name} has no {nouns[0]}"
        )
    hops = service is not None
    if found:
        yield from page.table(
            [
                Column(nouns[0], grows=True),
                *([Column("hops", "right")] if hops else []),
                *_CALLS,
                _p95_column(page.first(found)),
                Column("called by", grows=True),
            ],
            [
                [
                    page.service_cell(one.service),
                    *([number_cell(one.hops)] if hops else []),
                    *page.call_cells(one.calls, one.error_rate),
                    page.p95_cell(one.latency, one.calls),
                    ", ".join(map(safe, one.callers)),
                ]
                for one in page.first(found)
            ],
        )
    yield from page.rest(found)
    yield from page.footer()


def find_text(page: GraphPage, word: str, found: Sequence[FoundService]) -> Iterator[Line]:
    quoted = page.glyphs.quoted(safe(word))
    by_name = [one for one in found if one.matched[0].what != "attribute"]
    by_attribute = [one for one in found if one.matched[0].what == "attribute"]
    yield from page.answer(
        f"{numbers.counted(len(by_name), 'service')} with {quoted} in the name or an operation"
        if found
        else f"No match for {quoted}"
    )
    for one in page.first(by_name):
        yield Line([(INDENT, Role.PLAIN)]).extend(page.name(one.service)).cropped(page.width, page.glyphs.ellipsis)
        yield from page.flowed(*_matched(page, one.matched), indent=INDENT * 2)
    yield from page.rest(by_name)
    if by_attribute:
        yield from page.heading("In attributes only", f" {len(by_attribute):,}")
        for one in page.first(by_attribute):
            facts = [page.name(one.service), *_matched(page, one.matched)]
            yield from page.flowed(*facts, indent=INDENT, gap=2)
        yield from page.rest(by_attribute)
    yield from page.footer()


def _p95(page: GraphPage, found: Latency, calls: int) -> Line:
    """Format as `p95 1.2 s`, for few calls as `latency 800 ms–1.4 s`."""
    label = "latency" if found.small_sample_range is not None or not found.count else "p95"
    return Line([(f"{label} ", Role.DIM), (p95_or_range(found, calls, page.glyphs), Role.PLAIN)])


def _matched(page: GraphPage, matched: Iterable[WordMatch]) -> Iterator[Line]:
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
                yield Line([(safe(match.value), Role.PLAIN), (f" {page.glyphs.repeated(match.count)}", Role.DIM)])
        else:
            # there may be as many values as users, so list only the keys
            keys = dict.fromkeys(safe(match.value.partition("=")[0]) for match in group)
            yield Line([("attributes ", Role.DIM), (", ".join(keys), Role.PLAIN)])


def _neighbours(page: GraphPage, found: Sequence[Neighbour], name: str, upstream: bool) -> Iterator[Line]:
    direct = f"direct: calls {'to' if upstream else 'from'} {name}"
    for title, is_direct in ((direct, True), ("indirect: all calls to them", False)):
        some = [one for one in found if (one.distance.hops == 1) is is_direct]
        if not some:
            continue
        async_column, async_cells = page.async_cells([one.is_async for one in some])
        yield from page.prose(title)
        yield from page.table(
            [
                Column("service", grows=True),
                *([] if is_direct else [Column("hops", "right")]),
                *_CALLS,
                _p95_column(some),
                *async_column,
            ],
            [
                [
                    page.service_cell(one.service),
                    *([] if is_direct else [number_cell(one.distance.hops)]),
                    *page.call_cells(one.calls, one.error_rate),
                    page.p95_cell(one.latency, one.calls),
                    *async_cell,
                ]
                for one, async_cell in zip(some, async_cells, strict=True)
            ],
        )


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
    more = f", {len(found) - direct:,} more indirectly" if len(found) > direct else ""
    return f"{numbers.counted(direct, 'service')} call{'s' if direct == 1 else ''} {name}{more}"


def _callee_counts(found: Collection[Neighbour], name: str) -> str:
    """Count direct and indirect callees in a sentence."""
    direct = [one for one in found if one.distance.hops == 1]
    if not found:
        return f"{name} has no callees"
    peers = sum(one.inferred for one in direct)
    kinds = f" ({peers:,} inferred)" if peers else ""
    more = f", {len(found) - len(direct):,} more indirectly" if len(found) > len(direct) else ""
    return f"{name} calls {numbers.counted(len(direct), 'service')}{kinds}{more}"
