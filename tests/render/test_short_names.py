"""Names cut so that they stay distinct."""

from __future__ import annotations

from tracetui.render.text.cells import cell_width
from tracetui.render.text.short_names import NamesOfSet, distinct_names

_NAMES = ["partner-api", "partner-portal", "inventory-service", "inventory-sync-job", "cart"]


def test_equal_beginnings_keep_the_words_that_differ() -> None:
    assert distinct_names(_NAMES, 9, "…") == {
        "partner-api": "partn…api",
        "partner-portal": "pa…portal",
        # the whole words do not fit
        "inventory-service": "inve…vice",
        "inventory-sync-job": "inve…-job",
        "cart": "cart",
    }


def test_names_stay_distinct_and_fit() -> None:
    names = NamesOfSet(_NAMES)
    for width in range(6, 20):
        short = [names.cut(name, width, "…") for name in _NAMES]
        assert len(set(short)) == len(_NAMES)
        assert max(map(cell_width, short)) <= width


def test_name_outside_the_set_is_cut_at_the_end() -> None:
    assert NamesOfSet(_NAMES).cut("notification", 6, "…") == "notif…"
