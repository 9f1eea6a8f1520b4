import json
import re
import unicodedata
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.building import EPOCH, GivenSpan, at, build, span
from tests.support.stack_traces import STACKS
from tests.support.strategies import span_sets, unhurried
from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.errors import ErrorRole as Part
from tracetui.analysis.self_time import self_times
from tracetui.analysis.span_facts import FactFinder, Rank, Ranks, SpanFacts, SpanNetwork, rank
from tracetui.model.span import Event, Flag, Kind, Link, Span
from tracetui.model.traces import TraceSet
from tracetui.render.report.markdown import code, fenced, trace_markdown
from tracetui.render.span.detail import MAX_SHOWN, SpanDetailLines
from tracetui.render.span.facts import words_wrapped
from tracetui.render.span.gen_ai import chat_messages, usage_words
from tracetui.render.span.values import LinkTarget
from tracetui.render.text.attributes import in_short, indented, value_text, wrapped
from tracetui.render.text.cells import cell_width
from tracetui.render.text.glyphs import ASCII, UNICODE
from tracetui.render.text.highlighting import value_lines
from tracetui.render.text.line import Role
from tracetui.render.waterfall.waterfall import Waterfall

MS = 1_000_000
WIDTHS = (30, 31, 44, 60, 80, 123, 200)
FACTS = SpanFacts(
    rank=Rank(100, 97, 2, 380e6, 2.1e9),
    self_ns=2_690_000_000,
    critical_ns=2_690_000_000,
    trace_start_ns=EPOCH,
    trace_duration_ns=3_610_000_000,
    trace_path_ns=3_610_000_000,
    is_async=False,
    role=Part.ORIGIN,
    message="Database query timeout",
    position=2,
    siblings=3,
    same_operation=1,
    parent=("user-service", "get_user"),
    children=0,
    below=0,
)
SPAN = Span(
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    span_id="00f067aa0ba902b7",
    parent_id=None,
    service="user-service",
    name="database_query",
    start_ns=EPOCH + 26_000_000,
    duration_ns=2_690_000_000,
    kind=Kind.CLIENT,
    error=True,
    attributes={
        "zone": "a",
        "db.query.text": "SELECT *\nFROM users",
        "http.route": "/users",
        "payload": {"a": [1, None]},
    },
    resource={"host.name": "web-1"},
    scope_name="sql",
    events=(Event(EPOCH + 2_716_000_000, "exception", {"exception.type": "TimeoutError"}),),
    links=(Link("aa", "bb"), Link("cc", "dd", "FOLLOWS_FROM")),
    warnings=("orphan: its parent 1 is not in the trace",),
)


def texts(lines: SpanDetailLines, width: int = 100) -> list[str]:
    lines.arrange(width)
    return [lines.line(row, width).text.rstrip() for row in range(len(lines))]


def test_order_of_the_detail() -> None:
    lines = SpanDetailLines(span=SPAN, facts=FACTS, targets={1: LinkTarget(3, 17, "queue send")}, open_key="Enter")
    assert texts(lines) == [
        "user-service · database_query   2.69 s, 3rd slowest of 100 calls   client ✖ error began here",
        "⚠ orphan: its parent 1 is not in the trace",
        "✖ Database query timeout",
        "critical 2.69 s (75 %)",
        "▸ db.query.text  SELECT *␤FROM users",
        "  http.route     /users",
        "  zone           a",
        '  payload        {"a": [1, null]}',
        "▾ events 1",
        "▸ ◆ +2.69 s  exception  TimeoutError",
        "▾ links 2",
        "  ⇢ not loaded  trace aa span bb",
        "  ⇢ queue send  Enter opens it  FOLLOWS_FROM trace cc span dd",
        "started +26.0 ms, 2023-11-14 22:13:20.026 UTC   p50 380 ms, p95 2.10 s of 100 calls",
        "2 of 3 below user-service get_user",
        "▸ resource 1  host.name=web-1",
        "▸ scope 1  name=sql",
        "▸ ids 2  trace id=4bf92f3577b34da6a3ce929d0e0e4736  span id=00f067aa0ba902b7",
    ]
    assert lines.entry(12).target == LinkTarget(3, 17, "queue send")


def test_detail_before_the_facts_are_computed() -> None:
    lines = texts(SpanDetailLines(span=SPAN))
    assert lines[0] == "user-service · database_query   2.69 s   client ✖ error"
    assert "started 2023-11-14 22:13:20.026 UTC" in lines


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (
            SpanNetwork("stock", 250 * MS, (150 * MS, 100 * MS), False),
            "network to stock 250 ms   150 ms until the callee began, 100 ms after it ended",
        ),
        (
            SpanNetwork("stock", 250 * MS, None, False),
            "network to stock 250 ms   not divided, as the clocks of the hosts differ",
        ),
        (SpanNetwork("mail", 380 * MS, (380 * MS, 0), True), "queue time 380 ms until mail"),
    ],
)
def test_network_time_follows_the_critical_time(network: SpanNetwork, expected: str) -> None:
    found = texts(SpanDetailLines(span=SPAN, facts=replace(FACTS, network=network)))
    (at,) = (row for row, text in enumerate(found) if text.startswith("critical"))
    assert found[at + 1] == expected


def test_unfolded_entries() -> None:
    lines = SpanDetailLines(span=SPAN, facts=FACTS)
    before = texts(lines)
    for path in ("attribute:db.query.text", "event:0", "group:ids"):
        row = lines.row_of(path)
        assert row is not None
        assert not lines.is_open(row)
        assert lines.toggle(row)
        assert lines.is_open(row)
    after = texts(lines)
    assert after[4:7] == ["▾ db.query.text", "    SELECT *", "    FROM users"]
    assert "      exception.type  TimeoutError" in after
    assert "  span id   00f067aa0ba902b7" in after
    for path in ("attribute:db.query.text", "event:0", "group:ids"):
        lines.toggle(lines.row_of(path) or 0)
    assert texts(lines) == before
    assert not lines.toggle(0)


def test_filter_matches_names_and_values() -> None:
    assert texts(SpanDetailLines(span=SPAN, facts=FACTS, word="USER")) == [
        "user-service · database_query   2.69 s, 3rd slowest of 100 calls   client ✖ error began here",
        "2 of 11 match “USER”",
        "▸ db.query.text  SELECT *␤FROM users",
        "  http.route     /users",
    ]
    assert texts(SpanDetailLines(span=SPAN, facts=FACTS, word="timeout"))[2:] == [
        "▾ events 1",
        "▾ ◆ +2.69 s  exception  TimeoutError",
        "      exception.type  TimeoutError",
    ]


@pytest.mark.parametrize(
    ("role", "glyph", "other"), [(Part.ORIGIN, "✖", "✗"), (Part.PROPAGATED, "✗", "✖"), (Part.CANCELLED, "✗", "✖")]
)
def test_message_has_the_glyph_of_the_role(role: Part, glyph: str, other: str) -> None:
    shown = texts(SpanDetailLines(span=SPAN, facts=replace(FACTS, role=role)))
    assert f"{glyph} Database query timeout" in shown
    assert other not in "".join(shown)


def test_many_attributes_have_headings_and_a_limit() -> None:
    many = {f"db.a{number}": number for number in range(MAX_SHOWN)} | {"http.method": "GET", "b": "c"}
    span_of_many = Span("1", "2", None, "s", "n", EPOCH, 1, attributes=many, events=(Event(EPOCH, "e"),) * 10_000)
    lines = SpanDetailLines(span=span_of_many, open_key="Enter")
    shown = texts(lines)
    assert shown[1:4] == ["▾ HTTP 1", "  http.method  GET", f"▾ database {MAX_SHOWN}"]
    assert "  … 2 more attributes: Enter shows all" in shown
    assert "  … 9,500 more events: Enter shows all" in shown
    more = lines.entry(shown.index("  … 2 more attributes: Enter shows all"))
    assert more.is_long
    assert more.value == many
    lines.toggle(1)
    assert texts(lines)[1:3] == ["▸ HTTP 1  http.method=GET", f"▾ database {MAX_SHOWN}"]


def test_attributes_of_libraries_come_last_and_are_folded() -> None:
    keys = {"thread.name": "main", "net.peer.name": "db", "otel.scope": "x", "user.id": "u-1"}
    keys |= {f"http.a{number}": "" for number in range(9)} | {"http.route": "/"}
    shown = texts(SpanDetailLines(span=replace(SPAN, attributes=keys, events=(), links=()), facts=FACTS))
    assert [line for line in shown if line.startswith(("▸", "▾"))] == [
        "▾ HTTP 9",
        "▾ other 1",
        "▸ network 1  net.peer.name=db",
        "▸ code 1  thread.name=main",
        "▸ instrumentation 1  otel.scope=x",
        "▸ resource 1  host.name=web-1",
        "▸ scope 1  name=sql",
        "▸ ids 2  trace id=4bf92f3577b34da6a3ce929d0e0e4736  span id=00f067aa0ba902b7",
    ]


def test_cause_of_an_error_is_named_first_and_then_the_way_from_it() -> None:
    traces = build(
        span("1", 0, 1_000, service="web", name="POST /checkout", error=True),
        span("2", 0, 900, parent="1", service="shop", name="place_order", error=True),
        span("3", 0, 800, parent="2", service="shop", name="check_fraud", error=True),
        span("4", 0, 700, parent="3", service="fraud", name="POST /score", error=True),
        span("5", 0, 600, parent="4", service="fraud", name="load_history", error=True, message="timed out " * 6),
    )
    lines = SpanDetailLines(span=traces.span(0), facts=FactFinder(traces).facts(0))
    shown = texts(lines, 60)
    first = next(row for row, line in enumerate(shown) if "began" in line)
    assert shown[first : first + 3] == [
        "✖ began in fraud load_history: timed out timed out timed out",
        "  timed out timed out timed out",
        "    via POST /score, check_fraud, place_order",
    ]
    assert not any("no message" in line for line in shown)
    narrow = texts(lines, 30)
    assert "    via POST /score," in narrow, "names are not divided"
    assert "    check_fraud, place_order" in narrow


def test_causes_with_a_message_are_named_first() -> None:
    calls = [
        span(f"b{i}", 10 * i, 10 * i + 5, parent="1", service="shop", name=f"call {i}", error=True,
             message="deadlock" if i == 4 else "")
        for i in range(6)
    ]  # fmt: skip
    traces = build(span("1", 0, 1_000, service="web", error=True), *calls)
    facts = FactFinder(traces).facts(0)
    assert (facts.cause_count, facts.caused_by[0]) == (6, ("shop", "call 4", "deadlock"))
    shown = texts(SpanDetailLines(span=traces.span(0), facts=facts))
    first = next(row for row, line in enumerate(shown) if "began" in line)
    assert shown[first].startswith("✖ began in shop call 4: deadlock")
    assert shown[first + 3] == "  and in 3 other spans"


@pytest.mark.parametrize(
    ("start", "where"),
    [(50, "begins 50.0 ms before its caller"), (460, "begins 60.0 ms after its caller ended"), (150, "")],
)
def test_clock_skew_of_a_span_is_named(start: int, where: str) -> None:
    ms = 1_000
    traces = build(
        span("a", 100 * ms, 400 * ms, service="front", kind=Kind.CLIENT),
        span("b", start * ms, (start + 40) * ms, parent="a", service="price", kind=Kind.SERVER),
    )
    number = at(traces, "b")
    lines = SpanDetailLines(span=traces.span(number), facts=FactFinder(traces).facts(number), skew_hint="@ corrects")
    shown = [line for line in texts(lines) if "skew" in line]
    assert shown == ([f"⚠ clock skew? {where}; @ corrects"] if where else [])


def test_calls_that_a_span_waited_for() -> None:
    traces = build(
        span("1", 0, 1_000, service="api", name="GET /"),
        *(span(f"q{i}", 100 * i, 100 * i + 90, parent="1", service="api", name="query") for i in range(3)),
        span("s", 300, 800, parent="1", service="stock", name="GET /stock"),
        span("t", 310, 790, parent="s", service="stock", name="scan"),
        span("x", 805, 806, parent="1", service="api", name="short"),
    )
    finder = FactFinder(traces)
    facts = finder.facts(at(traces, "1"))
    assert [(one.operation, one.count, one.ns) for one in facts.waited_for] == [
        ("GET /stock", 1, 500_000),
        ("query", 3, 270_000),
        ("short", 1, 1_000),
    ]
    shown = texts(SpanDetailLines(span=traces.span(at(traces, "1")), facts=facts))
    assert "waited for stock GET /stock 500 µs (50 %)   query (3 calls) 270 µs (27 %)" in shown
    assert finder.facts(at(traces, "t")).waited_for == ()


def test_own_frame_of_an_exception_is_in_sight_and_own_frames_come_first() -> None:
    event = Event(EPOCH, "exception", {"exception.type": "Declined", "exception.stacktrace": STACKS["python"]})
    lines = SpanDetailLines(span=replace(SPAN, attributes={}, events=(event,)), facts=FACTS)
    shown = texts(lines)
    assert shown.index("in charge  /app/shop/pay.py:7") == shown.index("✖ Database query timeout") + 1
    assert sum("in charge" in line for line in shown) == 1
    handled = SpanDetailLines(span=replace(SPAN, attributes={}, error=False, events=(event,)))
    assert "    in charge  /app/shop/pay.py:7" in texts(handled)
    lines.toggle(lines.row_of("event:0") or 0)
    row = lines.row_of("event:0:exception.stacktrace")
    assert row is not None
    assert lines.toggle(row)
    shown = texts(lines)
    assert [line.strip() for line in shown[row + 1 : row + 4]] == [
        "charge  /app/shop/pay.py:7",
        "handle  /app/shop/api.py:10",
        "… 1 frame of libraries",
    ]
    assert lines.line(row + 3, 100).runs[-1].role == Role.DIM
    assert lines.entry(row).value == STACKS["python"]


def _chat(attributes: dict[str, Any], *events: Event) -> list[tuple[str, str]]:
    return [(one.role, one.text) for one in chat_messages(attributes, events)[0]]


MESSAGES = [
    {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "1", "name": "weather", "arguments": {"in": "Bonn"}}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "rain"}]},
]
EXPECTED = [("user", "Weather?"), ("assistant", 'calls weather({"in": "Bonn"})'), ("tool", "rain")]


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.input.messages": json.dumps(MESSAGES)},
        {"gen_ai.input.messages": MESSAGES},
        {
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "Weather?",
            "gen_ai.prompt.1.role": "assistant",
            "gen_ai.prompt.1.tool_calls.0.id": "1",
            "gen_ai.prompt.1.tool_calls.0.name": "weather",
            "gen_ai.prompt.1.tool_calls.0.arguments": '{"in": "Bonn"}',
            "gen_ai.completion.0.role": "tool",
            "gen_ai.completion.0.content": "rain",
        },
        {
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.text": "Weather?",
            "llm.input_messages.1.message.role": "assistant",
            "llm.input_messages.1.message.tool_calls.0.tool_call.function.name": "weather",
            "llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments": '{"in": "Bonn"}',
            "llm.output_messages.0.message.role": "tool",
            "llm.output_messages.0.message.content": "rain",
        },
    ],
    ids=["json", "decoded", "numbered", "openinference"],
)
def test_messages_of_a_language_model_are_unfolded(attributes: dict[str, Any]) -> None:
    assert _chat(attributes) == EXPECTED
    event = Event(EPOCH, "gen_ai.client.inference.operation.details", attributes)
    if "gen_ai.input.messages" in attributes:
        assert _chat({"gen_ai.request.model": "m"}, event) == EXPECTED
    model: dict[str, Any] = {
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1_204,
        "gen_ai.usage.output_tokens": 1,
    }
    lines = SpanDetailLines(span=replace(SPAN, attributes={**attributes, **model}), facts=FACTS)
    shown = texts(lines)
    assert "model gpt-4o   1,204 input tokens   1 output token" in shown
    begin = shown.index("▾ messages 3")
    assert shown[begin + 1].split() == ["user", "Weather?"]
    assert not any("messages" in line for line in shown[begin + 4 :]), "not shown twice"
    lines.word = "weather"
    assert any(line.split()[:1] != ["user"] and "eather" in line for line in texts(lines)[1:])


@pytest.mark.parametrize(
    "value", ["{", "[" * 100_000, "null", 5, None, [[]], [{"role": {}}], {"role": "a", "content": 1}]
)
def test_odd_messages_do_no_harm(value: Any) -> None:
    chat_messages({"gen_ai.input.messages": value, "gen_ai.prompt.0.content": value}, ())
    list(usage_words({"gen_ai.usage.input_tokens": value, "gen_ai.request.model": value}))


def test_leading_attributes_come_first() -> None:
    keys = {f"a{number}": number for number in range(20)} | {"db.system.name": "x", "db.query.text": "SELECT 1"}
    shown = texts(SpanDetailLines(span=replace(SPAN, attributes=keys), facts=FACTS))
    assert [line.split()[0] for line in shown[4:6]] == ["db.query.text", "▾"]
    assert sum("db.query.text" in line for line in shown) == 1


def test_log_records_placed_by_time_are_labelled() -> None:
    events = (Event(EPOCH, "own", is_log=True), Event(EPOCH, "other", is_log=True, by_time=True))
    shown = texts(SpanDetailLines(span=Span("1", "2", None, "s", "n", EPOCH, 1, events=events)))
    assert any(text.endswith("own") for text in shown)
    assert any(text.endswith("other  (by time)") for text in shown)


def _log(message: str, severity: int = 0, **attributes: str) -> SpanDetailLines:
    event = Event(EPOCH, message, attributes, is_log=True, severity=severity)
    lines = SpanDetailLines(span=Span("1", "2", None, "s", "n", EPOCH, 1, events=(event,)))
    lines.arrange(60)
    return lines


def test_severity_of_a_log_line_is_shown() -> None:
    for severity, role in ((17, Role.ERROR), (13, Role.WARNING), (9, Role.PLAIN), (0, Role.PLAIN)):
        lines = _log("boom", severity)
        row = lines.row_of("event:0") or 0
        assert ("boom", role) in lines.line(row, 60).runs
        # there is nothing to unfold
        assert not lines.toggle(row)
        assert lines.glyphs.folded not in lines.line(row, 60).text


def test_multi_line_log_record_unfolds() -> None:
    lines = _log("failed:\n\tat a.B\n\tat c.D", pool="main")
    row = lines.row_of("event:0")
    assert row is not None
    assert lines.line(row, 60).text.rstrip().endswith("failed:  +2 lines")
    assert lines.toggle(row)
    below = [lines.line(at, 60).text.strip() for at in range(row + 1, len(lines))]
    assert below[0].startswith("▸ message")
    assert "failed:" in below[0]
    assert any(text.split() == ["pool", "main"] for text in below)
    assert lines.toggle(row + 1)
    opened = [lines.line(at, 60).text.strip() for at in range(row + 2, row + 5)]
    assert opened == ["failed:", "at a.B", "at c.D"]


@pytest.mark.parametrize("size", [100, 5_000])
def test_long_log_line_unfolds(size: int) -> None:
    message = ("word " * size).strip()
    lines = _log(message)
    row = lines.row_of("event:0")
    assert row is not None
    assert lines.line(row, 60).text.rstrip().endswith("…")
    assert lines.toggle(row)
    entry = lines.entry(row + 1)
    assert (entry.name, entry.value, entry.is_long) == ("message", message, True)


def test_long_values_are_wrapped_if_height_allows() -> None:
    statement = "SELECT " + ", ".join(f"column_{number}" for number in range(30)) + " FROM users"
    event = Event(EPOCH, "exception", {"exception.message": "the query ran out of time " * 6})
    lines = SpanDetailLines(span=replace(SPAN, attributes={"db.query.text": statement, "b": "c"}, events=(event,)))
    low = texts(lines, 60)
    assert any(line.endswith("…") for line in low)
    lines.arrange(60, len(low) + 20)
    high = [lines.line(row, 60).text.rstrip() for row in range(len(lines))]
    begin = next(row for row, line in enumerate(high) if "db.query.text" in line)
    stop = next(row for row, line in enumerate(high) if line.split()[0] == "b")
    assert " ".join(" ".join(high[begin:stop]).split()) == f"db.query.text {statement}"
    assert " ".join(" ".join(high).split()).count("the query ran out of time") == 6
    assert lines.entry(begin).is_long, "it can be read in the pager, too"
    lines.arrange(60, len(low) + 1)
    assert len(lines) <= len(low) + 1, "nothing is pushed out of sight by it"


def test_outcome_has_no_line_of_its_own() -> None:
    for width in range(50, 120):
        first = texts(SpanDetailLines(span=SPAN, facts=FACTS), width)
        below = next(row for row, line in enumerate(first) if line.startswith("⚠"))
        assert "✖" in "".join(first[:below])
        assert width < 76 or below == 1, width
    assert any(line.endswith("client") for line in texts(SpanDetailLines(span=SPAN, facts=FACTS), 74))


def test_very_long_value_opens_in_the_pager() -> None:
    long = Span("1", "2", None, "s", "n", EPOCH, 1, attributes={"a": "x" * 2_000_000, "b": "x\n" * 40, "c": ["y" * 99]})
    lines = SpanDetailLines(span=long)
    shown = texts(lines)
    a = next(row for row, text in enumerate(shown) if text.startswith("▸ a"))
    assert shown[a].endswith("… 2M characters")
    for row in (a, a + 1):
        assert not lines.toggle(row)
        assert lines.entry(row).is_long
    assert lines.toggle(a + 2)
    assert texts(lines)[a + 2 : a + 6] == ["▾ c", "    [", f'      "{"y" * 93}', f'    {"y" * 6}"']


@unhurried
@given(span_sets())
def test_rank_and_facts_equal_a_plain_computation(spans: list[GivenSpan]) -> None:
    traces = build(*spans)
    finder, ranks = FactFinder(traces), Ranks(traces)
    own, critical = self_times(traces), critical_paths(traces).critical
    for number in range(len(traces)):
        same_operation = traces.duration[traces.operation == traces.operation[number]]
        found = rank(traces, number)
        assert found == ranks.of(number)
        assert (found.n, found.shorter) == (len(same_operation), (same_operation < traces.duration[number]).sum())
        assert found.longer == (same_operation > traces.duration[number]).sum()
        assert np.allclose((found.p50_ns, found.p95_ns), np.quantile(same_operation.astype(float), (0.5, 0.95)))
        facts = finder.facts(number)
        assert (facts.self_ns, facts.critical_ns) == (own[number], critical[number])
        assert 1 <= facts.position <= facts.siblings
        assert 1 <= facts.same_operation <= facts.siblings


def test_facts_in_words() -> None:
    traces = build(
        span("1", 0, 100),
        span("2", 0, 40, parent="1", name="call"),
        span("3", 40, 60, parent="1", error=True, message="no", name="call"),
        span("4", 45, 50, parent="3"),
    )
    finder = FactFinder(traces)
    assert finder.is_quick(0)
    assert not finder.is_quick(0, 3)
    facts = finder.facts(at(traces, "3"))
    assert finder.is_quick(0, 3)
    assert (facts.position, facts.siblings, facts.same_operation) == (2, 2, 2)
    assert (facts.children, facts.below, facts.message, facts.role) == (1, 1, "no", Part.ORIGIN)
    assert facts.parent == ("api", "work")


TEXT = st.one_of(
    st.text(max_size=30),
    st.text(st.characters(codec=None, categories=None), max_size=30),
    st.sampled_from(
        [
            "\x1b[2J\x1b]52;c;eA==\a",
            "[/red]",
            "\u202e\u2066x",
            "注文" * 30,
            "e\u0301" * 50,
            "👩\u200d💻",
            "{[",
            "\ud800",
        ]
    ),
)
VALUE: st.SearchStrategy[Any] = st.recursive(
    TEXT | st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=20) | st.just("y" * 5_000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
VALUES = st.dictionaries(TEXT | st.sampled_from(["http.route", "db.system", "code.x"]), VALUE, max_size=15)
SPANS = st.builds(
    Span,
    trace_id=TEXT,
    span_id=TEXT,
    parent_id=st.none() | TEXT,
    service=TEXT,
    name=TEXT,
    start_ns=st.integers(-5, 1 << 62),
    duration_ns=st.integers(0, 1 << 61),
    kind=st.sampled_from(Kind),
    error=st.booleans(),
    status_message=TEXT,
    attributes=VALUES,
    resource=VALUES,
    scope_name=TEXT,
    events=st.lists(st.builds(Event, st.integers(0, 1 << 62), TEXT, VALUES), max_size=3).map(tuple),
    links=st.lists(st.builds(Link, TEXT, TEXT, TEXT, VALUES), max_size=3).map(tuple),
    flags=st.just(Flag.NONE),
    warnings=st.lists(TEXT, max_size=2).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(SPANS, st.booleans(), st.booleans(), st.integers(30, 200), st.sampled_from(["", "e"]), st.data())
def test_any_span_fits_any_width(
    hostile: Span, ascii_only: bool, has_facts: bool, width: int, word: str, data: Any
) -> None:
    lines = SpanDetailLines(
        span=hostile,
        facts=FACTS if has_facts else None,
        targets={0: LinkTarget(0, 0, hostile.name)},
        glyphs=ASCII if ascii_only else UNICODE,
        word=word,
    )
    for _ in range(4):
        for row, text in enumerate(texts(lines, width)):
            line = lines.line(row, width)
            assert line.width == cell_width(line.text) <= width
            assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text)
        row = data.draw(st.integers(0, len(lines) - 1))
        path = lines.entry(row).path
        lines.toggle(row)
        assert lines.row_of(path) is not None


@given(VALUE, st.integers(1, 50))
def test_values_as_text(value: Any, room: int) -> None:
    whole = value_text(value)
    assert isinstance(in_short(value, room), str)
    assert value_text(in_short(value, 1 << 20)) == whole or "…" in in_short(value, 1 << 20)
    for line in value_lines(value, room, 12) or []:
        assert line.width <= room


@given(st.text(max_size=60), st.integers(2, 20))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    assert "".join(wrapped(text, width)) == text
    assert all(cell_width(line) <= width for line in wrapped(text, width))


def test_wrapping_keeps_words_whole() -> None:
    assert words_wrapped("the trace waited  for it", 10) == ["the trace", "waited", "for it"]
    assert words_wrapped("a" * 25 + " b", 10) == ["a" * 10, "a" * 10, "aaaaa b"]
    assert words_wrapped("180 ms (86 %)", 11) == ["180 ms", "(86 %)"]
    assert words_wrapped("22:13:20.010 UTC", 13) == ["22:13:20.010", "UTC"]
    assert words_wrapped("got 12 spans", 7) == ["got 12", "spans"]
    assert words_wrapped("注" * 3, 1) == ["注注注"]


def test_indentation_keeps_the_notation_of_json() -> None:
    assert indented('{"a":1e999,"a":12345678901234567890123}') == (
        '{\n  "a": 1e999,\n  "a": 12345678901234567890123\n}'
    )
    for text in ("[INFO] started", "{", "", "[" * 100_000 + "]" * 100_000, "[NaN]", '["\ud800"]', "x"):
        assert indented(text) == text
    unfinished = '{"a":' + '"\\' * 90_000
    assert indented(unfinished) == unfinished
    # at great depth every element would cost as many blanks
    wide = "[" * 500 + ",".join("0" for _ in range(100_000)) + "]" * 500
    assert indented(wide) == wide
    assert json.loads(indented('["a\\"]", {}]')) == ['a"]', {}]


@given(TEXT)
def test_code_spans_quote_every_text(text: str) -> None:
    shown = code(text)
    assert "\n" not in shown
    if shown != "(no name)":
        ticks = re.match("`+", shown)
        assert ticks is not None
        body = shown[len(ticks[0]) : -len(ticks[0])]
        assert shown.endswith(ticks[0])
        assert ticks[0] not in re.findall("`+", body)
        assert body[0] != "`"
        assert body[-1] != "`"


def test_fence_is_longer_than_any_in_the_text() -> None:
    assert fenced(iter(["a", "````  ", "b"])) == "`````text\na\n````\nb\n`````"


def evil() -> TraceSet:
    word = "x`</code></pre><script>alert(1)</script>\n# [a](http://b) ``` @all \x1b[2J"
    return build(
        span("1", 0, 1_000, service=word, name=word),
        span("2", 0, 900, parent="1", service=word, name=word, error=True, message=word),
    )


def test_trace_as_markdown() -> None:
    traces = evil()
    view = Waterfall(traces, 0, sections=critical_paths(traces).sections_of(0))
    text = trace_markdown(view, 100)
    head, fence, _ = text.partition("\n````text\n")
    assert fence
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", head)
    assert outside.split("\n") == [
        "###  : 1.00 ms",
        "",
        "- 2023-11-14 22:13:20.000 UTC, 2 spans, trace ",
        "- ✖ began in 1 span (request did not fail)",
        "- : ",
        "- critical 1.00 ms (100 %) in  ",
        "",
    ]
    assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in text.replace("\n", ""))
