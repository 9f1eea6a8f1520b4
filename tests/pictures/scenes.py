"""Pictures for README and docs: every view, dark and light, and an incident solved in four steps."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tests.pictures.svg import Frame, Scene, painted_frame, picture
from tests.support.paths import INCIDENT, ROOT, SHOP
from tests.support.trace_app import opened
from tracetui.tui.app import TraceApp
from tracetui.tui.frame import FrameBottom

FOLDER = ROOT / "docs" / "pictures"
ANIMATION = "incident.svg"
TITLE = "A failing request explained with three keys"
THEMES = {"dark": "textual-dark", "light": "textual-light"}
_SIZE = (100, 30)
VIEWS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "traces": (INCIDENT, (), "Traces: the verdict, response times over time, and the slowest traces"),
    "waterfall": (INCIDENT, ("4", "j", "enter"), "Waterfall: a failed request at the span where the error began"),
    "services": (SHOP, ("3", "slash", *"checkout-api", "enter"), "Services: callers and dependencies of one service"),
    "blast-radius": (SHOP, ("3", "slash", *"inventory", "enter", "b"), "Blast radius: what a slow service affects"),
    "service-map": (SHOP, ("3", "slash", *"checkout-", "enter", "m"), "Map of the service graph"),
    "errors": (INCIDENT, ("4",), "Errors: patterns, where they began and what they failed"),
    "hot-spots": (INCIDENT, ("5",), "Hot spots: operations by their share of the critical path"),
    "suggestions": (SHOP, ("5", "v"), "Suggestions, largest saving first"),
    "causes": (INCIDENT, ("Y",), "Root causes with their evidence and spans that show it"),
    "contrast": (INCIDENT, ("c", "enter"), "Contrast: what is over-represented in failed traces"),
    "comparison": (INCIDENT, ("space", *"jjj", "space", "equals_sign"), "Two traces compared by call path"),
}
"""Source, keys and title of each view."""


async def still_pictures(view: str) -> AsyncIterator[tuple[str, str]]:
    """Make the pictures of a view. -> the name and content of each file"""
    source, keys, title = VIEWS[view]
    async with opened(source, size=_SIZE) as (app, pilot):
        await pilot.press(*keys)
        for look, theme in THEMES.items():
            app.theme = theme
            await pilot.settle()
            yield f"{view}-{look}.svg", picture(_frame(app), title)


async def incident_scenes() -> list[Scene]:
    """Solve the incident, from the list of traces to the span where an error began."""
    async with opened(INCIDENT, size=_SIZE) as (app, pilot):
        scenes = [
            Scene(_frame(app), "", "8 of 100 requests fail. The first lines say why, and what is slow."),
        ]
        for key, name, caption in (
            (
                "4",
                "4",
                "Errors: two patterns, each with its origin, the requests that it failed, and what these share.",
            ),
            ("j", "j", "The second one: a database query times out."),
            ("enter", "Enter", "Its worst trace, at the span where the error began: 88 % of the critical path."),
        ):
            await pilot.press(key)
            scenes.append(Scene(_frame(app), name, caption))
    return scenes


def _frame(app: TraceApp) -> Frame:
    # notices disappear after some seconds; a picture does not depend on the time
    app.query_one(FrameBottom).forget()
    return painted_frame(app)
