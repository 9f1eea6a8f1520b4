"""Evidence from the calls that a span makes: unusual combinations, and sequences that stop early."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.building import GivenSpan, build, span
from tracetui.analysis.root_causes import Cause, find_root_causes
from tracetui.analysis.root_causes.evidence import EvidenceKind
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet


def request(trace: int, callees: Sequence[str]) -> list[GivenSpan]:
    """Make a request whose spans for calls all have the same name, as many libraries give them."""
    name, at = str(trace + 1), trace * 10_000
    spans = [span("a", at, at + 1_000, trace=name, service="shop", name="order", kind=Kind.SERVER)]
    for number, callee in enumerate(callees):
        begin, call = at + 100 * number + 10, f"b{number}"
        spans.append(
            span(call, begin, begin + 80, parent="a", trace=name, service="shop", name="HTTP GET", kind=Kind.CLIENT)
        )
        spans.append(span(f"c{number}", begin + 5, begin + 75, parent=call, trace=name, service=callee, name="serve"))
    return spans


def requests(*sequences: tuple[int, Sequence[str]]) -> TraceSet:
    """Make requests that call services in a sequence; (number of requests, callees)."""
    calls = [callees for count, callees in sequences for _ in range(count)]
    return build(*(one for trace, callees in enumerate(calls) for one in request(trace, callees)))


ALL = ("stock", "prices", "mail")
BASELINE = requests((60, ALL))


def causes(incident: TraceSet) -> dict[str, Cause]:
    return {cause.service: cause for cause in find_root_causes(BASELINE, incident).causes}


def test_missing_call_is_found_among_calls_of_one_name() -> None:
    first = causes(requests((20, ("stock", "mail")), (20, ALL)))["shop"]
    assert first.kind is EvidenceKind.STEPS
    assert first.evidence[0].missing_steps == ("shop HTTP GET to prices serve",)


def test_services_next_to_an_interruption_are_suspected_after_the_interrupted_one() -> None:
    found = causes(requests((20, ("stock",)), (20, ALL)))
    assert next(iter(found)) == "shop"
    assert set(found) == {"shop", "prices", "stock"}
    assert found["shop"].kind is EvidenceKind.STEPS
    for service in ("stock", "prices"):
        detail = found[service].evidence[0]
        assert (detail.kind, detail.operation, detail.target) == (EvidenceKind.INTERRUPTED, "order", service)
        assert (detail.after, detail.span_count) == (0.5, 40)
        assert found[service].confidence < found["shop"].confidence / 2
        assert found[service].propagation_path == ("shop", service)


def test_span_that_makes_no_call_is_interrupted_before_the_first() -> None:
    found = causes(requests((20, ()), (20, ALL)))
    assert list(found) == ["shop", "stock"]


def test_sequence_that_reaches_its_usual_end_is_not_interrupted() -> None:
    found = causes(requests((20, ("stock", "mail")), (20, ALL)))
    assert list(found) == ["shop"]


def test_repeated_calls_are_not_followed_by_themselves() -> None:
    baseline = requests((60, ("stock", "stock", "stock", "prices")))
    found = find_root_causes(baseline, requests((20, ("stock", "stock")), (20, ("stock", "stock", "stock", "prices"))))
    assert {cause.service for cause in found.causes} == {"shop", "prices", "stock"}


def test_step_that_only_some_spans_have_is_named_if_no_other_differs() -> None:
    baseline = requests((36, ("stock",)), (24, ("prices",)))
    first = find_root_causes(baseline, requests((20, ()), (12, ("stock",)), (8, ("prices",)))).causes[0]
    assert first.evidence[0].missing_steps == ("shop HTTP GET to stock serve",)
    assert first.evidence[0].new_steps == ()
