"""Verdict: the error pattern, its start and common attribute, and the bottleneck."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from tests.support.building import GivenSpan, build, span
from tracetui.analysis.analysis import Analysis
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.render.text.line import Line
from tracetui.render.verdict import Statement, verdict_statements

MINUTE = 60_000_000


def requests(failing: Sequence[bool], regions: Iterable[str] | None = None) -> TraceSet:
    """Build one request a minute, each with a query; failing ones fail in the query."""
    names = iter(regions or ["eu"] * len(failing))
    spans: list[GivenSpan] = []
    for number, fails in enumerate(failing):
        trace, start, region = str(number + 1), number * MINUTE, next(names)
        message = "Connection timeout" if fails else ""
        root = span(
            f"a{number}", start, start + 100, trace=trace, kind=Kind.SERVER, error=fails, message=message,
            attributes={"region": region},
        )  # fmt: skip
        query = span(
            f"b{number}", start + 10, start + 90, trace=trace, parent=f"a{number}", service="db", name="query",
            error=fails, message=message,
        )  # fmt: skip
        spans += [root, query]
    return build(*spans)


def lines(traces: TraceSet) -> list[str]:
    return [statement.line(1_000, "").text for statement in verdict_statements(Analysis(traces).verdict)]


def test_verdict_has_one_line_for_errors_and_one_for_the_bottleneck() -> None:
    failing = [False] * 40
    for number in (3, 11, 19, 27, 35):
        failing[number] = True
    found = lines(requests(failing, ["us" if fails else "eu" for fails in failing]))
    assert found == [
        "FAILING  13 % of requests   all 5 in db   Connection timeout   all region=us",
        "SLOW     80 %  of the critical path: db query   Connection timeout",
    ]


def test_attribute_of_most_failing_traces_is_shown_with_its_share() -> None:
    failing = [number % 6 == 0 for number in range(60)]
    regions = ["us" if fails and number else "eu" for number, fails in enumerate(failing)]
    assert lines(requests(failing, regions))[0].endswith("   all 10 in db   Connection timeout   90 % region=us")


def test_set_without_findings_has_a_quiet_verdict() -> None:
    # many operations with small shares
    spans = [span("root", 0, 1000)]
    spans += [span(f"s{i}", 100 * i, 100 * i + 100, parent="root", name=f"step {chr(97 + i)}") for i in range(10)]
    assert lines(build(*spans)) == ["QUIET    no errors, and no operation with a large share of the time"]


@pytest.mark.parametrize(
    ("failing", "since"),
    [
        ([False] * 30 + [True] * 3 + [False] * 2 + [True] * 5, 30),
        ([False] * 3 + [True] + [False] * 30, None),
        ([True] * 5, None),
        ([False] + [True] * 20, None),
        ([False] * 20 + [True], None),
        ([False] * 20 + [True] * 2, 20),
    ],
)  # fmt: skip
def test_start_of_the_errors_is_shown_if_significant(failing: list[bool], since: int | None) -> None:
    traces = requests(failing)
    verdict = Analysis(traces).verdict.failing
    assert verdict is not None
    if since is None:
        assert verdict.since_ns is None
    else:
        assert verdict.since_ns == int(traces.trace_start.min()) + since * MINUTE * 1_000
        assert any(" since " in line for line in lines(traces))


def test_attribute_of_other_traces_is_not_common() -> None:
    failing = [number % 5 == 0 for number in range(60)]
    verdict = Analysis(requests(failing)).verdict.failing
    assert verdict is not None
    assert verdict.common is None


def test_verdict_of_errors_that_failed_no_request() -> None:
    spans = []
    for number in range(3):
        spans.append(span(f"a{number}", 0, 100, trace=str(number), kind=Kind.SERVER))
        spans.append(span(f"b{number}", 10, 15, trace=str(number), parent=f"a{number}", service="cache", error=True))
    assert lines(build(*spans))[0] == "ERRORS   no request failed   3 errors in cache   (no message)"


def test_untrusted_names_are_safe() -> None:
    traces = build(span("a", 0, 100, service="db\x1b[31m", name="\u202equery", error=True, message="no\x07 way"))
    assert all(line.isprintable() for line in lines(traces))


def test_parts_that_do_not_fit_are_left_out_whole() -> None:
    parts = [Line([(text, "")]) for text in ("8.0 %  timeout", "in payment", "all region=eu-west", "6 of 8 requests")]
    statement = Statement(Line([("FAILING  ", "")]), parts)
    assert (
        statement.line(200, "…").text == "FAILING  8.0 %  timeout   in payment   all region=eu-west   6 of 8 requests"
    )
    assert statement.line(57, "…").text == "FAILING  8.0 %  timeout   in payment   all region=eu-west"
    assert statement.line(54, "…").text == "FAILING  8.0 %  timeout   in payment   6 of 8 requests"
    assert statement.line(40, "…").text == "FAILING  8.0 %  timeout   in payment"
    long = Statement(statement.label, [*parts[:1], Line([("x" * 90, "")])])
    assert long.line(60, "…").text.endswith("xx…")
    for width in range(10, 90):
        assert long.line(width, "…").width <= width


def test_name_of_the_culprit_is_kept_in_narrow_lines() -> None:
    calls = [
        span("a", 0, 1_000, kind=Kind.CLIENT, service="order-service", name="GET /stock", error=True, message="late"),
        span("b", 490, 510, parent="a", kind=Kind.SERVER, service="stock-service", name="GET /stock"),
    ]
    failing, slow = verdict_statements(Analysis(build(*calls)).verdict)
    assert "of the critical path: network order-service to stock-service" in slow.line(120, "…").text
    assert " %  network order-service to stock-service" in slow.line(70, "…").text
    wide = "FAILING  100 % of requests   1 of 1 in order-service   late"
    assert failing.line(120, "…").text == wide
    assert failing.line(len(wide) - 1, "…").text == "FAILING  100 %   1 of 1 in order-service   late"
