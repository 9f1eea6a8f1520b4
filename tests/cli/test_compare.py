"""Comparison of two sets: figures calculated by hand, significance, and the command with its exit codes."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tests.support.building import US, GivenSpan, build, span
from tests.support.paths import SAMPLES
from tests.support.strategies import service_sets, unhurried
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.compare import Comparison, compare
from tracetui.analysis.stats.bootstrap import (
    hypergeometric_p_value,
    level_for,
    limit_for,
    mean_difference,
    quantile_difference,
    quantile_p_value,
    share_difference,
    share_p_value,
)
from tracetui.analysis.stats.change import Change, ChangeClassifier, Verdict
from tracetui.cli.main import run
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.session import Session

INCIDENT = SAMPLES / "incident"
BEFORE, AFTER = str(INCIDENT / "before.json"), str(INCIDENT / "after.json")


def requests(*times: int, failed: int = 0, name: str = "GET /") -> TraceSet:
    """Build a trace with one span for each time in microseconds; the first `failed` of them fail."""
    spans = [
        span("1", 0, time, trace=str(i + 1), name=name, error=i < failed, message="lost" if i < failed else "")
        for i, time in enumerate(times)
    ]
    return build(*spans)


def compared(before: TraceSet, after: TraceSet, **more: Any) -> Comparison:
    return compare(Analysis(before), Analysis(after), **more)


def changes(found: Comparison) -> dict[str, Change]:
    return {change.figure: change for change in found.overall}


def test_figures_and_their_change() -> None:
    found = changes(compared(requests(*[100] * 130), requests(*[150] * 140)))
    assert (found["mean"].before, found["mean"].after, found["mean"].percent) == (100 * US, 150 * US, 50.0)
    assert {figure: one.verdict for figure, one in found.items()} == {
        "mean": Verdict.WORSE,
        "p50": Verdict.WORSE,
        "p95": Verdict.WORSE,
        "p99": Verdict.WORSE,
        "error_rate": Verdict.SMALL,
        "failed_request_rate": Verdict.SMALL,
    }


def test_less_than_the_threshold_is_small() -> None:
    before, after = requests(*[100] * 30), requests(*[108] * 30)
    assert changes(compared(before, after))["mean"].verdict is Verdict.SMALL
    assert changes(compared(before, after, threshold=8))["mean"].verdict is Verdict.WORSE


def test_few_samples_are_reported() -> None:
    found = compared(requests(*[100] * 19), requests(*[200] * 50))
    assert changes(found)["p50"].verdict is Verdict.FEW
    assert not found.regressions


def test_percentile_requires_samples_beyond_it() -> None:
    found = changes(compared(requests(*[100] * 30), requests(*[150] * 40)))
    assert (found["p95"].verdict, found["p99"].verdict) == (Verdict.WORSE, Verdict.FEW)


def test_insignificant_changes_are_not_reported() -> None:
    # 13 % more on average, of times with a deviation of 260 us
    before, after = requests(*range(100, 1_000, 30)), requests(*range(170, 1_070, 30))
    found = changes(compared(before, after))["mean"]
    assert found.percent is not None
    assert abs(found.percent) >= 10
    assert found.verdict is Verdict.CHANCE


def test_new_and_removed_operations() -> None:
    found = compared(requests(*[100] * 30, name="old"), requests(*[100] * 30, name="new"))
    assert {one.name[1]: (one.counts, one.verdict) for one in found.operations} == {
        "old": ((30, 0), Verdict.GONE),
        "new": ((0, 30), Verdict.NEW),
    }
    assert not found.regressions


@pytest.mark.parametrize(("failed", "worse"), [(1, False), (12, True)])
def test_new_errors_are_worse_beyond_chance(failed: int, worse: bool) -> None:
    found = compared(requests(*[100] * 60), requests(*[100] * 60, failed=failed))
    (pattern,) = found.patterns
    assert (pattern.message, pattern.counts, pattern.verdict, pattern.is_worse) == (
        "lost",
        (0, failed),
        Verdict.NEW,
        worse,
    )
    assert bool(found.regressions) == worse
    (back,) = compared(requests(*[100] * 60, failed=failed), requests(*[100] * 60)).patterns
    assert (back.verdict, back.is_worse) == (Verdict.GONE, False)


def test_change_that_is_negligible_in_the_trace_is_small() -> None:
    def page(trace: str, tiny: int) -> list[GivenSpan]:
        return [
            span("1", 0, 10_000, trace=trace, name="page"),
            span("2", 10, 10 + tiny, trace=trace, parent="1", name="tiny"),
        ]

    before, after = (build(*(one for i in range(30) for one in page(str(i + 1), tiny))) for tiny in (10, 90))
    found = {one.name[1]: one.verdict for one in compared(before, after).operations}
    # nine times as long, but 80 of the 10,000 us that a trace takes
    assert found == {"page": Verdict.SMALL, "tiny": Verdict.SMALL}


def test_change_of_a_frequent_operation_is_not_small() -> None:
    def page(trace: str, tiny: int) -> list[GivenSpan]:
        calls = [span(f"{i + 2:x}", 100 * i, 100 * i + tiny, trace=trace, parent="1", name="tiny") for i in range(50)]
        return [span("1", 0, 10_000, trace=trace, name="page"), *calls]

    before, after = (build(*(one for i in range(30) for one in page(str(i + 1), tiny))) for tiny in (10, 90))
    assert {one.name[1]: one.verdict for one in compared(before, after).operations}["tiny"] is Verdict.WORSE


def test_calls_between_services_are_compared() -> None:
    def call(trace: str, duration: int) -> list[GivenSpan]:
        return [
            span("1", 0, 1_000, trace=trace, service="a", kind=Kind.CLIENT),
            span("2", 10, 10 + duration, trace=trace, service="b", parent="1", kind=Kind.SERVER),
        ]

    before, after = (build(*(one for i in range(30) for one in call(str(i + 1), duration))) for duration in (100, 500))
    (edge,) = compared(before, after).edges
    assert (edge.name, edge.counts, edge.verdict) == (("a", "b", ""), (30, 30), Verdict.WORSE)
    assert (edge.changes[0].before, edge.changes[0].after) == (100 * US, 500 * US)


@unhurried
@given(service_sets())
def test_set_does_not_differ_from_itself(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    found = compared(traces, traces)
    assert not found.regressions
    every = [*found.overall, *(change for one in (*found.operations, *found.edges) for change in one.changes)]
    assert {change.verdict for change in every} <= {Verdict.SMALL, Verdict.NEW, Verdict.GONE}
    assert all(change.before == change.after for change in every)
    assert {one.verdict for one in (*found.operations, *found.edges)} <= {Verdict.SMALL}


@unhurried
@given(service_sets(), service_sets())
def test_new_operations_are_gone_in_reverse(first: list[GivenSpan], second: list[GivenSpan]) -> None:
    one, other = build(*first), build(*second)
    there, back = compared(one, other), compared(other, one)
    turned = {Verdict.NEW: Verdict.GONE, Verdict.GONE: Verdict.NEW, Verdict.SMALL: Verdict.SMALL}
    for kind in ("operations", "edges"):
        found = {each.name: (each.counts, each.verdict) for each in getattr(there, kind)}
        for each in getattr(back, kind):
            counts, verdict = found[each.name]
            assert each.counts == counts[::-1]
            if verdict in turned and 0 in counts:
                assert each.verdict is turned[verdict]


def test_intervals_contain_the_difference() -> None:
    chance = np.random.default_rng(2)
    before, after = chance.normal(100, 10, 400), chance.normal(120, 10, 2_000)
    for found in (mean_difference(before, after), quantile_difference(before, after, 0.5)):
        low, high = found.interval(1.96)
        assert 17 < low < 20 < high < 23
    assert mean_difference(before, before).value == 0
    # the standard error of a mean is that of the sample divided by the root of its size
    error = math.hypot(before.std() / 20, after.std() / math.sqrt(2_000))
    assert mean_difference(before, after).error == pytest.approx(error, rel=0.15)
    # equivalent to 100 values if the four of each trace are equal
    assert mean_difference(before, before, (100, 100)).error == pytest.approx(2 * mean_difference(before, before).error)


def test_limits_rise_with_the_number_of_figures() -> None:
    assert limit_for(level_for(1), 100_000) == pytest.approx(1.96, abs=0.001)
    assert limit_for(level_for(200), 100_000) == pytest.approx(3.66, abs=0.01)


@pytest.mark.parametrize(
    ("level", "samples", "expected"),
    [(0.025, 20, 2.0930), (0.005, 20, 2.8609), (0.0005, 20, 3.8834), (0.0005, 11, 4.5869), (0.025, 61, 2.0003)],
)
def test_limits_for_small_samples_follow_student_t(level: float, samples: int, expected: float) -> None:
    # tables of Student's t, degrees of freedom one less than the samples
    assert limit_for(level, samples) == pytest.approx(expected, rel=2e-3)


def test_shares_of_small_samples() -> None:
    # 8 of 100 against 1 of 200: 3 % in total
    found = share_difference((8, 100), (1, 200))
    assert (found.value, found.error) == pytest.approx((-7.5, 100 * math.sqrt(0.03 * 0.97 * 0.015)))
    assert found.is_significant(limit_for(level_for(5), 1_000))
    assert not share_difference((0, 20), (4, 20)).is_significant(limit_for(level_for(5), 1_000))
    assert not share_difference((5, 20), (5, 20)).is_significant(0)


def test_hypergeometric_p_value() -> None:
    # all six of 37 in the first of 100: C(37, 6) / C(100, 6)
    assert hypergeometric_p_value(6, 31, (6, 94)) == pytest.approx(math.comb(37, 6) / math.comb(100, 6))
    assert hypergeometric_p_value(0, 10, (5, 20)) == pytest.approx(1.0)
    assert hypergeometric_p_value(1, 15, (1, 99)) == pytest.approx(0.16)


def test_p_values_of_quantiles_and_shares() -> None:
    # the medians are 2 and 5: above 2 are one of three and all three. C(3, 3) C(3, 1) of C(6, 4) ways
    assert quantile_p_value(np.array([1, 2, 3]), np.array([4, 5, 6]), 0.5) == pytest.approx(3 / 15)
    assert share_p_value((1, 3), (3, 3)) == share_p_value((3, 3), (1, 3)) == pytest.approx(3 / 15)
    # four spans of each of three traces count as three spans
    assert share_p_value((4, 12), (12, 12), (3, 3)) == pytest.approx(3 / 15)
    assert share_p_value((4, 12), (12, 12)) < 0.001


_FIGURES = ("mean", "p50", "p95", "p99")


def test_samples_of_one_distribution_do_not_differ_at_any_size() -> None:
    wrong = 0
    for sizes in ((25, 400), (400, 25)):
        judge = ChangeClassifier(10.0, 1.0, sizes, level_for(8 * len(_FIGURES)))
        for seed in range(6):
            chance = np.random.default_rng(seed)
            pairs = [[chance.lognormal(3, 0.8, size) for size in sizes] for _ in range(8)]
            found = {change.verdict for before, after in pairs for change in judge.times(_FIGURES, before, after)}
            wrong += bool(found & {Verdict.WORSE, Verdict.BETTER})
    # 5 % of 12 is less than one
    assert wrong <= 1


def test_threefold_duration_is_worse() -> None:
    before, after = (np.random.default_rng(seed).lognormal(3, 0.8, 200) for seed in range(2))
    judge = ChangeClassifier(10.0, 1.0, (200, 200), level_for(8 * len(_FIGURES)))
    changes = judge.times(("mean", "p50", "p95"), before, 3 * after)
    assert [change.verdict for change in changes] == [Verdict.WORSE] * 3


@pytest.mark.parametrize("seed", range(6))
def test_halves_of_one_set_do_not_differ(seed: int) -> None:
    traces = Session.open([str(INCIDENT.parent / "shop")]).loaded
    first = np.random.default_rng(seed).random(traces.trace_count) < 0.5
    assert not compared(traces.select(first), traces.select(~first)).regressions


def test_fix_of_the_incident_is_an_improvement(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    import orjson

    assert run(["compare", BEFORE, AFTER, "--json", "--fail-on-regression"]) == 0
    found = orjson.loads(capsysbinary.readouterr().out)
    assert {name: change["verdict"] for name, change in found["changes"].items()} == dict.fromkeys(
        ("mean_ms", "p50_ms", "p95_ms", "p99_ms", "error_rate", "failed_request_rate"), "better"
    )
    assert (found["changes"]["p95_ms"]["before"], found["changes"]["p95_ms"]["after"]) == pytest.approx((2100, 380.02))
    assert (found["changes"]["error_rate"]["before"], found["changes"]["error_rate"]["after"]) == (8.0, 0.5)
    assert [(one["operation"], one["verdict"]) for one in found["bottlenecks"]] == [
        ("database_query", "better"),
        ("fetch_recommendations", "better"),
    ]
    timeouts = [one for one in found["errors"] if "timeout" in one["message"]]
    assert [(one["before_count"], one["after_count"], one["verdict"]) for one in timeouts] == [
        (6, 0, "gone"),
        (2, 0, "gone"),
    ]
    assert found["regressions"] == []


def test_reverse_of_the_fix_is_a_regression(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", AFTER, BEFORE, "--fail-on-regression", "--width", "100"]) == 1
    out = capsys.readouterr().out
    assert "worse" in out
    assert "figures became worse" in out
    assert run(["compare", AFTER, BEFORE]) == 0


def test_absolute_changes_are_shown_if_they_fit(capsys: pytest.CaptureFixture[str]) -> None:
    def rows(width: int) -> list[str]:
        assert run(["compare", BEFORE, AFTER, "--width", str(width)]) == 0
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    wide = {"p95 2.10 s 380 ms -1.72 s -82 % better", "with errors 8.0 % 0.5 % -7.5 points -94 % better"}
    assert wide <= set(rows(100))
    assert {"p95 2.10 s 380 ms -82 % better", "with errors 8.0 % 0.5 % -94 % better"} <= set(rows(80))


def test_all_call_paths_of_two_single_traces_are_compared(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    import orjson

    assert run(["compare", BEFORE, AFTER, "--limit", "1", "--json"]) == 0
    paths = orjson.loads(capsysbinary.readouterr().out)["call_paths"]
    (query,) = (one for one in paths if one["operation"] == "database_query")
    assert (query["depth"], query["change"], query["before_count"]) == (3, "faster", 1)
    assert query["before_self_ms"] > query["after_self_ms"] > query["after_critical_ms"] == 0
    assert run(["compare", BEFORE, AFTER, "--json"]) == 0
    assert orjson.loads(capsysbinary.readouterr().out)["call_paths"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([BEFORE], 2, "compare needs two sources, BEFORE and AFTER, not 1"),
        (["-", "-"], 2, "only one of the two can be standard input"),
        ([BEFORE, AFTER, "--threshold", "nan"], 2, "--threshold"),
        ([BEFORE, AFTER, "--threshold", "-1"], 2, "--threshold"),
        ([BEFORE, AFTER, "--service", "none-such"], 2, "no service named 'none-such'"),
        ([BEFORE, AFTER, "--query", "trace.spans > 999"], 2, "no trace of"),
        ([BEFORE, "missing.json"], 3, "missing.json"),
    ],
)
def test_invalid_comparisons_are_rejected(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", *arguments]) == code
    assert capsys.readouterr().err.count(message) == 1


def test_sets_without_common_operations_cannot_be_compared(capsys: pytest.CaptureFixture[str]) -> None:
    import orjson

    other = str(INCIDENT.parent / "async")
    assert run(["compare", BEFORE, other]) == 0
    message = "the two sets have no operation in common and cannot be compared"
    out = capsys.readouterr().out
    assert message in out.splitlines()[2]
    assert "became worse by" not in out
    # without figures a gate cannot pass
    assert run(["compare", BEFORE, other, "--json", "--fail-on-regression"]) == 2
    printed = capsys.readouterr()
    assert orjson.loads(printed.out)["comparable"] is False
    assert message in printed.err
    assert not compared(requests(5, name="old"), requests(5, name="new")).has_common
    assert compared(requests(5), requests(5)).has_common


def test_different_entry_points_are_reported_as_not_comparable(capsys: pytest.CaptureFixture[str]) -> None:
    # the gateway calls user-service in both, but no request begins with the same operation
    message = "no common entry point"
    assert run(["compare", BEFORE, str(INCIDENT.parent / "shop")]) == 0
    assert message in capsys.readouterr().out.splitlines()[2]
    assert run(["compare", BEFORE, AFTER]) == 0
    assert message not in capsys.readouterr().out


def test_sides_by_attribute_are_not_called_new_or_gone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", BEFORE, "--by", "region=eu,us"]) == 0
    text = capsys.readouterr().out
    assert "only before" in text
    assert not re.search(r" (gone|new)\n", text)


def test_sides_that_do_not_differ_are_reported_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", BEFORE, BEFORE]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.endswith("differ. With 100 and 100 traces, no figure changed by 10 % or more beyond chance.")


def test_bundled_incident_is_divided_by_the_time_of_its_fix(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", str(INCIDENT), "--at", "10:16"]) == 0
    text = capsys.readouterr().out
    assert "before 10:16  100 traces" in text
    assert "from 10:16 on  200 traces" in text
    assert "mean         1.25 s  250 ms    -80 %  better" in text
