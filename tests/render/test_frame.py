"""Lines around every view, at widths that do not fit all of them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.support.building import EPOCH, build, span
from tracetui.analysis.summary import Summary, summarize
from tracetui.model.colours import COLOURS
from tracetui.render.frame import crumb_line, source_name, status_line, tabs_line
from tracetui.render.text.glyphs import ASCII, UNICODE, Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.theme import ANSI, DARK, HIGH_CONTRAST, LIGHT, MONO
from tracetui.render.text.theme_contrast import contrast_ratio

GLYPHS = pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
WIDTHS = range(1, 200)
HINTS = (("/", "filter"), ("E", "errors per service"), ("S", "slowest"), ("Enter", "open"), ("?", "keys"))


def summary() -> Summary:
    made = summarize(build(span("1", 0, 10, error=True)))
    day = 86_400_000_000_000
    return replace(
        made,
        trace_count=304,
        span_count=4_127,
        error_trace_count=6,
        warning_count=19,
        warned_trace_count=19,
        end_ns=EPOCH + 400 * day,
    )


def status(width: int, glyphs: Glyphs = UNICODE, **more: Any) -> Line:
    return status_line(width, glyphs, source="sample_traces/shop", summary=summary(), total=304, **more)


@GLYPHS
def test_time_window_is_shown_whole_or_not_at_all(glyphs: Glyphs) -> None:
    whole = status(400, glyphs).text
    window = next(part for part in whole.replace("|", "│").split(" │ ") if "UTC" in part)
    shown = [status(width, glyphs).text for width in WIDTHS]
    assert all(window in text or "UTC" not in text for text in shown)
    assert any(window in text for text in shown)
    assert not all(window in text for text in shown)


@GLYPHS
def test_date_is_kept_when_other_parts_are_dropped(glyphs: Glyphs) -> None:
    first, last = "2023-11-14", "2024-12-18"
    for width in range(80, 200):
        assert re.search(f"{first}.*{last}", status(width, glyphs).text)
    one_day = replace(summary(), failed_request_count=6, error_trace_count=8, end_ns=EPOCH + 900_000_000_000)
    for width in range(64, 200):
        text = status_line(width, glyphs, source="incident/before.json", summary=one_day).text
        assert first in text
        assert f"{glyphs.origin} 6" in text
    text = status_line(90, glyphs, source="incident/before.json", summary=one_day).text
    assert "22:13" in text
    assert ", 8 with errors" not in text
    assert "spans" not in text


@GLYPHS
def test_times_are_dropped_before_warnings_and_failures(glyphs: Glyphs) -> None:
    for width in range(60, 200):
        text = status(width, glyphs).text
        assert text.endswith(f"{glyphs.warning} 19")
        assert re.search(rf"{glyphs.origin} 1 (request )?failed", text)
        assert "304 traces" in text
        assert "shop" in text or glyphs.ellipsis in text


@GLYPHS
def test_unverified_certificate_is_always_reported(glyphs: Glyphs) -> None:
    for width in range(80, 200):
        loading = status_line(width, glyphs, source="traces.example.com:443", loading="asking  Esc stops", unsafe=True)
        whole = status_line(width, glyphs, source="traces.example.com:443", summary=summary(), unsafe=True)
        assert all(f"{glyphs.warning} insecure" in line.text for line in (loading, whole))


def test_progress_of_the_load_is_always_shown() -> None:
    for width in range(80, 200):
        assert "reading  62 %  Esc stops" in status(width, loading="reading  62 %  Esc stops").text


def test_status_fits_any_width() -> None:
    assert all(status(width).width <= width for width in WIDTHS)
    assert all(status(width, query="error", names_filter=True).width <= width for width in WIDTHS)
    assert status(80, query="error").text.count("304 of 304 traces") == 1


@GLYPHS
def test_filter_is_shown_on_request(glyphs: Glyphs) -> None:
    query = 'error AND service = "\x1b[31mred" AND operation = GET'
    assert "filter" not in status(200, glyphs, query=query).text
    named = [status(width, glyphs, query=query, names_filter=True).text for width in range(80, 250)]
    assert all("filter error" in text and re.search(rf"{glyphs.origin} 1 (request )?failed", text) for text in named)
    assert "operation = GET" in named[-1]
    assert "\x1b" not in "".join(named)


def test_standard_input_is_named_in_words() -> None:
    assert source_name(["-"]) == "standard input"
    assert source_name(["https://jaeger:16686?token=1"]) == "jaeger:16686"
    assert source_name(["HTTP://a:b@jaeger:16686/search#token=1"]) == "jaeger:16686"
    assert source_name(["unix:/run/s:/search?token=1", "b"]) == "/run/s:/search and 1 more"
    assert source_name(["-", "a.json"]) == "standard input and 1 more"


@GLYPHS
def test_active_view_is_recognisable_without_colour(glyphs: Glyphs) -> None:
    views = (("traces", "Traces"), ("waterfall", "Waterfall"))
    lines = [tabs_line(60, views, view, glyphs).text for view, _ in views]
    assert "[1 Traces]" in lines[0]
    assert "[2 Waterfall]" in lines[1]
    assert lines[0].count("[") == lines[1].count("[") == 1
    assert lines[0].index("Waterfall") == lines[1].index("Waterfall")


def test_hints_are_dropped_whole_and_the_last_one_stays() -> None:
    seen = set()
    for width in range(20, 160):
        text = crumb_line(width, ["Traces", "a long way in"], HINTS, UNICODE, None).line.text
        assert text.endswith("? keys")
        assert len(text) == width
        shown = [f"{key} {what}" in text for key, what in HINTS[:-1]]
        assert shown == sorted(shown, reverse=True)
        assert all(what in text or f" {key} {what[:1]}" not in text for key, what in HINTS)
        seen.add(sum(shown))
    assert seen == {0, 1, 2, 3, 4}


def test_all_hints_fit_next_to_short_breadcrumbs() -> None:
    assert crumb_line(80, ["Traces"], HINTS, UNICODE, None).line.text.endswith("S slowest  Enter open  ? keys")


@GLYPHS
def test_hints_make_room_for_the_selection(glyphs: Glyphs) -> None:
    crumbs = ["Waterfall", "api-gateway GET /profile", "from fetch_profile", "database_query of users"]
    for width in range(20, 160):
        text = crumb_line(width, crumbs, HINTS, glyphs, None).line.text
        assert len(text) == width
        assert text.endswith("? keys")
        assert width < 55 or "database_query of users  " in text
    crumbs = ["Waterfall", "api-gateway GET /profile", "database_query"]
    text = crumb_line(80, crumbs, HINTS, UNICODE, None).line.text
    assert text == "Waterfall › api-gatewa… › database_query  / filter  E errors per service  ? keys"
    # a selection too long for the line leaves a third of it to hints
    text = crumb_line(80, [*crumbs[:2], "x" * 300], HINTS, UNICODE, None).line.text
    assert re.fullmatch(r"Waterfall › … › x+…  / filter  \? keys", text)


def test_notice_replaces_hints_and_keeps_the_breadcrumbs() -> None:
    message = "copied the trace's id"
    for width in (80, 120, 160):
        text = crumb_line(
            width, ["Waterfall", "api-gateway GET /profile", "query"], HINTS, UNICODE, (message, False)
        ).line.text
        assert re.match(rf"Waterfall › api-gateway GET /pr[^│]* │ {message}  .*  \? keys$", text)
        assert len(text) == width
    # shown in full even if that leaves no room for the location
    message = "no value of http.route can be asked for in here, and none of any other"
    text = crumb_line(80, ["Waterfall", "api-gateway GET /profile"], HINTS, UNICODE, (message, True)).line.text
    assert text == f"{message}    ? keys"


def test_end_of_the_breadcrumbs_is_not_repeated() -> None:
    crumbs = ["Waterfall", "GET /profile", "error 3 of 7"]
    text = crumb_line(120, crumbs, HINTS, UNICODE, ("error 3 of 7", False)).line.text
    assert text.startswith("Waterfall › GET /profile │ error 3 of 7  ")


def test_line_narrower_than_its_last_hint() -> None:
    assert all(crumb_line(width, ["Traces"], HINTS, UNICODE, None).line.width <= width for width in WIDTHS)
    assert crumb_line(20, ["Traces"], (), UNICODE, None).line.text.strip() == "Traces"


@GLYPHS
def test_failures_are_whole_while_following(glyphs: Glyphs) -> None:
    failing = replace(summary(), trace_count=1_500, failed_request_count=120, error_trace_count=140)
    text = status_line(
        80,
        glyphs,
        source="jaeger.example.com:16686",
        summary=failing,
        total=1_500,
        loading="no response since 10:05:12",
    ).text
    assert f"{glyphs.origin} 120 failed" in text
    assert text.rstrip().endswith(f"{glyphs.warning} 19")


@pytest.mark.parametrize("width", [40, 80, 160])
def test_name_of_a_profile_with_a_colour_is_a_badge(width: int) -> None:
    line = status_line(width, UNICODE, source="prod", summary=summary(), colour="red")
    assert (" prod ", Role.badge("red")) in line.runs
    for theme in (DARK, LIGHT, HIGH_CONTRAST, ANSI):
        style = theme.style(Role.badge("red"))
        assert style.color is not None
        assert style.bgcolor is not None
        colours = style.color.get_truecolor(), style.bgcolor.get_truecolor()
        assert contrast_ratio(*colours) >= 4.5
    # without colours it is still set apart
    assert MONO.style(Role.badge("red")).reverse


@pytest.mark.parametrize("colour", [*COLOURS, "#000000", "#ffffff", "#808080", "#7f7f00"])
def test_text_on_any_colour_is_legible(colour: str) -> None:
    style = DARK.style(Role.badge(colour))
    assert style.color is not None
    assert style.bgcolor is not None
    assert contrast_ratio(style.color.get_truecolor(), style.bgcolor.get_truecolor()) >= 4.5
