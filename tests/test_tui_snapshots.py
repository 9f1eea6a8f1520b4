"""Pictures of a few screens. `UPDATE_SNAPSHOTS=1` writes them anew; look at what you then commit."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.screens import painted
from tests.test_tui_app import INCIDENT, SAMPLES, opened, press
from tracetui.render.text.glyphs import ASCII, UNICODE

SNAPSHOTS = Path(__file__).parent / "snapshots"
PINNED = {
    name: wanted
    for name, _, wanted in (
        line.partition("==") for line in (Path(__file__).parents[1] / "constraints.txt").read_text().splitlines()
    )
    if name in ("textual", "rich")
}
SHOP = str(SAMPLES / "shop" / "shop.json")
CHECKOUT = str(SAMPLES / "first-look" / "checkout.json")

SCREENS = {
    "traces-80x24": (INCIDENT, (80, 24), "textual-dark", False, ()),
    "traces-120x40": (INCIDENT, (120, 40), "textual-dark", False, ()),
    "waterfall-80x24": (CHECKOUT, (80, 24), "textual-dark", False, ("enter",)),
    "waterfall-120x40": (INCIDENT, (120, 40), "textual-dark", False, ("4", "j", "enter")),
    "waterfall-light-120x40": (CHECKOUT, (120, 40), "textual-light", False, ("enter",)),
    "waterfall-ascii-80x24": (CHECKOUT, (80, 24), "ansi-dark", True, ("enter",)),
    "services-80x24": (SHOP, (80, 24), "textual-dark", False, ("3", "j")),
    "services-blast-120x40": (SHOP, (120, 40), "textual-dark", False, ("3", "slash", *"inventory", "enter", "b")),
    "services-map-120x40": (SHOP, (120, 40), "textual-dark", False, ("3", "slash", *"checkout-", "enter", "m")),
    "errors-120x40": (INCIDENT, (120, 40), "textual-dark", False, ("4",)),
    "hot-spots-80x24": (INCIDENT, (80, 24), "textual-dark", False, ("5",)),
    "could-be-done-120x40": (SHOP, (120, 40), "textual-dark", False, ("5", "a")),
    "two-traces-120x40": (INCIDENT, (120, 40), "textual-dark", False, ("space", *"jjj", "space", "equals_sign")),
    "apart-80x24": (INCIDENT, (80, 24), "textual-light", False, ("c", "enter")),
}


@pytest.mark.skipif(
    any(version(name) != wanted for name, wanted in PINNED.items()),
    reason="other versions of Textual or Rich draw the same screen in other words",
)
@pytest.mark.parametrize("name", SCREENS)
async def test_screen(name: str, tmp_path: Path) -> None:
    source, size, theme, ascii_only, keys = SCREENS[name]
    async with opened(source, size=size, marks=ASCII if ascii_only else UNICODE) as (app, pilot):
        app.theme = theme
        await press(app, pilot, *keys)
        # what was said last goes after some seconds; a picture must not depend on when it is taken
        app.forget_notice()
        await pilot.pause()
        drawn = app.export_screenshot(title="tracetui")
        shown = painted(app)
    snapshot = SNAPSHOTS / f"{name}.svg"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(drawn, "utf-8")
    if drawn != snapshot.read_text("utf-8"):
        found = tmp_path / snapshot.name
        found.write_text(drawn, "utf-8")
        pytest.fail(f"{snapshot} is another picture than {found}:\n" + "\n".join(shown))
