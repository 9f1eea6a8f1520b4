"""The explorer of the services view: its columns for the shop, and navigation in them."""

from __future__ import annotations

import re

import pytest

from tests.support.building import build, span
from tests.support.paths import SAMPLES
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.service_table import ServiceTable
from tracetui.model.span import Kind
from tracetui.render.services.explorer import ExplorerColumn, Subject
from tracetui.render.services.table import ServiceListColumns
from tracetui.render.text.glyphs import ASCII, UNICODE
from tracetui.render.text.line import Line
from tracetui.session import Session
from tracetui.tui.views.services.modes import (
    DIFFERENCE,
    FAILS,
    PATH,
    SHARED,
    SLOW,
    Mode,
    add_figures,
    mode_columns,
    title,
)

SHOP = SAMPLES / "shop"
PATH_TO_ORDERS = ("mobile-app", "mobile-bff", "api-gateway", "order-history-service", "order-db")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Session.open([str(SHOP)]).analysis


@pytest.fixture(scope="module")
def columns(analysis: Analysis) -> ServiceListColumns:
    return ServiceListColumns(ServiceTable(analysis))


def texts(column: ExplorerColumn | None, width: int = 58) -> list[str]:
    assert column is not None
    return [" ".join(column.line(row, width).text.split()) for row in range(len(column))]


def test_neighbours_with_their_calls(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(), "notification-service", UNICODE)
    left, right = texts(found.left), texts(found.right)
    assert left[0] == "12 callers +7 indirect calls errors p95 or range"
    assert len(left) == 13
    assert left[1] == "→ ●invoice-service 32 - 80.9 ms"
    # the range of fewer than 20 calls
    assert re.fullmatch(r"⇝ ●promotion-serv… async 12 - [\d.]+ ms–[\d.]+ ms", left[4])
    assert [text.split(" ")[1] for text in right[1:]] == [
        "●user-preferences-api",
        "●email-gateway",
        "●push-notification-service",
        "●sms-provider",
    ]
    assert "(inferred)" in right[2]
    assert found.left.subject(0) is None
    assert found.left.subject(1) == Subject("notification-service", "invoice-service")


def test_wide_columns_have_the_share_of_network_time() -> None:
    analysis = Session.open([str(SAMPLES / "network")]).analysis
    found = mode_columns(ServiceListColumns(ServiceTable(analysis)), analysis, Mode(), "order-service", UNICODE)
    heading, *rows = texts(found.right, 64)
    assert heading.endswith("p95 network")
    assert [row.split()[-2:] for row in rows if "stock-service" in row] == [["84", "%"]]
    assert not texts(found.right, 63)[0].endswith("network")


def test_neighbours_by_hops(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(hops=2), "inventory-service", UNICODE)
    left = texts(found.left)
    assert left[0].startswith("3 callers")
    assert left[4] == "2 hops away: all calls to them"
    assert left[5].startswith("→ ●api-gateway")
    assert found.left.subject(5) == Subject("api-gateway")
    assert len(left) == 6


def test_blast_radius_of_a_slow_service(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(SLOW), "inventory-service", UNICODE)
    left, right = texts(found.left), texts(found.right)
    assert left[0] == "5 services affected exposed critical"
    assert left[1] == "████████ → ●order-confirmation 100 % 15 %"
    assert left[2] == "█████▉ → ●inventory-sync-job 100 % 11 %"
    assert left[6] == "possible, but not observed in these traces"
    assert left[7:] == ["●mobile-bff", "●mobile-app"]
    assert right[1].startswith("████████ ●order-co")
    assert right[-1] == "inventory-service no dependencies"
    heading = title(columns, Mode(SLOW), "inventory-service", found, 118, UNICODE).text
    assert heading == "●inventory-service  if it is SLOW  5 services affected  in 28 % of the traces"


def test_blast_radius_of_a_failing_service(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(FAILS), "payment-processor", UNICODE)
    left = texts(found.left)
    assert left[0].endswith("exposed fail")
    checkout = next(text for text in left if "●checkout-api" in text)
    # two of its fifty requests end with a declined card
    assert checkout.endswith("100 % 4 %")


def test_paths_to_another_service(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(PATH, ("order-db",)), "mobile-app", UNICODE)
    assert found.right is None
    assert texts(found.left, 118) == [
        "observed paths traces p50",
        "mobile-app → mobile-bff → api-gateway → order-history-service → order-db 24 34.2 ms",
    ]
    none = mode_columns(columns, analysis, Mode(PATH, ("web-app",)), "order-db", UNICODE)
    assert texts(none.left) == ["no observed path"]


def test_path_in_the_other_direction(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(PATH, ("mobile-app",)), "order-db", UNICODE)
    assert texts(found.left, 118) == [
        "no observed path from order-db to mobile-app, but in the other direction:",
        "from mobile-app to order-db traces p50",
        "mobile-app → mobile-bff → api-gateway → order-history-service → order-db 24 34.2 ms",
    ]
    assert found.left.subject(2) == Subject("order-db", chain=PATH_TO_ORDERS)
    assert found.diagram is not None
    assert {node.name for node in found.diagram.nodes} == set(PATH_TO_ORDERS)


@pytest.mark.parametrize("failing", [False, True])
def test_narrow_blast_radius_has_distinct_names_and_whole_headings(
    columns: ServiceListColumns, analysis: Analysis, failing: bool
) -> None:
    found = mode_columns(columns, analysis, Mode(FAILS if failing else SLOW), "legacy-auth", UNICODE)
    for column in (found.left, found.right):
        heading, *rows = texts(column, 38)
        assert heading.endswith("exposed fail" if failing else "exposed critical")
        assert "…" not in heading
        names = [row.split("%")[0].rsplit(" ", 2)[0] for row in rows]
        assert len(set(names)) == len(names)
    left = texts(found.left, 38)
    assert {"→ ●partner-api", "2→ ●partner-portal"} <= {row.split(" 1")[0] for row in left}
    # the narrowest keeps the share that rows are sorted by
    assert texts(found.left, 30)[0].endswith("fail" if failing else "critical")
    assert "exposed" not in texts(found.left, 30)[0]


def test_indirect_callers_are_counted_beside_the_direct_ones(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(), "legacy-auth", UNICODE)
    assert texts(found.left, 58)[0].startswith("5 callers +10 indirect calls")
    assert texts(found.left, 38)[0] == "5 callers errors p95 ≤max"


def test_long_path_keeps_both_ends(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(PATH, ("preferences-db",)), "mobile-app", UNICODE)
    wide, narrow = texts(found.left, 140)[2:], texts(found.left, 76)[2:]
    assert "notification-service → user-preferences-api → preferences-db" in wide[0]
    assert len(set(narrow)) == len(wide) == 3
    for way in narrow:
        names = way.split(" → ")
        assert len(names) == 7
        assert (names[0][:5], names[-1][:5]) == ("mobil", "prefe")


def test_shared_dependencies(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(SHARED, ("user-service", "order-service")), "api-gateway", UNICODE)
    assert found.left.subject(1) == Subject("redis-cache")
    lines = texts(found.left, 118)
    assert lines[0] == "1 service that all of them depend on hops from each"
    assert lines[1] == "●redis-cache 1 from api-gateway 1 from user-service 1 from order-service"


def test_whose_callers_are_whose(columns: ServiceListColumns, analysis: Analysis) -> None:
    found = mode_columns(columns, analysis, Mode(DIFFERENCE, ("new-auth-service",)), "legacy-auth", UNICODE)
    lines = texts(found.left)
    assert lines[:4] == ["3 call legacy-auth only", "●invoice-service", "●partner-api", "●warehouse-service"]
    assert lines[4:7] == ["2 call both", "●support-desk", "●user-service"]
    assert lines[7] == "4 call new-auth-service only"


@pytest.mark.parametrize("width", [20, 30, 38, 58, 98])
def test_columns_fit_their_width(columns: ServiceListColumns, analysis: Analysis, width: int) -> None:
    for mode in (Mode(hops=5), Mode(SLOW), Mode(FAILS), Mode(PATH, ("redis-cache",)), Mode(SHARED, ("checkout-api",))):
        found = mode_columns(columns, analysis, mode, "notification-service", ASCII)
        for column in (found.left, found.right):
            for row in range(len(column) if column else 0):
                assert column is not None
                line = column.line(row, width)
                assert line.width <= width
                assert line.text.isascii()


def test_overview_lists_self_calls_and_cycles() -> None:
    traces = build(
        span("1", 0, 90, service="a", kind=Kind.SERVER),
        span("2", 10, 80, service="a", kind=Kind.CLIENT, parent="1"),
        span("3", 20, 70, service="a", kind=Kind.SERVER, parent="2"),
        span("4", 30, 60, service="b", kind=Kind.SERVER, parent="3"),
        span("5", 40, 50, service="a", kind=Kind.SERVER, parent="4"),
    )
    analysis = Analysis(traces)
    columns = ServiceListColumns(ServiceTable(analysis))
    assert (columns.table.self_calls("a"), columns.table.self_calls("b")) == (1, 0)
    assert "⚠ a → b → a" in title(columns, Mode(), "a", None, 118, UNICODE).text
    figures = {name: add_figures(Line(), columns.table, name, UNICODE).text for name in "ab"}
    assert figures == {"a": "  p50 50.0 µs  calls itself 1 time", "b": "  p50 30.0 µs"}
