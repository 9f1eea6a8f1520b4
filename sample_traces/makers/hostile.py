"""Jaeger JSON that strangers could send: names that are markup or escape codes, and structure that makes no sense.

Built as plain dicts, for most of it is what no encoder of whole spans would write.
"""

from __future__ import annotations

import json
from typing import Any

from .building import BEGIN_NS

BEGIN_US = BEGIN_NS // 1000

Json = dict[str, Any]

ESC, CSI, OSC, BEL, ST = "\x1b", "\x9b", "\x1b]", "\x07", "\x1b\\"

MARKUP = [
    "[/x]",
    "[/]",
    "[@click=app.quit]quit[/]",
    '[link="a',
    "[link=file:///etc/hostname]here[/link]",
    "[bold red]not red[/bold red]",
    "[[nested]]",
    "[",
    "\\[escaped]",
    ":warning:",
    "{braces} {0} %s %(name)s ${HOME}",
    "<script>alert(1)</script> &amp; `code` | table | *emphasis* # heading",
    "=1+1",
]

ESCAPES = [
    f"{ESC}[2J{ESC}[Hcleared",
    f"{ESC}[31mred{ESC}[0m",
    f"{ESC}[?1049hother screen",
    f"{OSC}0;new title{BEL}title",
    f"{OSC}8;;http://example.invalid/{ST}link{OSC}8;;{ST}",
    f"{OSC}52;c;aGVsbG8={BEL}clipboard",
    f"{CSI}31mred by one C1 byte",
    f"{ESC}P1$qm{ST}device control",
    f"{ESC}c reset",
    "\x00NUL \x07BEL \x08\x08BS \x0e\x0fSO SI \x7fDEL",
    "line one\nline two\r\nline three\rover\ttab\vvertical\fform",
    "\u0085next line \u2028line separator \u2029paragraph",
    "\u202eright to left override\u202c \u2066isolate\u2069 \u200fmark",
    "zero\u200bwidth\u200djoiner\u2060word\ufeffmark\u00adsoft",
    "lone \ud800 high, lone \udfff low",
    "non-characters \ufffe \uffff \U0010ffff, private \ue000",
    "tag \U000e0041\U000e0042\U000e007f characters",
]

WIDE = [
    "注文サービス 支払い処理",
    "결제 서비스",
    "ｆｕｌｌ ｗｉｄｔｈ",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈 flag 🇪🇺 👍🏽",
    "e\u0301 combining, Z\u0310\u0351\u0343\u0321\u0353\u033b many, n\u0303",
    "\u0301begins with a combining mark",
    "خدمة الدفع",
    "שירות תשלום",
    "ไทย กำลังทดสอบ",
    "क्षत्रिय",
    "ambiguous · § ± ① ★ Ω",
]


def files() -> dict[str, bytes]:
    return {
        "hostile/markup.json": dumped(*named("a1", MARKUP)),
        "hostile/escapes.json": dumped(*named("a2", ESCAPES)),
        "hostile/wide.json": dumped(*named("a3", WIDE)),
        "hostile/long.json": dumped(long_names()),
        "hostile/structure.json": dumped(*structure()),
        "hostile/times.json": dumped(*times()),
        "hostile/types.json": dumped(*types()),
        "hostile/not-numbers.json": dumped(not_numbers()),
        "hostile/duplicate-keys.json": duplicate_keys(),
        "hostile/deep.json": dumped(deep()),
    }


def dumped(*traces: object) -> bytes:
    # As the standard library writes it: lone surrogates escaped, and NaN as no strict reader takes it.
    answer = {"data": traces, "total": 0, "limit": 0, "offset": 0, "errors": None}
    return json.dumps(answer, separators=(",", ":")).encode()


def trace(trace_id: str, spans: list[Any], **more: Any) -> Json:
    processes = {"p1": {"serviceName": "hostile", "tags": []}}
    return {"traceID": trace_id, "spans": spans, "processes": processes, **more}


def span(trace_id: str, span_id: str, parent: str | None = None, **more: Any) -> Json:
    """A sound span of 10 ms, with `more` put over it; None leaves a field out."""
    whole = {
        "traceID": trace_id,
        "spanID": span_id,
        "operationName": f"span {span_id}",
        "references": [child_of(trace_id, parent)] if parent is not None else [],
        "startTime": BEGIN_US,
        "duration": 10_000,
        "tags": [],
        "logs": [],
        "processID": "p1",
    }
    return whole | more


def child_of(trace_id: str, parent: str) -> Json:
    return {"refType": "CHILD_OF", "traceID": trace_id, "spanID": parent}


def tag(key: str, value: Any, kind: str = "string") -> Json:
    return {"key": key, "type": kind, "value": value}


def named(trace_id: str, names: list[str]) -> list[Json]:
    """One trace in which each name is an operation, a service, a key, a value, an event, an error and a host."""
    spans, processes = [], {}
    for i, name in enumerate(names):
        processes[f"p{i}"] = {"serviceName": name, "tags": [tag("host.name", name)]}
        fields = [tag("event", name), tag("message", name)]
        made = span(
            trace_id,
            f"{i + 1:x}",
            "1" if i else None,
            operationName=name,
            startTime=BEGIN_US + i * 1000,
            tags=[tag("plain", name), tag(name, "under a hostile key"), tag("db.query.text", name)],
            logs=[{"timestamp": BEGIN_US + i * 1000, "fields": fields}],
            processID=f"p{i}",
            warnings=[name],
        )
        if i % 3 == 2:
            made["tags"] += [tag("error", True, "bool"), tag("otel.status_description", name)]
        spans.append(made)
    return [trace(trace_id, spans, processes=processes)]


def long_names() -> Json:
    """Some 20 kB each: an operation, a service, a key, a value, an event; and names that are empty."""
    names = ["x" * 20_000, "注" * 3_400, "word " * 4_000, "\u0301" * 3_400, ""]
    spans = [span("a4", f"{i + 1:x}", "1" if i else None, operationName=name) for i, name in enumerate(names)]
    spans[1] |= {"tags": [tag("k" * 20_000, "v"), tag("key", "v" * 20_000), tag("", "")]}
    spans[2] |= {"logs": [{"timestamp": BEGIN_US, "fields": [tag("event", "e" * 20_000)]}]}
    spans[3] |= {"processID": "p2"}
    spans[4] |= {"processID": "p3"}
    services = ["hostile", "s" * 20_000, ""]
    return trace("a4", spans, processes={f"p{i + 1}": {"serviceName": name} for i, name in enumerate(services)})


def structure() -> list[Any]:
    twin = span("b4", "2", "1")
    return [
        trace("b1", [span("b1", "1", "3"), span("b1", "2", "1"), span("b1", "3", "2"), span("b1", "4", "2")]),
        trace("b2", [span("b2", "1", "1"), span("b2", "2", "1")]),
        trace("b3", [span("b3", "1"), span("b3", "2", "3"), span("b3", "3", "2")]),
        trace("b4", [span("b4", "1"), twin, twin, twin]),
        trace("b5", [span("b5", "1"), span("b5", "2", "1"), span("b5", "2", "1", operationName="another span 2")]),
        trace("b6", [span("b6", "1"), span("b6", "2", "none"), span("b6", "3", "2"), span("b6", "4", "")]),
        trace("b7", [span("b7", "1", references=[child_of("b6", "1"), child_of("b7", "2")]), span("b7", "2")]),
        trace("b8", [span("b8", "1", processID="p9"), span("b8", "2", "1", processID="")]),
        trace("b9", []),
        trace("ba", [span("bb", "1"), span("bc", "1")]),
        trace("bd", [span("bd", ""), span("bd", "", "")]),
        trace("", [span("", "1")]),
        trace("not hex: ../../x", [span("not hex: ../../x", "span #1"), span("not hex: ../../x", "2", "span #1")]),
        trace("b1", [span("b1", "5", "1")]),
        trace("000000000000000000000000000000b2", [span("000000000000000000000000000000b2", "000000000000000a", "2")]),
    ]


def times() -> list[Any]:
    odd: list[Json] = [
        {"startTime": 0},
        {"startTime": -1},
        {"startTime": 253_402_300_799_000_000},
        {"startTime": 2**63 - 1, "duration": 2**63 - 1},
        {"startTime": 2**64},
        {"startTime": 10**30},
        {"startTime": BEGIN_US + 0.75, "duration": 10.5},
        {"startTime": 1.7731368e15, "duration": 1e4},
        {"startTime": str(BEGIN_US), "duration": "10000"},
        {"startTime": "soon", "duration": "long"},
        {"startTime": None, "duration": None},
        {"duration": -5000},
        {"duration": 0},
        {"duration": 2**63},
        {"startTime": BEGIN_US - 10**9},
        {"logs": [{"timestamp": moment, "fields": [tag("event", "odd")]} for moment in (0, -1, 2**64, "x", None)]},
    ]
    beneath = [span("c1", f"{i + 2:x}", "1", **fields) for i, fields in enumerate(odd)]
    alone = [trace(f"c2{i:x}", [span(f"c2{i:x}", "1", **fields)]) for i, fields in enumerate(odd)]
    return [trace("c1", [span("c1", "1"), *beneath]), *alone]


def types() -> list[Any]:
    untrue: list[Any] = ["false", 0, [], {}]
    odd: list[Json] = [
        {"tags": None, "logs": None, "references": None, "warnings": None},
        {"tags": {"key": "value"}, "logs": {}, "references": {}},
        {"tags": "text", "logs": 1, "references": True},
        {"tags": [None, 1, "text", [], {}]},
        {"tags": [{"value": "no key"}, {"key": "no value"}, {"key": None, "value": 1}, {"key": 7, "value": 7}]},
        {"tags": [tag("object", {"a": {"b": [1, None]}}), tag("list", [1, "x"]), tag("null", None)]},
        {
            "tags": [
                tag("n", "abc", "int64"),
                tag("b", "maybe", "bool"),
                tag("f", "", "float64"),
                tag("z", "%%", "binary"),
            ]
        },
        {"tags": [tag("n", 2**64, "int64"), tag("n", "9007199254740993", "int64"), tag("f", 1e308, "float64")]},
        {"tags": [tag("twice", 1, "int64"), tag("twice", "two")]},
        {"tags": [tag("error", error) for error in untrue], "operationName": "odd errors"},
        {"tags": [tag("http.response.status_code", "five hundred"), tag("span.kind", 3), tag("unknown", 1, "decimal")]},
        {"operationName": None},
        {"operationName": 42, "processID": 1},
        {"operationName": {"name": "x"}},
        {
            "references": [
                None,
                {"refType": "CHILD_OF"},
                {"spanID": "1"},
                {"refType": "OTHER", "traceID": "d1", "spanID": "1"},
            ]
        },
        {
            "logs": [
                None,
                {"timestamp": BEGIN_US},
                {"fields": [tag("event", "no time")]},
                {"timestamp": 1, "fields": None},
            ]
        },
        {"flags": "x", "warnings": "not a list"},
    ]
    sound = span("d1", "1")
    return [
        trace("d1", [sound, *(span("d1", f"{i + 2:x}", "1", **fields) for i, fields in enumerate(odd))]),
        trace("d2", [None, 1, "text", [], {}, span("d2", "1")]),
        trace("d3", [span("d3", "1")], processes=None),
        trace("d4", [span("d4", "1")], processes={"p1": {"serviceName": None, "tags": None}}),
        trace("d5", [span("d5", "1")], processes={"p1": "hostile"}, warnings="text"),
        {"traceID": "d6", "spans": None},
        {"traceID": 7, "spans": [span("d7", "1", spanID=1, traceID=7)], "processes": []},
        {},
        None,
        42,
        trace("d8", [span("d8", "1")]),
    ]


def not_numbers() -> Json:
    """NaN and the infinities as bare words, which Python writes and JSON does not have."""
    odd = [float("nan"), float("inf"), float("-inf")]
    spans = [span("e1", f"{i + 1:x}", "1" if i else None, tags=[tag("f", v, "float64")]) for i, v in enumerate(odd)]
    return trace("e1", spans)


def duplicate_keys() -> bytes:
    """Keys twice in one object; readers keep the last."""
    text = dumped(trace("e2", [span("e2", "1"), span("e2", "2", "1")]))
    return text.replace(b'"operationName":"span 2"', b'"operationName":"first","operationName":"last"').replace(
        b'"data":', b'"data":[],"data":'
    )


def deep() -> Json:
    """A chain of 3,000 spans, each within the one before, that say no more than they must."""
    spans: list[Json] = [
        {
            "spanID": f"{i + 1:x}",
            "references": [{"spanID": f"{i:x}"}] if i else [],
            "startTime": BEGIN_US + i,
            "duration": 6000 - 2 * i,
        }
        for i in range(3000)
    ]
    return {"traceID": "f1", "spans": spans, "processes": {"": {"serviceName": "hostile"}}}
