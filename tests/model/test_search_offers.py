"""Windows and services offered after an empty search."""

from __future__ import annotations

from tracetui.model.search_offers import offers
from tracetui.model.times import parse_duration
from tracetui.render.traces.search_offers import OfferedRows

HOUR = parse_duration("1h")
NOW = 1_000 * 24 * HOUR


def rows(newest: dict[str, int]) -> list[str]:
    """Draw the offers after an empty search of the last hour; a `>` marks the row of the cursor."""
    shown = OfferedRows(offers(sorted(newest), newest, HOUR, NOW), "…")
    return [("> " if row == shown.best else "  ") + shown.line(row, 80).text.strip() for row in range(len(shown))]


def test_cursor_is_on_the_first_window_with_traces() -> None:
    assert rows({"a": NOW - 5 * HOUR, "b": NOW - 50 * HOUR, "c": 0}) == [
        "  the last 3h    no traces",
        "> the last 12h   1 of 3 services have traces",
        "  the last 1d    1 of 3 services have traces",
        "  the last 7d    2 of 3 services have traces",
        "  the last 30d   at least 2 of 3 services have traces",
        "  a              newest trace 5 h ago",
        "  b              newest trace 2 d ago",
        "  c              none in 7d",
    ]


def test_cursor_is_on_the_window_that_was_not_searched_if_all_others_are_empty() -> None:
    assert rows({"a": 0, "b": 0})[:5] == [
        "  the last 3h    no traces",
        "  the last 12h   no traces",
        "  the last 1d    no traces",
        "  the last 7d    no traces",
        "> the last 30d   not searched yet",
    ]


def test_cursor_is_on_the_first_window_as_long_as_nothing_is_known() -> None:
    assert rows({})[0] == "> the last 3h"
