"""Verdict: which error pattern, which bottleneck and which common attribute it names."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.building import GivenSpan, build, span
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.contrast import contrast
from tracetui.analysis.verdict import FailingVerdict
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet


def failing_in(regions: Sequence[tuple[bool, str]]) -> TraceSet:
    """Build one request each, which fails or not, with an attribute."""
    return build(
        *(
            span("1", number, number + 100, trace=str(number + 1), error=fails, attributes={"region": region})
            for number, (fails, region) in enumerate(regions)
        )
    )


def failing(traces: TraceSet) -> FailingVerdict:
    found = Analysis(traces).verdict.failing
    assert found is not None
    return found


def test_pattern_that_fails_requests_comes_before_one_that_occurs_more_often() -> None:
    spans: list[GivenSpan] = []
    for number in range(8):
        fails = number < 2
        trace = str(number + 1)
        spans.append(span("1", 0, 100, trace=trace, kind=Kind.SERVER, error=fails, message="no stock" if fails else ""))
        # the request does not fail with the cache
        spans.append(span("2", 10, 15, trace=trace, parent="1", service="cache", error=not fails, message="miss"))
    found = failing(build(*spans))
    assert {one.message: (one.count, one.failed_request_count) for one in found.errors.patterns} == {
        "no stock": (2, 2),
        "miss": (6, 0),
    }
    assert found.pattern.message == "no stock"


def test_common_attribute_needs_four_of_five_failing_traces() -> None:
    others = [(False, "eu")] * 60
    most, fewer = ([(True, "us")] * us + [(True, "eu")] * (20 - us) for us in (16, 15))
    found = failing(failing_in(others + most)).common
    assert found is not None
    assert (found.key, found.value, found.selected_percent) == ("region", "us", 80)
    assert failing(failing_in(others + fewer)).common is None


def test_difference_that_may_be_chance_is_not_common() -> None:
    traces = failing_in([(True, "us")] * 5 + [(False, "us")] * 10 + [(False, "eu")] * 12)
    hints = [one for one in contrast(traces, traces.trace_errors > 0, durations=False).differences if one.is_hint]
    assert [(one.key, one.selected_percent) for one in hints] == [("region", 100)]
    assert failing(traces).common is None


def test_bottleneck_with_the_largest_share_of_all_time_is_named() -> None:
    # `rare` takes most of one short trace, `query` most of all time
    spans = [
        span("1", 0, 100, trace="1", name="GET /a"),
        span("2", 5, 95, trace="1", parent="1", name="rare"),
        *(span("1", 0, 1_000, trace=str(number), name="GET /b") for number in range(2, 6)),
        *(span("2", 100, 800, trace=str(number), parent="1", name="query") for number in range(2, 6)),
    ]
    found = Analysis(build(*spans))
    shares = {one.operation: one.total_share_percent for one in found.bottlenecks()}
    assert shares["query"] > shares["rare"] > 0
    assert found.verdict.slow is not None
    assert found.verdict.slow.operation == "query"


def test_set_without_errors_has_no_failing_verdict() -> None:
    traces = build(span("1", 0, 100))
    assert Analysis(traces).verdict.failing is None
