"""Example spans: each shows the evidence that it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.incidents import FAULTS, incident
from tracetui.analysis.root_causes import EvidenceDetail, ExampleSpan, find_causes_without_baseline, find_root_causes
from tracetui.analysis.root_causes.evidence import EvidenceKind
from tracetui.analysis.self_time import self_times
from tracetui.model.traces import TraceSet


def span_of(traces: TraceSet, example: ExampleSpan) -> int:
    trace = traces.find_trace(example.trace_id)
    assert trace is not None
    return int(traces.first[trace]) + example.offset


def children(traces: TraceSet, span: int) -> list[str]:
    """Return the operations that a span calls, also through a span for the call."""
    below = range(span + 1, int(traces.subtree_end[span]))
    return [" ".join(traces.operation_label(int(traces.operation[one]))) for one in below]


def assert_shown(traces: TraceSet, detail: EvidenceDetail, example: ExampleSpan) -> None:
    span = span_of(traces, example)
    assert traces.span_id(span) == example.span_id
    service, operation = traces.operation_label(int(traces.operation[span]))
    assert (service, operation) == (detail.service, detail.operation)
    match detail.kind:
        case EvidenceKind.SELF_TIME | EvidenceKind.NETWORK | EvidenceKind.DEPENDENCY:
            assert example.figure == self_times(traces)[span]
            assert detail.before is not None
            assert self_times(traces)[span] > detail.before
        case EvidenceKind.ERRORS:
            assert traces.error[span]
        case EvidenceKind.MORE_CALLS:
            number = children(traces, span).count(detail.target)
            assert detail.before is not None
            assert example.figure == number > detail.before
        case EvidenceKind.STEPS:
            below = children(traces, span)
            assert all(any(step.startswith(name) for name in below) for step in detail.new_steps)
            assert not any(step in below for step in detail.missing_steps)
        case EvidenceKind.INTERRUPTED:
            assert example.figure is None


@pytest.mark.parametrize("fault", FAULTS)
def test_examples_of_all_evidence_show_it(fault: str) -> None:
    generated = incident(200, fault)
    found = find_root_causes(generated.before, generated.after)
    details = [detail for cause in found.causes for detail in cause.evidence]
    assert details
    for detail in details:
        assert 1 <= len(detail.examples) <= 3
        assert len({example.trace_id for example in detail.examples}) == len(detail.examples)
        for example in detail.examples:
            assert_shown(generated.after, detail, example)


def test_examples_without_a_baseline_are_on_the_critical_path() -> None:
    generated = incident(8, "self_time")
    alone = generated.after.select(np.arange(generated.after.trace_count) == 3)
    for cause in find_causes_without_baseline(alone).causes:
        (detail,) = cause.evidence
        (example,) = detail.examples
        assert alone.service_name(span_of(alone, example)) == cause.service
        assert example.figure is not None
        assert example.figure > 0
