"""Contrast: values that a selection of traces has more often than the rest, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import GivenSpan, build, span
from tests.support.paths import INCIDENT
from tests.support.strategies import service_sets, unhurried
from tracetui.analysis import contrast as contrast_module
from tracetui.analysis.contrast import Contrast, contrast
from tracetui.analysis.errors import find_errors
from tracetui.cli.main import run
from tracetui.ingest.formats.error_rule import deciding_keys
from tracetui.model.traces import TraceSet
from tracetui.render.text.glyphs import UNICODE
from tracetui.render.traces.contrast import ContrastList, in_short
from tracetui.session import Session


def regions(*texts: str) -> TraceSet:
    """Return one trace of one span for each region."""
    return build(*(span("1", 0, 10, trace=str(i + 1), attributes={"region": text}) for i, text in enumerate(texts)))


def first(traces: TraceSet, count: int, **more: Any) -> Contrast:
    return contrast(traces, np.arange(traces.trace_count) < count, **more)


def test_counts_shares_and_lift() -> None:
    # 30 of 40 selected traces are in eu, and 10 of the 60 others
    found = first(regions(*["eu"] * 30, *["us"] * 10, *["eu"] * 10, *["us"] * 50), 40)
    (one,) = found.differences
    assert (one.what, one.key, one.value, one.selected, one.rest) == ("attribute", "region", "eu", 30, 10)
    assert (one.selected_percent, one.rest_percent, one.lift) == pytest.approx((75, 100 / 6, 4.5))
    assert (found.selected, found.rest, found.is_weak) == (40, 60, False)


def test_value_counts_once_per_trace() -> None:
    many = [span(f"{i + 1:x}", i, i + 1, trace="1", attributes={"k": "v"}) for i in range(9)]
    found = first(build(*many, *(span("1", 0, 9, trace=str(t)) for t in range(2, 60))), 1)
    assert [(one.key, one.selected, one.rest) for one in found.differences if one.what == "attribute"] == [("k", 1, 0)]


def test_chance_differences_are_not_reported() -> None:
    found = first(regions(*["eu"] * 11, *["us"] * 9, *["eu"] * 9, *["us"] * 11), 20)
    assert not found.differences


def test_value_of_one_trace_is_not_reported() -> None:
    def ids(at: int) -> dict[str, str]:
        return {"order": f"o-{at}", "basket": f"b-{at // 2}"}

    traces = build(*(span("1", 0, 10, trace=str(at + 1), attributes=ids(at)) for at in range(60)))
    # two traces of one basket are both selected: p = C(4, 2) / C(60, 2) for each of 30 baskets
    found = first(traces, 4)
    assert {(one.key, one.value, one.selected, one.rest, one.is_hint) for one in found.differences} == {
        ("basket", "b-0", 2, 0, True),
        ("basket", "b-1", 2, 0, True),
    }
    assert [one.p_value for one in found.differences] == pytest.approx([6 / 1_770] * 2)


def test_number_of_candidates_is_accounted_for() -> None:
    # 5 of 20 selected traces and none of 20 others have it: 5 of C(20, 5) / C(40, 5) = 0.0236
    def traces(keys: int) -> TraceSet:
        more = [
            {f"key {key}": "yes" if at % 2 else "no" for key in range(keys)} | ({"bad": "yes"} if at < 5 else {})
            for at in range(40)
        ]
        return build(*(span("1", 0, 10, trace=str(at + 1), attributes=each) for at, each in enumerate(more)))

    assert [(one.key, round(one.p_value, 4), one.is_hint) for one in first(traces(0), 20).differences] == [
        ("bad", 0.0236, False)
    ]
    # of three: all keys have their values in the same traces
    assert not first(traces(10), 20).differences
    # a hint if there are too few traces for a correction
    (hint,) = first(traces(10).select(np.arange(40) < 39), 20).differences
    assert (hint.key, hint.is_hint) == ("bad", True)


def test_random_selection_has_no_contrast() -> None:
    traces = Session.open([INCIDENT]).loaded
    wrong = 0
    for seed in range(60):
        selection = np.random.default_rng(seed).permutation(traces.trace_count) < (8, 25)[seed % 2]
        wrong += any(not one.is_hint for one in contrast(traces, selection).differences)
    # 5 % of 60 are three
    assert wrong <= 6


def test_services_operations_and_durations() -> None:
    slow = [
        [span("1", 0, 900, trace=str(i)), span("2", 0, 9, trace=str(i), parent="1", service="cache", name="get")]
        for i in range(1, 31)
    ]
    quick = [[span("1", 0, 95, trace=str(i))] for i in range(31, 71)]
    found = first(build(*(one for spans in (*slow, *quick) for one in spans)), 30)
    assert [(one.what, one.value, one.selected, one.rest) for one in found.differences] == [
        ("duration", "900000", 30, 0),
        ("service", "cache", 30, 0),
    ]
    assert not any(one.what == "duration" for one in first(regions(*"ab"), 1, durations=False).differences)


def test_failure_attributes_do_not_explain_failures() -> None:
    spans = [
        span(
            "1",
            0,
            9,
            trace=str(i),
            error=i < 30,
            attributes={"error": i < 30, "http.status_code": 500 if i < 30 else 200},
        )
        for i in range(1, 61)
    ]
    traces = build(*spans)
    assert not contrast(traces, traces.trace_errors > 0).differences
    assert {one.key for one in contrast(traces, traces.trace_errors > 0, outcomes=True).differences} == {
        "error",
        "http.status_code",
    }


def test_large_sets_are_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrast_module, "MAX_SPANS", 25)
    found = first(regions(*["eu"] * 50, *["us"] * 100), 50)
    assert (found.selected, found.selected_of, found.rest, found.rest_of) == (25, 50, 25, 100)
    assert [(one.value, one.selected, one.rest) for one in found.differences] == [("eu", 25, 0)]


@unhurried
@given(service_sets(), st.lists(st.booleans(), max_size=8))
def test_counts_equal_the_traces(spans: list[GivenSpan], picks: list[bool]) -> None:
    traces = build(*spans)
    selection = np.resize(np.array([*picks, True]), traces.trace_count).astype(bool)
    found = contrast(traces, selection, outcomes=True)
    assert (found.selected, found.rest) == (int(selection.sum()), int((~selection).sum()))
    for one in found.differences:
        assert one.selected_percent > one.rest_percent >= 0
        if one.what == "service":
            has = {int(traces.trace[i]) for i in range(len(traces)) if traces.service_name(i) == one.value}
            counts = [sum(selection[trace] == side for trace in has) for side in (True, False)]
            assert counts == [one.selected, one.rest]


def test_timeouts_in_the_incident_are_in_one_region() -> None:
    traces = Session.open([INCIDENT]).loaded
    pattern = find_errors(traces).patterns[0]
    selection = np.zeros(traces.trace_count, bool)
    selection[traces.trace[pattern.spans]] = True
    found = contrast(traces, selection)
    region = next(one for one in found.differences if one.key == "region")
    assert (region.value, region.selected, region.rest) == ("eu", 6, 31)
    told = in_short(found, UNICODE).text
    assert told.startswith("⚠ few traces: region = eu in 6 of 6, in 33 % of the others")
    # possible chance findings are only listed as hints
    assert "host.name" not in told
    rows = ContrastList(found, UNICODE)
    assert any(
        rows.line(row, 100).text.split() == "region = eu 6 of 6 100 % 31 of 94 33 % ×3.0".split()
        for row in range(len(rows))
    )
    # on a narrow screen names are whole, and headings say of how many
    narrow = [rows.line(row, 78).text for row in range(len(rows))]
    assert any("host.name = user-service-eu-2" in text for text in narrow)
    assert "of these 6  of 94 others" in rows.heading(78).text


def test_contrast_command(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["contrast", INCIDENT, "--json"]) == 0
    found = orjson.loads(capsysbinary.readouterr().out)
    assert (found["selected_count"], found["rest_count"], found["few"]) == (8, 92, True)
    assert ("region", "eu", True) in {(one["key"], one["value"], one["may_be_chance"]) for one in found["differences"]}
    assert run(["contrast", INCIDENT, "--slow", "90", "--width", "80"]) == 0
    out = capsysbinary.readouterr().out.decode()
    assert out.startswith("Over-represented in 10 traces slower than p90, compared with 90 other traces\n")
    assert all(len(line) <= 80 for line in out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--slow", "95", "--select", "error"], "use either --slow or --select, not both"),
        (["--slow", "nan"], "--slow"),
        (["--slow", "100"], "no trace of 100"),
        (["--select", "duration > 0ms"], "every trace of 100"),
        (["--select", "duration >"], "query"),
    ],
)
def test_invalid_selections_are_rejected(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["contrast", INCIDENT, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_attributes_that_decide_about_errors_are_outcomes() -> None:
    assert set(deciding_keys()) <= contrast_module._OUTCOMES
