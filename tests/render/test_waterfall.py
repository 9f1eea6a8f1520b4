import unicodedata
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.building import JsonCodec, build, span
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.error_messages import error_message
from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.errors import roles as error_roles
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Attributes, Event, Flag, Kind
from tracetui.model.traces import TraceSet
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import ASCII, UNICODE
from tracetui.render.text.line import Role
from tracetui.render.waterfall import rows, tree_guides
from tracetui.render.waterfall.document import waterfall_text
from tracetui.render.waterfall.row_order import FlatRows
from tracetui.render.waterfall.waterfall import Sections, Waterfall

START = 1_714_557_792_044_000_000
MS = 1_000_000
SOLID = set(UNICODE.solid_left) | {mark for _, mark in UNICODE.solid_right}


class Times(JsonCodec):
    """A codec whose events are their times."""

    def events(self, raw: bytes) -> list[Event]:
        return [Event(int(time), "event") for time in raw.split()]


CODEC = Times()
NONE: Attributes = {}


def traces_of(*spans: tuple[int, int, str, str, float, float, Attributes]) -> TraceSet:
    """Build a trace of (id, parent id or 0, service, operation, start ms, duration ms, more)."""
    intake = Intake()
    trace = intake.traces("4bf92f3577b34da6a3ce929d0e0e4736")
    for number, parent, service, name, start, duration, more in spans:
        rest: dict[str, Any] = {**more}
        intake.add(
            trace=trace,
            span_id=f"{number:016x}",
            parent_id=f"{parent:016x}" if parent else "",
            name=name,
            resource=intake.resources(service, b"", CODEC),
            start_ns=START + int(start * MS),
            duration_ns=int(duration * MS),
            **rest,
        )
    return assemble(intake)


def sections(*parts: tuple[int, float, float]) -> Sections:
    """(position, start ms, end ms)"""
    spans = np.array([part[0] for part in parts], np.int64)
    starts, ends = (np.array([START + int(part[i] * MS) for part in parts], np.int64) for i in (1, 2))
    return spans, starts, ends


FAILED = {"error": True}
SHOP = traces_of(
    (1, 0, "api-gateway", "GET /profile", 0, 3_610, FAILED),
    (2, 1, "api-gateway", "authenticate", 0, 40, NONE),
    (3, 1, "user-service", "get_user", 40, 2_730, FAILED),
    (4, 3, "user-service", "database_query", 40, 2_690,
     FAILED | {"status_message": "Database query timeout", "events": b"%d" % (START + 2_000 * MS)}),
    (5, 1, "recommendation-service", "fetch_recommendations", 2_770, 830, NONE),
    *((10 + i, 5, "redis", "GET item", 2_800 + 100 * i, 20 + i, NONE) for i in range(6)),
    (6, 1, "api-gateway", "publish", 3_605, 5, {"kind": Kind.PRODUCER}),
    (7, 6, "mailer", "send", 3_605, 5, {"kind": Kind.CONSUMER}),
    (8, 99, "audit", "write", 100, 50, {"links": b"x"}),
)  # fmt: skip
SHOP_PATH = sections(
    (1, 0, 40), (3, 40, 2_730), (2, 2_730, 2_770), (4, 2_770, 2_800),
    *((5 + i, 2_800 + 100 * i, 2_820 + 101 * i) for i in range(6)),
    *((4, 2_820 + 101 * i, 2_900 + 100 * i) for i in range(5)),
    (4, 3_325, 3_600), (0, 3_600, 3_610),
)  # fmt: skip


def text_of(view: Waterfall, width: int, **more: Any) -> str:
    return "\n".join(line.text.rstrip() for line in waterfall_text(view, width, **more))


AT_80_COLUMNS = """\
api-gateway GET /profile   3.61 s   14 spans  6 services  depth 3
2024-05-01 10:03:12.044 UTC   trace 4bf92f3577b34da6a3ce929d0e0e4736
✖ began in user-service “Database query timeout”, ✗ propagated to 2
█ 75 % of the critical path: user-service database_query   ⚠ 1 warning

                                0 s         1.80 s      3.61 s duration critical
▾ ●api-gateway GET /profile ✗   ─────────────────────────────▕   3.61 s     <1 %
├╴ ● authenticate               ▍                               40.0 ms      1 %
├▾ ●user-service get_user ✗     ──────────────────────▐▏         2.73 s      1 %
│└╴ ● database_query ✖ Databas… ▐███████████████◆█████▋          2.69 s     75 %
├▾ ●recommen… fetch_recommenda…                        ▉▊▊▊▊█▉   830 ms     19 %
│└▸ ●redis GET item ×6 ≤25.0 ms                        ▍▎▎▐▋     135 ms      4 %
└▾ ● publish                                                 ╶  5.00 ms
 └╴ ⇝●mailer send                                            ╶  5.00 ms
╴ ●audit write ⚠ orphan ⇢       ╶╴                              50.0 ms

█ on the critical path   ─ off it   ✖ error began here   ✗ propagated   ◆ event
"""

IN_ASCII = """\
api-gateway GET /profile   3.61 s   14 spans  6 services  depth 3
2024-05-01 10:03:12.044 UTC   trace 4bf92f3577b34da6a3ce929d0e0e4736
X began in user-service "Database query timeout", x propagated to 2
# 75 % of the critical path: user-service database_query   ! 1 warning

                                0 s         1.80 s      3.61 s duration critical
v api-gateway GET /profile x    -----------------------------|   3.61 s     <1 %
|- ag authenticate              |                               40.0 ms      1 %
|v user-service get_user x      ----------------------||         2.73 s      1 %
|`- us database_query X Databa~ ################*######          2.69 s     75 %
|v recommen~ fetch_recommendat~                        #######   830 ms     19 %
|`> redis GET item x6 <=25.0 ms                        |||||     135 ms      4 %
`v ag publish                                                -  5.00 ms
 `- ~mailer send                                             -  5.00 ms
- audit write ! orphan >        --                              50.0 ms

# on the critical path   - off it   X error began here   x propagated   * event
"""


def test_waterfall_at_80_columns() -> None:
    shown = text_of(Waterfall(SHOP, 0, sections=SHOP_PATH), 80)
    assert shown == AT_80_COLUMNS.rstrip("\n")


def test_waterfall_in_ascii() -> None:
    shown = text_of(Waterfall(SHOP, 0, sections=SHOP_PATH, glyphs=ASCII), 80)
    assert shown == IN_ASCII.rstrip("\n")
    assert shown.isascii()


def test_waterfall_without_a_critical_path_has_no_solid_bars() -> None:
    shown = text_of(Waterfall(SHOP, 0), 100)
    assert "critical" not in shown
    assert not SOLID & set(shown)


def test_any_width_is_filled() -> None:
    view = Waterfall(SHOP, 0, sections=SHOP_PATH)
    for width in range(1, 260):
        assert all(line.width <= width for line in waterfall_text(view, width)), width


def test_glyphs_of_a_row() -> None:
    view = Waterfall(SHOP, 0, sections=SHOP_PATH)
    rows = [line.text for line in view.lines(120)]
    assert "✖ Database query timeout" in rows[3]
    assert "◆" in rows[3]
    assert "redis GET item ×6 ≤25.0 ms" in rows[5]
    assert "135 ms" in rows[5]
    assert "⇝●mailer send" in rows[7]
    assert "⚠ orphan ⇢" in rows[8]
    error = next(run for run in view.row(3, 120).runs if run.role == Role.ERROR)
    assert error.text == "database_query"


def test_roles_can_be_given() -> None:
    roles = np.zeros(len(SHOP), np.uint8)
    roles[1] = ErrorRole.ORIGIN
    view = Waterfall(SHOP, 0, roles=roles)
    assert "authenticate ✖" in view.row(1, 120).text
    assert error_roles(SHOP).tolist()[:5] == [ErrorRole.PROPAGATED, 0, ErrorRole.PROPAGATED, ErrorRole.ORIGIN, 0]


@pytest.mark.parametrize("role", ErrorRole)
def test_rows_are_limited_with_every_error_role(role: ErrorRole) -> None:
    roles = np.zeros(len(SHOP), np.uint8)
    roles[3] = role
    view = Waterfall(SHOP, 0, roles=roles)
    view.limit(4)
    assert 0 < len(view) <= 5


def test_message_function_can_be_given() -> None:
    shown = text_of(Waterfall(SHOP, 0, message_of=lambda span: f"boom\x1b{span}"), 100)
    assert "user-service “boom␛3”" in shown


def test_fold_and_unfold() -> None:
    view = Waterfall(SHOP, 0, sections=SHOP_PATH)
    assert len(view) == 9
    view.tree.fold(2)
    assert len(view) == 8
    assert "▸ ●user-service get_user ✗ +1 ✖1 " in view.row(2, 120).text
    assert view.share(view.rows.spans(2)) == pytest.approx(100 * 2_730 / 3_610)
    assert view.rows.row_of(3) == 2
    assert view.rows.reveal(3) == 3
    assert view.rows.reveal(7) == 7
    assert len(view) == 14
    view.tree.fold(8)
    assert len(view) == 9
    view.tree.fold_all()
    assert [view.rows.spans(row) for row in range(len(view))] == [range(13), range(13, 14)]
    assert view.row(0, 104).text.count("█") > 40
    assert "GET /profile ✗ +12 ✖1 ✗1 " in view.row(0, 140).text
    view.set_glyphs(ASCII)
    assert "GET /profile x +12 X1 x1 " in view.row(0, 140).text
    view.set_glyphs(UNICODE)
    view.tree.fold_all(SHOP.depth[:14], level=1)
    assert len(view) == 6
    view.tree.unfold_all(repeats=True)
    assert len(view) == 14
    assert not any(view.rows.is_folded(row) for row in range(14))


def test_single_subtree() -> None:
    view = Waterfall(SHOP, 0, sections=SHOP_PATH, root=2)
    assert view.window == (START + 40 * MS, 2_730 * MS)
    rows = [line.text for line in view.lines(80)]
    assert len(rows) == 2
    assert rows[0].startswith("▾ ●user-service get_user ✗ ")
    assert rows[1].startswith("└╴ ● database_query ✖ ")


def test_span_outside_its_caller_has_a_warning() -> None:
    traces = traces_of(
        (1, 0, "front", "GET", 100, 300, NONE),
        (2, 1, "early", "call", 0, 50, NONE),
        (3, 1, "late", "call", 900, 50, NONE),
        (4, 1, "long", "call", 200, 400, NONE),
        (5, 1, "front", "own", 50, 400, NONE),
        (6, 1, "follows", "call", 700, 50, {"flags": Flag.FOLLOWS_FROM}),
    )
    rows = {line.text.split("●")[1].split()[0]: line.text for line in Waterfall(traces, 0).lines(140)}
    assert "⚠ skew?" in rows["early"]
    assert "⚠ skew?" in rows["late"]
    assert "⚠ outlasts caller" in rows["long"]
    assert "⚠" not in rows["front"] + rows["own"] + rows["follows"]


def test_matches_are_highlighted() -> None:
    view = Waterfall(SHOP, 0, sections=SHOP_PATH)
    view.found = np.zeros(14, bool)
    view.found[[1, 3, 7, 8]] = True
    rows = [line.text for line in view.lines(160)]
    assert [row for row, text in enumerate(rows) if "/●" in text or "matches" in text] == [1, 3, 5]
    assert "2 matches" in rows[5]
    narrow = [view.row(row, 60).text for row in range(9)]
    assert [row for row, text in enumerate(narrow) if "/●" in text or "/2" in text] == [1, 3, 5]
    view.found = None
    names = [text.replace("/●", " ●").replace(" /2", "") for text in narrow]
    assert [view.row(row, 60).text for row in (1, 3)] == [names[row] for row in (1, 3)], "no name is cut for the mark"


def test_single_row_keeps_its_error_message() -> None:
    view = Waterfall(SHOP, 0, sections=SHOP_PATH, root=3)
    assert "✖ Database query timeout" in view.row(0, 150).text
    assert "100 %" in view.row(0, 150).text


def test_similar_siblings_with_errors_are_not_folded() -> None:
    calls = [
        (2 + i, 1, "db", "SELECT", i, 1, (FAILED if i == 5 else {"flags": Flag.NO_DURATION} if i == 8 else NONE))
        for i in range(14)
    ]
    view = Waterfall(traces_of((1, 0, "a", "root", 0, 20, NONE), *calls), 0)
    assert [line.text[:24].rstrip() for line in view.lines(60)][1:3] == ["├▸ ●db SELECT ×5 ≤1.00 m", "├╴ ●db SELECT ✖"]
    assert [len(view.rows.spans(row)) for row in range(len(view))] == [1, 5, 1, 1, 1, 1, 5]
    assert len(Waterfall(view.traces, 0, least_repeats=0)) == 15


def test_deep_spans_keep_room_for_names() -> None:
    depth = 5_000
    chain = traces_of(*((i + 1, i, "s", f"op{i}", i / 10, 1_000 - i / 10, NONE) for i in range(depth)))
    view = Waterfall(chain, 0)
    assert len(view) == depth
    rows = [view.row(row, 60).text for row in (0, 1, 12, 13, 4_999)]
    assert rows[0].startswith("▾ ●s op0 ")
    assert rows[1].startswith("└▾ ● op1 ")
    assert rows[3].lstrip("0123456789").startswith("┊")
    assert rows[4].lstrip("0123456789").startswith("┊")
    assert "op4999" in rows[4]
    assert len(list(waterfall_text(view, 80, max_rows=20))) < 40


def test_row_limit_keeps_errors_and_the_critical_path() -> None:
    calls = [(2 + i, 1, "db", f"q{i}", i, 1, FAILED if i == 900 else NONE) for i in range(1_000)]
    traces = traces_of((1, 0, "a", "root", 0, 1_000, NONE), *calls)
    view = Waterfall(traces, 0, sections=sections((951, 0, 1_000)))
    shown = text_of(view, 100, max_rows=10, hint="--max-rows N shows more")
    assert "… 991 of 1,001 spans not shown: --max-rows N shows more" in shown
    assert "root +991" in shown
    assert [name in shown for name in ("q900", "q950", "q0", "q6", "q7")] == [True, True, True, True, False]
    assert len(view) == 10


def test_row_limit_keeps_ancestors() -> None:
    chain = [(1 + i, i, "s", "op", 0, 10, FAILED if i in (30, 99) else NONE) for i in range(100)]
    view = Waterfall(traces_of(*chain), 0)
    view.limit(40)
    assert view.rows.positions.tolist() == list(range(40))
    assert view.rows.hidden(39) == 60
    assert "▸" in view.row(39, 80).text


NAMES = st.one_of(
    st.text(max_size=12),
    st.text(st.characters(codec=None, categories=None), max_size=12),
    st.sampled_from(
        ["注文サービス", "👩\u200d💻 build", "x" * 20_000, "\x1b[2J", "\u202eevil", "[/red]", "e\u0301" * 50]
    ),
)
TIMES = st.integers(-5, 50) | st.integers(0, 1 << 62)
SPAN = st.tuples(st.integers(0, 30), NAMES, NAMES, TIMES, TIMES, st.booleans(), st.integers(0, 4_095))


def test_shares_of_concurrent_roots_sum_to_at_most_the_path() -> None:
    spans = [span(str(i + 1), 0, 0, name="root").but(duration=1 << 61) for i in range(5)]
    traces = build(*spans)
    view = Waterfall(traces, 0, sections=critical_paths(traces).sections_of(0))
    # five that run at once, each as long as the trace
    assert [view.share(range(i, i + 1)) for i in range(5)] == [100.0, 0, 0, 0, 0]
    assert view.share(range(5)) == 100.0


@pytest.mark.parametrize("kept", [1, 100])
def test_tree_lines_follow_the_rows(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(tree_guides, "_MAX_CACHED", kept)
    monkeypatch.setattr(rows, "_MAX_CACHED", kept)
    chain = [span(name, 0, 50, parent=parent) for name, parent in (("a", ""), ("b", "a"), ("c", "b"), ("d", "c"))]
    view = Waterfall(build(*chain, span("e", 60, 70, parent="a")), 0)
    last = np.arange(5) == 4

    def tree() -> list[str]:
        return [line.text[:level] for line, level in zip(view.lines(90), (0, 1, 2, 3, 1), strict=False)]

    whole, without = ["", "├", "│└", "│ └", "└"], ["", "└", " └", "  └"]
    assert tree() == whole
    view.rows.hide(last)
    assert tree() == without
    view.rows.hide(None)
    assert tree() == whole
    view.rows = FlatRows(view.traces, 0, 5)
    assert [line.text[0] for line in view.lines(90)] == [UNICODE.leaf] * 5
    view.rows = view.tree
    assert tree() == whole
    view.set_glyphs(ASCII)
    assert tree() == [
        "",
        ASCII.branch,
        f"{ASCII.guide}{ASCII.last_branch}",
        f"| {ASCII.last_branch}",
        ASCII.last_branch,
    ]
    assert len(view._guides._below) <= kept + 1
    assert len(view.tree._next) <= kept + 1


@settings(max_examples=200, deadline=None)
@given(st.lists(SPAN, min_size=1, max_size=25), st.integers(1, 220), st.booleans(), st.integers(1, 12), st.data())
def test_any_trace_fits_any_width(
    spans: list[tuple[int, str, str, int, int, bool, int]],
    width: int,
    ascii_only: bool,
    most: int,
    data: st.DataObject,
) -> None:
    intake = Intake()
    trace = intake.traces("\x1b]0;id")
    for number, (parent, service, name, start, duration, error, flags) in enumerate(spans, 1):
        intake.add(
            trace=trace,
            span_id=f"{number:x}",
            parent_id=f"{parent:x}" if parent else "",
            name=name,
            resource=intake.resources(service, b"", CODEC),
            start_ns=start,
            duration_ns=duration,
            error=error,
            flags=Flag(flags),
            kind=Kind(flags % 6),
            events=b"%d" % start,
            status_message=name,
        )
    intake.traces.warn(trace, ["odd\nwarning"])
    traces = assemble(intake)
    owners = np.sort(np.array(data.draw(st.lists(st.integers(0, len(traces) - 1), max_size=8)), np.int64))
    path = (owners, traces.start[owners], traces.end[owners]) if len(owners) else None
    view = Waterfall(traces, 0, sections=path, glyphs=ASCII if ascii_only else UNICODE, least_repeats=3)
    view.tree.fold(data.draw(st.integers(0, len(traces) - 1)))
    for line in waterfall_text(view, width, max_rows=most):
        assert line.width == cell_width(line.text) <= width
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in line.text)
    assert len(view) <= most


@settings(deadline=None)
@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=40), st.integers(60, 200))
def test_solid_cells_of_all_rows_cover_the_path(cuts: list[int], width: int) -> None:
    """A root of 1 s whose children take their turns, the root working wherever none of them does."""
    edges = sorted({0, 1_000, *cuts})
    parts = list(pairwise(edges))
    children = [(i + 2, 1, "s", f"op{i % 3}", a, b - a, NONE) for i, (a, b) in enumerate(parts) if i % 2]
    traces = traces_of((1, 0, "s", "root", 0, 1_000, NONE), *children)
    path = sections(*(((i + 1) // 2 if i % 2 else 0, a, b) for i, (a, b) in enumerate(parts)))
    view = Waterfall(traces, 0, sections=path)
    layout = view.layout(width)
    bars = [line.text[layout.label + 1 :][: layout.bar] for line in view.lines(width)]
    assert layout.bar
    assert all(any(bar[cell] in SOLID for bar in bars) for cell in range(layout.bar))
    assert view.critical.sum() == 1_000 * MS


def test_span_of_zero_duration() -> None:
    view = Waterfall(traces_of((1, 0, "s", "op", 0, 0, NONE)), 0, sections=sections())
    shown = text_of(view, 60)
    assert "s op   0 s   1 span  1 service  depth 1" in shown
    assert "no errors" in shown
    assert "╴ ●s op" in shown


def test_drawing_a_screen_reads_only_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = ((i + 2, 1, "s", f"op{i}", i, 1, {"events": b"%d" % START}) for i in range(3_000))
    view = Waterfall(traces_of((1, 0, "s", "root", 0, 3_000, NONE), *spans), 0)
    decoded: list[bytes] = []

    def events(_: Times, raw: bytes) -> list[Event]:
        decoded.append(raw)
        return []

    monkeypatch.setattr(Times, "events", events)
    assert len(list(view.lines(120, 1_000, 1_040))) == 40
    assert len(decoded) == 40


def test_columns_are_measured_on_existing_rows() -> None:
    traces = build(span("1", 0, 100), *(span(f"{number}", number, 1, parent="1") for number in range(2, 9)))
    view = Waterfall(traces, 0)
    flat = FlatRows(traces, 0, len(traces))
    flat.hide(np.arange(len(traces)) > 2)
    view.rows = flat
    view.set_glyphs(ASCII)
    assert view.row(2, 80).width == 80


def test_cut_message_stands_beside_a_short_bar() -> None:
    message = "connection refused by the payment provider"
    calls = [
        span("b", 0, 50, parent="a", name="first", error=True, message=message),
        span("c", 950, 1_000, parent="a", name="last", error=True, message=message),
        span("d", 0, 1_000, parent="a", name="whole", error=True, message=message),
        span("e", 400, 450, parent="a", name="no message", error=True),
    ]
    view = Waterfall(build(span("a", 0, 1_000), *calls), 0, message_of=lambda one: error_message(view.traces, one))
    by_name = {
        name: line for line in view.lines(110) for name in ("first", "last", "whole", "no message") if name in line.text
    }
    first, last, whole, silent = (by_name[name] for name in ("first", "last", "whole", "no message"))
    label = view.layout(110).label
    for line in (first, last):
        assert line.width <= 110
        assert f"✖ {message}" in line.text[label:]
        assert message[:10] not in line.text[:label]
    assert first.text.index(message) > first.text.index("─")
    assert last.text.index(message) < last.text.rindex("─")
    assert message[:5] in whole.text[:label], "no room beside its bar"
    assert "(no message)" not in silent.text
    assert "✖" in silent.text
