"""Reported failures, with the expected origins and propagation."""

from __future__ import annotations

import pytest

from tests.support.paths import CASES
from tracetui.analysis.errors import ErrorPattern, Errors, find_errors
from tracetui.session import Session


def errors_of(name: str) -> Errors:
    return find_errors(Session.open([str(CASES / name)]).loaded)


def patterns_of(name: str) -> dict[tuple[str, str], ErrorPattern]:
    return {(pattern.service, pattern.message): pattern for pattern in errors_of(name).patterns}


def test_caller_that_handled_a_failure_and_failed_later_is_an_origin() -> None:
    patterns = patterns_of("error-origin-own-cause.json")
    declined, missing = patterns["pay", "card declined"], patterns["pay", "key not found"]
    assert (declined.count, declined.failed_request_count) == (1, 1)
    assert (missing.propagated_count, missing.swallowed_count, missing.failed_request_count) == (0, 1, 0)


def test_failure_of_a_later_processed_message_does_not_fail_the_request() -> None:
    patterns = patterns_of("error-origin-later-consumer.json")
    assert set(patterns) == {("shop", "card declined"), ("audit", "disk full")}
    assert [(one.count, one.propagated_count) for one in patterns.values()] == [(1, 0), (1, 0)]
    assert patterns["audit", "disk full"].background_count == 1
    assert patterns["shop", "card declined"].failed_request_count == 1


def test_span_cancelled_by_a_deadline_is_no_origin() -> None:
    errors = errors_of("error-origin-cancelled-below.json")
    (pattern,) = errors.patterns
    assert (pattern.service, pattern.message) == ("front", "context deadline exceeded")
    assert pattern.propagated_to == (("front", 1),)
    assert errors.cancelled_count == 2


def test_messages_that_differ_by_ids_are_one_pattern() -> None:
    assert [one.count for one in errors_of("errors-with-ids.json").patterns] == [4, 4, 4]


@pytest.mark.parametrize(
    ("name", "service", "message", "reached"),
    [
        ("error-below-spans-of-no-length.json", "mail-worker", "INTERNAL", "stock"),
        ("error-of-no-length.json", "web", "KeyError", "api"),
    ],
)
def test_span_of_zero_duration_is_no_later_attempt_of_itself(
    name: str, service: str, message: str, reached: str
) -> None:
    pattern = patterns_of(name)[service, message]
    assert pattern.propagated_to == ((reached, 1),)
    assert (pattern.failed_request_count, pattern.swallowed_count) == (1, 0)


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.glob("error*.json")))
def test_failed_requests_of_every_case(name: str) -> None:
    errors = errors_of(name)
    assert 0 <= errors.failed_request_count <= errors.error_trace_count
