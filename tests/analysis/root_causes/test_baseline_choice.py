"""Choice of a baseline within one trace set."""

from __future__ import annotations

from collections.abc import Collection

from tests.support.building import build, span
from tracetui.analysis.root_causes.baseline_choice import choose_baseline
from tracetui.model.traces import TraceSet


def requests(count: int, failing: Collection[int] = ()) -> TraceSet:
    """Build one request every millisecond, all about equally fast."""
    return build(
        *(
            span("1", 1_000 * number, 1_000 * number + 100 + number % 7, trace=str(number + 1), error=number in failing)
            for number in range(count)
        )
    )


def test_period_of_failures_is_the_incident_however_fast_they_are() -> None:
    found = choose_baseline(requests(100, range(40, 60)))
    assert found is not None
    assert found.description == "normal periods of the same traces"
    assert found.incident.nonzero()[0].tolist() == list(range(40, 60))
    assert (found.baseline != found.incident).all()
    assert not found.is_weak


def test_failures_at_all_times_are_compared_with_the_other_requests() -> None:
    found = choose_baseline(requests(100, range(0, 100, 10)))
    assert found is not None
    assert found.description == "requests that did not fail"
    assert found.incident.nonzero()[0].tolist() == list(range(0, 100, 10))


def test_few_traces_and_few_failures_have_no_baseline() -> None:
    assert choose_baseline(requests(19)) is None
    assert choose_baseline(requests(100, [50])) is None
