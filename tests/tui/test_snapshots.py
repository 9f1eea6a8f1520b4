"""Snapshots of some screens. `UPDATE_SNAPSHOTS=1` rewrites them; look at each difference before you commit it."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.paths import CHECKOUT, INCIDENT, ROOT, SHOP, SNAPSHOTS
from tests.support.screens import painted
from tests.support.trace_app import opened
from tracetui.render.text.glyphs import ASCII, UNICODE
from tracetui.tui.frame import FrameBottom

PINNED = {
    name: pinned
    for name, _, pinned in (line.partition("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    if name in ("textual", "rich")
}

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
    "suggestions-120x40": (SHOP, (120, 40), "textual-dark", False, ("5", "a")),
    "comparison-120x40": (INCIDENT, (120, 40), "textual-dark", False, ("space", *"jjj", "space", "equals_sign")),
    "causes-120x40": (INCIDENT, (120, 40), "textual-dark", False, ("Y",)),
    "contrast-80x24": (INCIDENT, (80, 24), "textual-light", False, ("c", "enter")),
}


@pytest.mark.skipif(
    any(version(name) != pinned for name, pinned in PINNED.items()),
    reason="other versions of Textual or Rich give different SVG for the same screen",
)
@pytest.mark.parametrize("name", SCREENS)
async def test_screen_matches_its_snapshot(name: str, tmp_path: Path) -> None:
    source, size, theme, ascii_only, keys = SCREENS[name]
    async with opened(source, size=size, glyphs=ASCII if ascii_only else UNICODE) as (app, pilot):
        app.theme = theme
        await pilot.press(*keys)
        # notices disappear after some seconds; the snapshot must not depend on the time
        app.query_one(FrameBottom).forget()
        await pilot.pause()
        svg = app.export_screenshot(title="tracetui")
        lines = painted(app)
    snapshot = SNAPSHOTS / f"{name}.svg"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(svg, "utf-8")
    if svg != snapshot.read_text("utf-8"):
        actual = tmp_path / snapshot.name
        actual.write_text(svg, "utf-8")
        pytest.fail(f"{snapshot} differs from {actual}:\n" + "\n".join(lines))
