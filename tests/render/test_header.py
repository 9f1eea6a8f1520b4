"""Header of a waterfall."""

import numpy as np
import pytest

from tests.support.building import US, at, build, span
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.error_messages import error_message
from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.network import network_times
from tracetui.analysis.skew import LONGER, SKEWED, correct_skew, outside_callers
from tracetui.analysis.span_facts import Rank, trace_rank
from tracetui.model.span import Flag, Kind
from tracetui.model.traces import TraceSet
from tracetui.render.waterfall.header import HeaderHints, header
from tracetui.render.waterfall.waterfall import Waterfall

QUEUE = build(
    span("a", 0, 64_000, name="POST /orders"),
    span("b", 10_000, 50_000, parent="a", service="db", name="INSERT"),
    span("p", 52_000, 60_000, parent="a", name="publish", kind=Kind.PRODUCER),
    span("c", 100_000, 975_000, parent="p", service="worker", name="process", kind=Kind.CONSUMER),
)
CALLS = [span("a", 0, 400_000), span("b", 100_000, 300_000, parent="a", service="stock", name="reserve")]


SLOW_STOCK = build(*CALLS)


def header_text(
    traces: TraceSet, trace: int = 0, width: int = 300, most: int | None = None, root: int | None = None
) -> str:
    view = Waterfall(traces, trace, sections=critical_paths(traces).sections_of(trace), root=root)
    return "\n".join(line.text for line in header(view, width, most=most))


def test_work_after_the_response() -> None:
    text = header_text(QUEUE)
    assert "answered after 64.0 ms; 911 ms of asynchronous work after that" in text
    assert "63 % of 64.0 ms critical: db INSERT" in text
    assert "of the critical path:" not in text


def test_idle_time() -> None:
    skewed = build(*CALLS, span("c", 2_000_000, 2_100_000, parent="b", service="price", name="batch"))
    text = header_text(skewed)
    assert "no span ran in 76 % of the time" in text
    assert "50 % of 400 ms critical: " in text
    assert "⚠ clock skew? 1 span" in text


def test_bottleneck_of_most_of_the_time() -> None:
    text = header_text(build(*CALLS))
    assert "50 % of the critical path: " in text
    assert "answered" not in text
    assert "⚠" not in text


@pytest.mark.parametrize(
    ("callee_us", "bottleneck"),
    [
        (100_000, "73 % of the critical path: network web to stock"),
        (250_000, "53 % of the critical path: stock second"),
    ],
)
def test_bottleneck_that_is_mostly_network(callee_us: int, bottleneck: str) -> None:
    """A call of 390 ms, of which the callee works 100 or 250 ms: the rest of it is network time on the path."""
    traces = build(
        span("a", 0, 400_000, service="web", name="GET /"),
        span("b", 5_000, 395_000, parent="a", service="web", name="GET stock", kind=Kind.CLIENT),
        span("c", 10_000, 10_000 + callee_us, parent="b", service="stock", name="GET /stock", kind=Kind.SERVER),
        span("d", 49_000, 10_000 + callee_us, parent="c", service="stock", name="second"),
    )
    sections = critical_paths(traces).sections_of(0)
    view = Waterfall(traces, 0, sections=sections, network=network_times(traces))
    assert bottleneck in "\n".join(line.text for line in header(view, 300))
    assert "network" not in "\n".join(line.text for line in header(Waterfall(traces, 0, sections=sections), 300))


def test_error_hint_follows_the_error_and_is_not_cut() -> None:
    traces = build(span("a", 0, 100, error=True, message="no " + "space " * 40 + "left"))
    view = Waterfall(traces, 0, sections=critical_paths(traces).sections_of(0))
    hints = HeaderHints(error="e goes there")
    for width in (60, 100, 200):
        lines = [line.text for line in header(view, width, hints=hints)]
        assert sum("e goes there" in line for line in lines) == 1
        assert all(len(line) <= width for line in lines)
    assert "…”  e goes there" in "\n".join(line.text for line in header(view, 60, hints=hints))
    assert "goes" not in "\n".join(line.text for line in header(view, 40, hints=hints))


def test_bottleneck_hint_follows_the_bottleneck() -> None:
    view = Waterfall(SLOW_STOCK, 0, sections=critical_paths(SLOW_STOCK).sections_of(0))
    for width in (60, 200):
        lines = [line.text for line in header(view, width, hints=HeaderHints("e goes there", "! goes there"))]
        assert [line.endswith("  ! goes there") for line in lines if "█" in line] == [True]
        assert not any("e goes" in line for line in lines), "there are no errors"


def test_message_is_cut_before_what_follows_it() -> None:
    """How far the error propagated does not read as if it propagated to the service in which it began."""
    chain = [span("a", 0, 900, error=True), span("b", 100, 800, parent="a", error=True)]
    origin = span("c", 200, 700, parent="b", service="fraud", error=True, message="timed out " * 20)
    view = Waterfall(build(*chain, origin), 0, message_of=lambda _: "timed out " * 20)
    line = next(line.text for line in header(view, 78) if "began" in line.text)
    assert line.startswith("✖ began in fraud “timed out")
    assert line.endswith("…”, ✗ propagated to 2")


def test_cause_is_named_before_its_summary() -> None:
    traces = build(
        span("a", 0, 900, service="ledger", error=True, message="1 of 3 entries failed"),
        span("b", 700, 800, parent="a", service="ledger", error=True, message="invoice has no lines"),
    )
    view = Waterfall(traces, 0, roles=np.full(2, ErrorRole.ORIGIN, np.uint8))
    text = " ".join(line.text for line in header(view, 200))
    assert "began in 2 spans: ledger “invoice has no lines” and 1 more" in text


@pytest.mark.parametrize("width", [60, 78, 118])
def test_response_time_is_left_out_last(width: int) -> None:
    """With another one and errors to be named, in three lines."""
    request = span("a", 0, 316_000, service="order-service", name="POST /orders")
    mail = [
        span("b", 300_000, 301_000, parent="a", name="publish", kind=Kind.PRODUCER),
        span("c", 301_000, 346_000, parent="b", service="mail", name="send", kind=Kind.CONSUMER),
    ]
    view = Waterfall(build(request, *mail), 0, sections=critical_paths(build(request, *mail)).sections_of(0))
    lines = [line.text for line in header(view, width, most=3)]
    assert lines[0].startswith("order-service POST /orders   response 316 ms (trace 346 ms)")
    assert "3 spans  3 services  depth 3" in lines[0] + lines[1]
    assert lines[1].endswith("no errors")
    assert lines[2].startswith("█ ")


def test_lines_take_all_that_fits_into_them() -> None:
    """A long item that finds no room does not keep shorter ones out."""
    traces = build(*CALLS)
    view = Waterfall(traces, 0, sections=critical_paths(traces).sections_of(0))
    for width in range(50, 150):
        few, most = header(view, width, most=2)[0].text, "\n".join(line.text for line in header(view, width))
        free = width - len(few)
        for item in ("depth 2", "no errors", "2 spans"):
            assert item in few or free < len(item) + 3, (width, few)
            assert item in most


EARLY = [*CALLS, span("c", -50_000, 20_000, parent="b", service="price", name="batch", kind=Kind.SERVER)]


def test_clock_skew_is_one_warning_until_it_is_corrected() -> None:
    skewed = build(*EARLY)
    text = header_text(skewed)
    assert "⚠ clock skew? 1 span" in text
    assert "1 warning" not in text, "it is named already"
    corrected = correct_skew(skewed)
    text = header_text(corrected)
    assert "clock skew corrected in 1 span" in text
    assert "⚠" not in text
    view = Waterfall(corrected, 0)
    shown = "\n".join(line.text for line in header(view, 300, hints=HeaderHints(skew="@ undoes")))
    assert "clock skew corrected in 1 span (@ undoes)" in shown


def test_several_roots_are_a_warning() -> None:
    assert "⚠ 3 roots" in header_text(build(*CALLS, span("r", 10, 20), span("s", 30, 40)))
    assert "root" not in header_text(build(*CALLS))


def test_time_off_the_critical_path() -> None:
    worker = header_text(QUEUE, root=at(QUEUE, "c"))
    assert "worker process   875 ms, 90 % of the trace of POST /orders 975 ms" in worker
    assert "off the critical path" in worker


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_most_important_parts_stay_if_room_is_short(width: int) -> None:
    failed = build(
        span("a", 0, 900, name="GET /profile", error=True),
        span("b", 0, 800, parent="a", service="db", name="query", error=True, message="timed out"),
    )
    for most in (3, 4, 5):
        lines = header_text(failed, 0, width, most).split("\n")
        assert len(lines) <= most
        assert "GET /profile   900 µs" in lines[0]
        assert width < 80 or "22:13:20.000 UTC" in "".join(lines)
        assert width < 80 or "timed out" in "".join(lines)


def test_rank_of_a_trace_among_its_peers() -> None:
    spans = [span(f"s{i}", 0, 100 + i, trace=str(i), name="GET /a") for i in range(40)]
    # work after the response makes no trace slower
    spans += [span("lone", 0, 999, trace="lone", name="tick"), span("kid", 0, 5_000, trace="39", parent="s39")]
    spans += [span("s99", 0, 5_000, trace="99", name="GET /a")]
    traces = build(*spans)
    where = {traces.trace_ids[trace]: trace for trace in range(traces.trace_count)}
    p50, p95 = np.quantile([*(US * (100 + i) for i in range(40)), 5_000 * US], (0.5, 0.95)).tolist()
    assert trace_rank(traces, where["99"]) == Rank(41, 40, 0, p50, p95)
    assert (trace_rank(traces, where["30"]).shorter, trace_rank(traces, where["30"]).longer) == (30, 10)
    assert (trace_rank(traces, where["39"]).shorter, trace_rank(traces, where["39"]).longer) == (39, 1)
    assert trace_rank(traces, where["lone"]).n == 1
    assert "p75 of 41 GET /a" in header_text(traces, where["30"])
    assert "slowest of 41 GET /a" in header_text(traces, where["99"])
    assert " of 1" not in header_text(traces, where["lone"])


def outside(begin: int, end: int, service: str = "stock", flags: Flag = Flag.NONE) -> int:
    traces = build(span("a", 100, 400), span("b", begin, end, parent="a", service=service, flags=flags))
    return int(outside_callers(traces, 0)[at(traces, "b")])


def test_spans_outside_their_callers() -> None:
    assert outside(100, 400) == 0
    assert outside(0, 50) == SKEWED
    assert outside(90, 300) == SKEWED
    assert outside(500, 600) == SKEWED
    assert outside(200, 500) == LONGER
    assert outside(200, 402) == 0, "too little to be worth a word"
    assert outside(0, 50, service="api") == 0, "one service has one clock"
    assert outside(0, 50, flags=Flag.FOLLOWS_FROM) == 0


def test_spans_of_one_host_and_consumers_are_not_skewed() -> None:
    host = {"host.name": "web-1"}
    pair = (span("a", 100, 400, resource=host), span("b", 0, 50, parent="a", service="sidecar", resource=host))
    assert not outside_callers(build(*pair), 0).any()
    pair = (span("a", 100, 400, kind=Kind.PRODUCER), span("b", 500, 900, parent="a", service="w", kind=Kind.CONSUMER))
    assert not outside_callers(build(*pair), 0).any()


def test_response_time_is_shown_with_a_longer_duration() -> None:
    request = span("a", 0, 200_000, name="POST")
    mail = [
        span("b", 1, 2, parent="a", kind=Kind.PRODUCER),
        span("c", 3_000_000, 3_500_000, parent="b", kind=Kind.CONSUMER),
    ]
    assert "response 200 ms (trace 3.50 s)" in header_text(build(request, *mail))
    assert "response" not in header_text(build(request))
    assert "⚠ root missing" in header_text(build(request.but(parent="gone")))


def test_an_error_with_a_message_is_named_first() -> None:
    spans = [
        span("1", 0, 100, name="import"),
        *(span(f"2{i}", 10 * i, 10 * i + 5, parent="1", name="batch", error=True) for i in range(3)),
        span("3", 50, 90, parent="1", name="put", service="store", error=True, message="deadlock"),
    ]
    traces = build(*spans)
    view = Waterfall(traces, 0, message_of=lambda one: error_message(traces, one))
    text = " ".join(line.text for line in header(view, 200))
    assert "store “deadlock” and 1 more" in text
