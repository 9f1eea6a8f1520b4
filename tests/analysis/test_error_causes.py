"""Causes, roles and outcomes of errors: comparison with a reference implementation that works pair by pair."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from tests.support.building import GivenSpan, build, span
from tests.support.error_reference import Reference
from tests.support.failing_sets import failing_sets
from tests.support.strategies import examples, ranked, span_sets, unhurried
from tracetui.analysis.error_causes import find_causes
from tracetui.analysis.errors import ErrorRole, causes_of, roles
from tracetui.analysis.outcomes import Outcome, outcomes
from tracetui.analysis.requests import failed_requests
from tracetui.model.span import Flag
from tracetui.model.traces import TraceSet


def check(traces: TraceSet) -> None:
    expected = Reference(traces)
    role = roles(traces)
    assert {one: ErrorRole(int(role[one])).name.lower() for one in expected.errors} == expected.role
    assert np.flatnonzero(role).tolist() == expected.errors
    found = find_causes(traces)
    for i, error in enumerate(found.spans.tolist()):
        assert sorted(causes_of(traces, error)) == expected.causes[error]
        assert {int(found.spans[j]) for j in found.propagated_to(i)} == expected.reaches[error]
    outcome = outcomes(traces)
    assert {one: Outcome(int(outcome[one])).name.lower() for one in expected.outcome} == expected.outcome
    assert np.flatnonzero(outcome).tolist() == sorted(expected.outcome)
    for trace in range(traces.trace_count):
        assert failed_requests(traces)[trace] == bool(expected.failures(trace))


@examples(3)
@given(failing_sets())
def test_causes_roles_and_outcomes_equal_reference(spans: list[GivenSpan]) -> None:
    check(build(*spans))


@unhurried
@given(span_sets())
def test_random_spans_equal_reference(spans: list[GivenSpan]) -> None:
    check(build(*spans))


def test_cancellation_below_a_span_without_an_end_is_not_its_cause() -> None:
    spans = [
        span(f"{n}", 400 + 4 * (n > 1), 400 + 4 * (n > 1), parent=f"{n - 1}" * (n > 1), error=True)
        for n in (1, 2, 3, 4)
    ]
    traces = build(*spans[:2], spans[2].but(flags=Flag.NO_DURATION), spans[3].but(message="context canceled"))
    assert roles(traces).tolist() == [ErrorRole.PROPAGATED, ErrorRole.PROPAGATED, ErrorRole.ORIGIN, ErrorRole.CANCELLED]
    check(traces)


def test_deep_chain_of_errors_with_random_ends() -> None:
    lengths = np.random.default_rng(1).integers(0, 10**6, 20_000) * 1_000_000
    spans = [
        GivenSpan(ranked(i), 10**9 + i, length, parent=ranked(i - 1) if i else "", error=True)
        for i, length in enumerate(lengths.tolist())
    ]
    found = find_causes(build(*spans))
    # an error reaches callers that ended no earlier than it and the errors between, within the tolerance
    origin = len(spans) - 1
    assert not found.propagated[origin]
    least, expected = spans[origin].duration + origin, []
    least -= max(10**7, spans[origin].duration // 20)
    for up in range(origin - 1, -1, -1):
        end = spans[up].duration + up
        if end >= least:
            expected.append(up)
            least = min(least, end - max(10**7, spans[up].duration // 20))
    assert list(found.propagated_to(origin)) == expected
