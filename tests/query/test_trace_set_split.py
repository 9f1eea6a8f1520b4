"""Splits of one set into two: at a time, and by the values of an attribute."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import JsonCodec, build, span
from tests.support.incidents import deployment
from tests.support.paths import SAMPLES
from tracetui.cli.main import run
from tracetui.model.errors import UsageError
from tracetui.model.span import Value
from tracetui.model.traces import TraceSet
from tracetui.query.trace_set_split import _medians, changed_attributes, read_moment, split_at, split_by
from tracetui.tui.state import Look
from tracetui.tui.views.traces import before_after
from tracetui.tui.views.traces.before_after import change_moments

MINUTE = 60_000_000
INCIDENT = str(SAMPLES / "incident")
BEFORE = f"{INCIDENT}/before.json"


def traces_in(mask: np.ndarray) -> list[int]:
    return mask.nonzero()[0].tolist()


def test_new_version_is_found_and_splits_the_set() -> None:
    traces = deployment(["2.4", "2.4", "2.4", "2.5", "2.4", "2.5", "2.5"])
    (change,) = changed_attributes(traces)
    assert (change.key, change.service, change.values) == ("service.version", "shop", ("2.4", "2.5"))
    assert change.since_ns == int(traces.trace_start[3])
    split = split_by(traces, "service.version")
    assert split.names == ("shop service.version=2.4", "shop service.version=2.5")
    assert (traces_in(split.before), traces_in(split.after)) == ([0, 1, 2, 4], [3, 5, 6])


def test_values_with_line_breaks_stay_on_the_line_of_a_message() -> None:
    values = ("a\ntracetui: all is well", "b")
    both = [
        span(name, 0, 10, parent=parent, attributes={"k": value})
        for name, parent, value in zip("12", ("", "1"), values, strict=True)
    ]
    with pytest.raises(UsageError, match="every trace with") as raised:
        split_by(build(*both), "k")
    assert "\n" not in str(raised.value)


def test_attribute_of_spans_with_several_values_in_a_trace() -> None:
    regions = ["a b", "a b", "a c", "b c"]
    spans = [
        span(f"{trace}{at}", trace * 10, trace * 10 + 5, trace=str(trace), attributes={"region": region})
        for trace, text in enumerate(regions, 1)
        for at, region in enumerate(text.split())
    ]
    split = split_by(build(*spans), "region")
    assert split.names == ("other region", "region=c")
    assert (traces_in(split.before), traces_in(split.after)) == ([0, 1], [2, 3])
    with pytest.raises(UsageError, match="every trace with"):
        split_by(build(*spans[:4]), "region")


def test_median_of_each_value_in_the_middle() -> None:
    starts, value = np.array([9, 1, 4, 8, 2, 7]), np.array([0, 0, 0, 1, 1, 2])
    assert _medians(starts, value).tolist() == [4, 5, 7]


def test_values_that_alternate_are_no_change() -> None:
    assert changed_attributes(deployment(["a", "b"] * 6)) == []
    assert changed_attributes(deployment(["a"] * 6)) == []
    assert changed_attributes(deployment([str(number) for number in range(9)])) == []


def many_keys(count: int) -> TraceSet:
    """Traces from one resource each, with a key of its own, a host, and two other attributes that change."""
    return build(
        *(
            span(
                f"{number + 1}",
                number * MINUTE,
                number * MINUTE + 5,
                trace=f"{number + 1}",
                service="shop",
                resource={
                    f"own.{number}": "x",
                    "host.name": f"h{number}",
                    "app.zone": "a" if number < count // 3 else "b",
                    "version": "1" if number < count // 2 else "2",
                },
            )
            for number in range(count)
        )
    )


def test_each_resource_is_decoded_once_whatever_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    traces = many_keys(60)
    decoded: list[bytes] = []

    def attributes(codec: JsonCodec, raw: bytes) -> dict[str, Value]:
        decoded.append(raw)
        return dict(json.loads(raw))

    monkeypatch.setattr(JsonCodec, "attributes", attributes)
    assert [change.key for change in changed_attributes(traces)] == ["version", "app.zone"]
    assert len(decoded) == len(traces.resources) == 60
    decoded.clear()
    split_by(traces, "version")
    assert len(decoded) == 60


def test_keys_are_examined_up_to_a_limit_versions_first() -> None:
    traces = many_keys(60)
    assert [change.key for change in changed_attributes(traces, 1)] == ["version"]
    assert [change.key for change in changed_attributes(traces, 2)] == ["version", "app.zone"]


def test_automatic_search_examines_few_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    look = Look()
    marks = [mark.text for mark in change_moments(many_keys(60), look)]
    assert len(marks) == 2
    monkeypatch.setattr(before_after, "_MAX_EXAMINED", 1)
    assert [mark.text for mark in change_moments(many_keys(60), look)] == marks[:1]


def test_an_attribute_of_spans_with_the_latest_value_and_with_named_ones() -> None:
    traces = deployment(["1"] * 6, tier=["gold", "free", "free", "basic", "basic", "basic"])
    split = split_by(traces, "tier")
    assert split.names == ("other tier", "tier=basic")
    assert (traces_in(split.before), traces_in(split.after)) == ([0, 1, 2], [3, 4, 5])
    split = split_by(traces, "tier=gold, free")
    assert split.names == ("tier=gold", "tier=free")
    assert (traces_in(split.before), traces_in(split.after)) == ([0], [1, 2])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nope", "no trace has an attribute nope"),
        ("region", "region has only one value: eu"),
        ("many", "many has 6 values; name two: --by many=BEFORE,AFTER (0, 1, 2, 3, 4, 5)"),
        ("many=1", "name two different values"),
        ("many=1,1", "name two different values"),
        ("many=1,9", "no trace has many=9; values: 0, 1, 2, 3, 4, 5"),
    ],
)
def test_invalid_splits_are_rejected(text: str, reason: str) -> None:
    traces = deployment(["1"] * 6, many=[str(number) for number in range(6)])
    with pytest.raises(UsageError) as caught:
        split_by(traces, text)
    assert reason in str(caught.value)


def test_split_at_a_time() -> None:
    traces = deployment(["1"] * 5)
    moment = int(traces.trace_start[2])
    text = str(np.datetime64(moment, "ns")) + "Z"
    split = split_at(traces, text)
    assert (traces_in(split.before), traces_in(split.after)) == ([0, 1], [2, 3, 4])
    assert split.names == (f"before {text}", f"from {text} on")
    clock = text[11:19]
    assert read_moment(traces, clock) == moment // 1_000_000_000 * 1_000_000_000
    for outside in ("1999-01-01", "2099-01-01"):
        with pytest.raises(UsageError, match="all 5 traces started"):
            split_at(traces, outside)
    with pytest.raises(UsageError, match="is not a time"):
        split_at(traces, "noon")


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=8))
def test_the_sides_are_disjoint_and_cover_all_traces_with_the_attribute(values: list[str]) -> None:
    traces = deployment(["1"] * len(values), kind=values)
    try:
        split = split_by(traces, "kind")
    except UsageError:
        assert len(set(values)) == 1
        return
    assert not (split.before & split.after).any()
    assert (split.before | split.after).all()
    assert {values[trace] for trace in traces_in(split.after)} & {
        values[trace] for trace in traces_in(split.before)
    } == set()


def test_compare_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", BEFORE, "--at", "10:05"]) == 0
    printed = capsys.readouterr().out
    assert "before  before 10:05" in printed
    assert "after   from 10:05 on" in printed
    assert run(["compare", INCIDENT, "--by", "region=eu,us", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["before"]["trace_count"] > 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([BEFORE], "compare needs two sources, BEFORE and AFTER, not 1; --at TIME and --by ATTRIBUTE"),
        ([BEFORE, BEFORE, BEFORE], "compare needs two sources, BEFORE and AFTER, not 3"),
        ([BEFORE, "--at", "10:05", "--by", "region"], "use only one of --at, --by and --trace"),
        ([BEFORE, "--at", "soon"], "'soon' is not a time; write 10:05"),
        ([BEFORE, "--at", "10:05", "--service", "nobody"], "no service named 'nobody'"),
    ],
)
def test_compare_rejects(args: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", *args]) == 2
    printed = capsys.readouterr()
    assert (printed.out, message in printed.err) == ("", True)
