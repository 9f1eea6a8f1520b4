"""What became worse in an incident: response times and failures of entry points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.support.building import build, span
from tracetui.analysis.root_causes import find_root_causes
from tracetui.analysis.root_causes.symptoms import Symptoms, find_symptoms
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet


def requests(
    times: Sequence[int], failing: int = 0, name: str = "GET /", work: float = 0.1, trace: int = 0
) -> TraceSet:
    """Build requests of these durations (µs), the first ones failing; a call takes a share of each."""
    spans = []
    for number, time in enumerate(times):
        at, one, failed = number * 1_000_000, f"{trace + number + 1:032x}", number < failing
        spans.append(span("a", at, at + time, trace=one, service="web", name=name, kind=Kind.SERVER, error=failed))
        end = at + 10 + int(work * time)
        spans.append(span("b", at + 10, end, parent="a", trace=one, service="db", name="get", error=failed))
    return build(*spans)


def times(mean: int, count: int = 40, seed: int = 1) -> list[int]:
    return [int(mean * one) for one in np.random.default_rng(seed).lognormal(0, 0.1, count)]


def symptoms(before: TraceSet, after: TraceSet) -> Symptoms:
    found = find_symptoms(before, after)
    assert found is not None
    return found


def test_equal_sets_have_no_symptom() -> None:
    found = symptoms(requests(times(1_000)), requests(times(1_000, seed=2)))
    assert not found.is_worse
    assert not found.is_faster
    assert not found.worse


def test_slower_entry_point_is_named() -> None:
    found = symptoms(requests(times(1_000)), requests(times(1_500)))
    (worse,) = found.worse
    assert (worse.service, worse.operation, worse.counts) == ("web", "GET /", (40, 40))
    assert worse.is_slower
    assert not worse.fails_more
    assert worse.medians[1] == pytest.approx(1.5 * worse.medians[0], rel=0.01)


def test_slow_tail_is_a_symptom() -> None:
    slow = times(1_000, 100)
    slow[:30] = [3_000] * 30
    found = symptoms(requests(times(1_000, 100)), requests(slow))
    (worse,) = found.worse
    assert worse.is_slower
    assert worse.slow == (10, 30 + sum(one > sorted(times(1_000, 100))[89] for one in slow[30:]))


def test_failures_are_a_symptom_of_fast_requests() -> None:
    found = symptoms(requests(times(1_000), 1), requests(times(500), 12))
    (worse,) = found.worse
    assert worse.fails_more
    assert not worse.is_slower
    assert worse.failed == (1, 12)
    assert found.is_faster
    assert not found.is_better


def test_single_failure_may_be_chance() -> None:
    assert not symptoms(requests(times(1_000)), requests(times(1_000), 1)).is_worse


def test_other_mix_of_entry_points_is_no_symptom() -> None:
    def mixed(fast: int, slow: int) -> TraceSet:
        sides = [(times(100, fast), "GET /fast"), (times(10_000, slow), "GET /slow")]
        spans = []
        for at, (some, name) in enumerate(sides):
            for number, time in enumerate(some):
                trace = f"{1 + number + 1_000 * at:032x}"
                spans.append(span("a", number, number + time, trace=trace, service="web", name=name))
        return build(*spans)

    assert not symptoms(mixed(50, 10), mixed(10, 50)).is_worse


def test_sets_without_a_common_entry_point_are_not_compared() -> None:
    assert find_symptoms(requests(times(10)), requests(times(10), name="GET /other")) is None
    assert find_symptoms(requests(times(10, 3)), requests(times(10, 3))) is None


def test_failures_of_an_entry_point_that_the_baseline_lacks_are_a_symptom() -> None:
    def side(failing: int) -> TraceSet:
        spans = [
            span("a", 0, time, trace=f"{1 + n:032x}", service="web", name="GET /") for n, time in enumerate([9] * 50)
        ]
        spans += [
            span(
                "a", 0, 5, trace=f"{100 + n:032x}", service="web", name="GET /new", kind=Kind.SERVER, error=n < failing
            )
            for n in range(20)
        ]
        return build(*spans)

    found = symptoms(requests([9] * 40), side(12))
    (worse,) = found.worse
    assert (worse.operation, worse.counts, worse.failed) == ("GET /new", (40, 20), (0, 12))
    assert (worse.is_slower, worse.fails_more) == (False, True)
    assert not symptoms(requests([9] * 40), side(0)).is_worse


def test_nothing_is_the_cause_of_faster_requests() -> None:
    """The call takes longer, but the requests are much faster."""
    before, after = requests(times(10_000), 5, work=0.01), requests(times(2_000), work=0.4)
    found = find_root_causes(before, after)
    assert [cause.service for cause in found.causes] == ["db"]
    assert found.symptoms is not None
    assert found.symptoms.is_better
    assert not found.is_confident


def test_rare_failures_are_evidence_next_to_a_general_slowness() -> None:
    def side(slow: int, failing: int, first: int) -> TraceSet:
        spans = []
        for number in range(200):
            at, trace, failed = number * 1_000_000, f"{first + number:032x}", number < failing
            end = at + slow + 2_000
            spans.append(span("a", at, end, trace=trace, service="web", name="GET /", kind=Kind.SERVER, error=failed))
            spans.append(span("b", at + 10, at + 10 + slow, parent="a", trace=trace, service="db", name="get"))
            spans.append(
                span(
                    "c", end - 900, end - 100, parent="a", trace=trace, service="mail", name="send", error=failed,
                    message="no route" if failed else "",
                )
            )  # fmt: skip
        return build(*spans)

    found = find_root_causes(side(10_000, 0, 1), side(100_000, 8, 1_001))
    assert [cause.service for cause in found.causes] == ["db", "mail"]
    mail = found.causes[1]
    assert mail.evidence[0].after == pytest.approx(8 / 200)
    assert found.symptoms is not None
    assert found.symptoms.fails_more
