"""The pictures of README and docs show the current program. `make pictures` renews them: look at each."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.pictures.scenes import ANIMATION, FOLDER, THEMES, TITLE, VIEWS, incident_scenes, still_pictures
from tests.pictures.svg import Frame, Look, animation, painted_frame, picture, texts
from tests.support.paths import INCIDENT, ROOT
from tests.support.trace_app import opened

NAMES = sorted([ANIMATION, *(f"{view}-{look}.svg" for view in VIEWS for look in THEMES)])
SVG = "http://www.w3.org/2000/svg"
ALLOWED = {"svg", "title", "style", "g", "rect", "text", "circle"}
MAX_BYTES = 300_000


def read(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


def test_every_view_has_a_dark_and_a_light_picture() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == NAMES


def test_every_picture_is_shown_in_the_docs() -> None:
    pages = "".join(path.read_text("utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
    assert [name for name in NAMES if f"pictures/{name}" not in pages] == []


@pytest.mark.parametrize("name", NAMES)
def test_picture_is_small_and_self_contained(name: str) -> None:
    svg = read(name)
    assert len(svg.encode()) < MAX_BYTES
    elements = list(ElementTree.fromstring(svg).iter())
    assert {element.tag for element in elements} <= {f"{{{SVG}}}{tag}" for tag in ALLOWED}
    attributes = {key for element in elements for key in element.attrib}
    assert [key for key in attributes if key.startswith("on")] == []
    assert re.findall(r"https?:|url\(|@import|@font-face|href", svg.replace(SVG, "")) == []


@pytest.mark.parametrize("view", VIEWS)
async def test_picture_equals_the_current_view(view: str) -> None:
    # all of them before an assertion: a failure would leave the app running
    for name, svg in [pair async for pair in still_pictures(view)]:
        assert texts(read(name)) == texts(svg), f"{name}: run make pictures"
        assert read(name) == svg, f"{name}: run make pictures"


async def test_animation_equals_the_current_screen() -> None:
    scenes = await incident_scenes()
    for scene in scenes:
        shown = "\n".join(scene.frame.lines)
        assert [number for number in re.findall(r"\d+", scene.caption) if number not in shown] == [], scene.caption
    assert read(ANIMATION) == animation(scenes, TITLE), "run make pictures"


def test_one_frame_is_shown_at_a_time_from_the_start() -> None:
    svg = read(ANIMATION)
    (period,) = map(float, re.findall(r"animation:turn ([\d.]+)s step-end infinite", svg))
    (shown,) = (period * float(part) / 100 for part in re.findall(r"0%{opacity:1}([\d.]+)%,100%{opacity:0}", svg))
    delays = [float(delay) for delay in re.findall(r"animation-delay:(-?[\d.]+)s", svg)]
    frames = svg.count('<g class="s ')
    assert len(delays) == frames > 2
    # before a positive delay is over, a frame would show its opacity without animation
    assert max(delays) <= 0
    for second in range(1, int(period), 2):
        visible = [i for i, delay in enumerate(delays) if (second - delay) % period < shown]
        assert visible == [int(second * frames / period)]


def test_text_of_a_frame_is_escaped_and_stays_in_its_columns() -> None:
    plain, bar = Look("#ffffff", "#000000", False, False), Look("#ff0000", "#000000", False, False)
    rows = [[("<b>&", plain), ("  a  日本 b", plain), ("█▏", bar)]]
    svg = picture(Frame(rows, 20, "#ffffff", "#000000"), "<&")
    assert texts(svg) == ["<b>&", "a", "日本 b"]
    drawn = [element.attrib for element in ElementTree.fromstring(svg).iter(f"{{{SVG}}}text")]
    assert [round((float(one["x"]) - 10) / 8.4) for one in drawn] == [0, 6, 9]
    bars = [element.attrib for element in ElementTree.fromstring(svg).iter(f"{{{SVG}}}rect")][1:]
    assert [round((float(one["x"]) - 10) / 8.4) for one in bars] == [15, 16]
    assert float(bars[1]["width"]) < float(bars[0]["width"])


@pytest.mark.parametrize("theme", ["textual-dark", "ansi-dark", "ansi-light", "without colours"])
async def test_picture_of_any_theme_has_fixed_colours(theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture cannot use the terminal's colours."""
    if theme == "without colours":
        monkeypatch.setenv("NO_COLOR", "1")
    async with opened(INCIDENT, size=(80, 24)) as (app, pilot):
        if theme in app.available_themes:
            app.theme = theme
        for key in ("enter", "equals_sign", "escape", "3", "4", "5", "1"):
            await pilot.press(key)
            svg = picture(painted_frame(app), theme)
            colours = re.findall(r'fill="([^"]*)"', svg)
            assert pilot.lines[1].split()[0].strip("[") in " ".join(texts(svg))
            assert len(set(colours)) > 1
            assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)
