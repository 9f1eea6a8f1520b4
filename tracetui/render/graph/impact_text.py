"""Text of `graph` results about impact and shared dependencies: the result first, then its details."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tracetui.render.graph.text_blocks import GraphPage, number_cell
from tracetui.render.report.text_blocks import INDENT
from tracetui.render.services.table import duration_or_unknown
from tracetui.render.text import numbers
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe
from tracetui.render.text.tables import Cell, Column, figure, figure_cell, share_bar

if TYPE_CHECKING:
    # networkx is imported only when a graph is queried
    from tracetui.analysis.blast_radius import AffectedEntry, BlastRadius, Impact
    from tracetui.analysis.call_chains import CallChains
    from tracetui.analysis.criticality import Criticality
    from tracetui.analysis.service_questions import CallerDifference, SharedDependency

_UNSEEN = "Possible, but not seen in these traces"
_BAR = 6
_WIDE = 110
"""Width from which on bars are twice as long."""
_IMPACT_COLUMNS = (
    Column("exposed", "right"),
    Column("if SLOW", "right"),
    Column("if FAILS", "right"),
    Column("traces", "right"),
)


def blast_radius_text(page: GraphPage, found: BlastRadius) -> Iterator[Line]:
    name = safe(found.target.name)
    affected = [one for one in found.services if one.impact.exposure]
    entries = numbers.counted(len(found.entries), "entry point")
    yield from page.answer(
        f"{page.share(found.trace_count, found.trace_share)} pass through {name}; "
        f"{entries} and {numbers.counted(len(affected), 'service')} are affected"
        if affected or found.entries
        else f"{name} affects nothing: no call leads to it in {page.all}"
    )
    if found.entries:
        slow = max(found.entries, key=lambda one: one.impact.latency)
        fails = max(found.entries, key=lambda one: one.impact.failing)
        yield _impact(page, "if it is SLOW", slow, slow.impact.latency, "of the critical path", "on no critical path")
        yield _impact(
            page, "if it FAILS", fails, fails.impact.failing, "of requests failed", "no request failed because of it"
        )
        yield from page.heading("Entry points", ", by share of their traces")
        yield from page.table(
            [Column("operation", grows=True), *_IMPACT_COLUMNS],
            [
                [page.service_cell(one.service, one.operation), *_impact_cells(page, one.impact, one.service)]
                for one in found.entries
            ],
        )
    if affected:
        yield from page.heading("Services", ", by distance")
        by_hop = sorted(affected, key=lambda one: (one.distance.hops, -one.impact.exposure, one.service))
        async_column, async_cells = page.async_cells([not one.distance.is_sync for one in by_hop])
        yield from page.table(
            [Column("service", grows=True), Column("hops", "right"), *_IMPACT_COLUMNS, *async_column],
            [
                [
                    page.service_cell(one.service),
                    number_cell(one.distance.hops),
                    *_impact_cells(page, one.impact, one.service),
                    *async_cell,
                ]
                for one, async_cell in zip(by_hop, async_cells, strict=True)
            ],
        )
    if affected or found.entries:
        yield from page.prose(
            f"exposed: share of its traces that pass through {name}. SLOW: share of its critical path "
            f"spent in {name} and below. FAILS: share of its traces whose request failed by an error "
            "that began there."
        )
        shares = [(one.impact.handled, one.service) for one in found.entries]
        handled, service = max([*shares, *((one.impact.handled, one.service) for one in affected)])
        if handled:
            yield from page.prose(
                f"Not counted: errors that began there and were handled, in up to {numbers.percent(handled)} of "
                f"the traces of {safe(service)}."
            )
    unseen = [(one.service, one.distance) for one in found.services if not one.impact.exposure]
    yield from page.by_hops(_UNSEEN, unseen)
    yield from page.by_hops(f"Dependencies of {name}", found.downstream)
    yield from page.footer()


def path_text(page: GraphPage, found: CallChains, reverse: bool) -> Iterator[Line]:
    """`reverse`: True if calls lead from the end to the beginning."""
    begin, end = safe(found.begin), safe(found.end)
    if found.observed:
        yield from page.answer(f"{numbers.counted(len(found.observed), 'path')} from {begin} to {end}")
    elif found.possible:
        yield from page.answer(f"No observed path from {begin} to {end}; one is possible")
    else:
        text = f"No path from {begin} to {end}"
        yield from page.answer(f"{text}; calls lead from {end} to {begin}" if reverse else text)
    for chain in found.observed:
        head = f"{INDENT}{numbers.counted(chain.trace_count, 'trace')}"
        p50 = duration_or_unknown(chain.p50_ns, chain.call_count, page.glyphs)
        yield Line([(head, Role.STRONG), (f"  p50 {p50}", Role.PLAIN)])
        yield from page.chain(chain.services, INDENT * 2)
    if found.possible:
        yield from page.heading(_UNSEEN)
    for chain in found.possible:
        yield from page.chain(chain.services, INDENT)
    yield from page.footer()


def shared_text(page: GraphPage, names: Sequence[str], found: Sequence[SharedDependency]) -> Iterator[Line]:
    subjects = _listed(names)
    yield from page.answer(
        f"{subjects} all depend on {numbers.counted(len(found), 'service')}"
        if found
        else f"{subjects} share no dependency"
    )
    for one in found:
        yield from page.flowed(
            page.name(one.service),
            *(
                Line([(numbers.counted(hops, "hop"), Role.PLAIN), (f" from {safe(name)}", Role.DIM)])
                if hops
                else Line([("named in the question", Role.DIM)])
                for name, hops in zip(names, one.hops, strict=True)
            ),
            indent=INDENT,
            gap=2,
        )
    yield from page.footer()


def diff_callers_text(page: GraphPage, a: str, b: str, found: CallerDifference) -> Iterator[Line]:
    first, second = safe(a), safe(b)
    yield from page.answer(
        f"Direct callers: {len(found.only_a):,} of {first} only, {len(found.only_b):,} of {second} only, "
        f"{len(found.both):,} of both"
    )
    groups = (
        ("Direct callers", found.only_a, found.both, found.only_b),
        ("Indirect callers", found.indirect_only_a, found.indirect_both, found.indirect_only_b),
    )
    for title, only_a, both, only_b in groups:
        yield from page.heading(title)
        for label, names in ((f"of {first} only", only_a), ("of both", both), (f"of {second} only", only_b)):
            yield Line([(f"{INDENT}{label} ", Role.DIM), (f"{len(names):,}", Role.STRONG)]).cropped(
                page.width, page.glyphs.ellipsis
            )
            yield from page.flowed(*map(page.name, names), indent=INDENT * 2, gap=2)
    yield from page.footer()


def critical_text(
    page: GraphPage, found: Sequence[Criticality], named: bool, left_out: Sequence[str] = ()
) -> Iterator[Line]:
    """`named`: True if the question names the services, so that they are shown in full. `left_out`: messages about
    figures that were not computed.
    """
    of, single = len(page.graph.figures), sum(one.single_point for one in found)
    yield from page.answer(
        "; ".join(_rank_sentence(page, one, of) for one in found)
        if named
        else f"Most critical of {of:,} services and peers, {numbers.counted(single, 'single point')} of failure"
    )
    yield from page.table(
        [
            Column("rank", "right"),
            Column("service", grows=True),
            Column("traces", "right"),
            Column("callers", "right"),
            Column("reached from", "right"),
            Column("betweenness", "right"),
            Column("single"),
        ],
        [
            [
                number_cell(one.rank),
                page.service_cell(one.service),
                figure_cell(numbers.percent(one.trace_share)),
                figure_cell(f"{one.direct_callers:,}+{_counted(one.indirect_callers)}"),
                number_cell(len(one.entry_operations)),
                figure_cell(numbers.percent(100 * one.betweenness)),
                "yes" if one.single_point else "",
            ]
            for one in page.first(found)
        ],
    )
    yield from page.rest(found)
    yield from page.prose(
        f"traces: share of {page.all} that pass through it. callers: direct+indirect. reached from: "
        "entry points that depend on it. betweenness: share of the shortest paths between others that pass through it. "
        "single: single point of failure, without which some entry point loses a dependency."
    )
    yield from page.left_out(left_out)
    for one in found if named else ():
        yield Line()
        yield from page.prose(f"Entry points that depend on {safe(one.service)}", Role.TITLE, "")
        yield from (page.line((INDENT + safe(entry), Role.PLAIN)) for entry in one.entry_operations)
    yield from page.footer()


def _rank_sentence(page: GraphPage, one: Criticality, of: int) -> str:
    single = ", a single point of failure" if one.single_point else ""
    return (
        f"{safe(one.service)} ranks {one.rank:,} of {of:,}: "
        f"{page.share(one.trace_count, one.trace_share)} pass through it, "
        f"{one.direct_callers:,} direct and {_counted(one.indirect_callers)} indirect callers{single}"
    )


def _impact_cells(page: GraphPage, impact: Impact, service: str) -> list[Cell]:
    bar = _BAR if page.width < _WIDE else 2 * _BAR

    def exposed(width: int) -> Line:
        line = Line([(share_bar(impact.exposure, bar, page.glyphs), page.roles.get(service, Role.CRITICAL))])
        return line.extend(figure(numbers.percent(impact.exposure), width - bar))

    fails = Role.ERROR if impact.failing else Role.DIM
    return [
        Cell(bar + len(" >99.9 %"), exposed),
        figure_cell(numbers.percent(impact.latency)),
        figure_cell(numbers.percent(impact.failing), fails),
        number_cell(impact.trace_count),
    ]


def _impact(page: GraphPage, label: str, worst: AffectedEntry, percent: float, of: str, nothing: str) -> Line:
    line = Line([(f"{INDENT}{label:<13}  ", Role.STRONG)])
    if percent:
        line.add(f"up to {numbers.percent(percent)} {of}: ")
        line.add(f"{safe(worst.service)} {safe(worst.operation)}", Role.STRONG)
    else:
        line.add(nothing)
    return line.cropped(page.width, page.glyphs.ellipsis)


def _counted(number: int | None) -> str:
    """Format a number of callers; None means too many to count in a very large graph."""
    return "?" if number is None else f"{number:,}"


def _listed(names: Sequence[str]) -> str:
    shown = [safe(name) for name in names]
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)
