"""Hostile names, and traces with them as names, ids and texts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.paths import SAMPLES

KINDS = {
    "C0": "".join(map(chr, range(0x20))),
    "DEL": "a\x7fb",
    "C1": "".join(map(chr, range(0x7F, 0xA0))),
    "OSC": "\x1b]0;title\x07\x1b]52;c;cm0gLXJm\x1b\\\x9d8;;http://x\x9c",
    "CSI": "\x1b[2J\x1b[31;5mred\x1b[201~\x1b[?1049l\x9b3A",
    "bidi": "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202egpj.exe\u2066\u2067\u2068\u2069",
    "invisible": "pay\u200bments\u00ad\u034f\u115f\u180e\u2060\u3164\ufeff\ufff9\ufe0f\U000e0041\U000e01ef",
    "surrogates": "a\ud800b\udc00c\udcffd",
    "markup": "[/bold][red]x[/] [@click=app.quit]quit[/] {app.quit} $title `x` *y* | z <b> &amp; \\",
    "newlines": "a\rb\nc\r\nd\x0be\x0cf\x85g\u2028h\u2029i",
    "diagram": '"]; x[label="y"]; end --> z -- "#quot; %% click x "javascript:1"\nsubgraph',
    "long": "long" * 3_000,
}
ALL = " ".join(text for kind, text in KINDS.items() if kind != "long")
"""All of them in one text, short enough that most outputs show most of it."""
ARGUMENT = ALL.replace("\0", "").replace("\ud800", "").replace("\udc00", "")
"""The same for command lines: with bytes that are not UTF-8, but without NUL and other surrogates."""
FILE_NAME = "\x1b]0;t\x07\x9b31m\u202e[red]\n\r\x7f\udcff"
"""Name of a file, which ends with a byte that is not UTF-8."""
DAMAGED_STATE = [b'["\xff"]', b"{", b"[" * 3_000, b'{"x": ' + b"[" * 3_000, b"\x00", b"7", b" " * (1 << 23)]
"""Contents of state files that cannot be decoded."""
POISON = "\x1b[31m\x9b\u202e"
_TEXTS = {"name", "operationName", "serviceName", "value", "stringValue", "message"}
_MEANINGS = ("span.kind", "otel.", "error", "messaging.operation", "http.request.", "http.response.", "db.system")
"""Beginnings of attributes whose values decide about kinds and errors."""
_KNOWN_KEYS = (
    "service.",
    "host.",
    "http.",
    "url.",
    "db.",
    "exception.",
    "messaging.",
    "peer.",
    "net",
    "server.",
    "event",
)
_CALLS = 24
"""Number of calls of the service `ALL`; alert rules need enough of them."""


def write_traces(folder: Path) -> None:
    """Write an OTLP file, a Jaeger file (whose ids can be anything) and a file of log lines."""
    folder.mkdir()
    calls = json.dumps({"resourceSpans": [one for at in range(_CALLS) for one in _call(at)]}, ensure_ascii=False)
    # half a surrogate pair makes reading slow: one file has it, the large one has its replacement
    (folder / "otlp.json").write_text(re.sub("[\ud800-\udfff]", "\ufffd", calls), "utf-8")
    traces = [_jaeger(text, at) for at, text in enumerate(KINDS.values())]
    (folder / "jaeger.json").write_text(json.dumps({"data": traces}))


def write_samples(folder: Path) -> None:
    """Write the bundled traces with a control sequence in every name, text and unusual key. They have what the analyses
    look for: errors, slow calls, suggestions, networks, asynchronous work.
    """
    for group in ("incident", "n-plus-one", "network", "async", "broken", "first-look"):
        (folder / group).mkdir(parents=True)
        for path in (SAMPLES / group).iterdir():
            lines = path.read_text("utf-8").splitlines()
            try:
                made = [json.dumps(poisoned(json.loads(line))) for line in lines]
            except ValueError:
                # this one is damaged
                continue
            (folder / group / path.name).write_text("\n".join(made))


def poisoned(value: Any, name: str = "") -> Any:
    """Put `POISON` into the texts of a decoded trace file. `name`: key of the value."""
    if isinstance(value, list):
        return [poisoned(one, name) for one in value]
    if isinstance(value, dict):
        key = value.get("key", "")
        if key and "value" in value:
            if key.startswith(_MEANINGS):
                return value
            known = key if key.startswith(_KNOWN_KEYS) else _poisoned_text(key)
            return {**value, "key": known, "value": poisoned(value["value"], "value")}
        return {key: poisoned(held, key) for key, held in value.items()}
    return _poisoned_text(value) if isinstance(value, str) and name in _TEXTS else value


def _poisoned_text(text: str) -> str:
    # near the beginning, as outputs cut long texts, but behind a first word that analyses may know
    first, blank, rest = text.partition(" ")
    return first + POISON + blank + rest if blank else text[:2] + POISON + text[2:]


def write_logs(path: Path) -> None:
    lines = [{"trace_id": _trace_id(at), "span_id": f"{at + 1:016x}", "message": ALL, ALL: ALL} for at in range(_CALLS)]
    path.write_text("\n".join(map(json.dumps, [*lines, ALL])))


def _trace_id(at: int) -> str:
    return f"{at + 1:032x}"


def _call(at: int) -> list[dict[str, Any]]:
    """Make a request to the service `ALL`, which calls itself under another name, and a database; every third fails."""
    start = 1_774_000_000_000_000_000 + at * 60_000_000_000
    status = {"code": 2, "message": ALL} if not at % 3 else {}
    texts = ["db.system", "db.query.text", "http.route", "peer.service", "exception.message", "url.full", ALL]
    attributes = [{"key": key, "value": {"stringValue": ALL}} for key in texts]

    def span(number: int, parent: str, kind: int, length: int) -> dict[str, Any]:
        return {
            "traceId": _trace_id(at),
            "spanId": f"{number * 1000 + at + 1:016x}",
            "parentSpanId": parent,
            "name": ALL,
            "kind": kind,
            "startTimeUnixNano": str(start + number * 1_000),
            "endTimeUnixNano": str(start + length * 1_000_000),
            "status": status,
            "attributes": attributes,
            "events": [{"name": "exception", "timeUnixNano": str(start), "attributes": attributes}],
            "links": [{"traceId": _trace_id(at + 1), "spanId": f"{at + 2:016x}", "attributes": attributes}],
        }

    def resource(service: str, *spans: dict[str, Any]) -> dict[str, Any]:
        named = [{"key": "service.name", "value": {"stringValue": service}}, *attributes]
        scope = {"name": ALL, "version": ALL}
        return {"resource": {"attributes": named}, "scopeSpans": [{"scope": scope, "spans": list(spans)}]}

    root, inner = f"{at + 1:016x}", f"{1000 + at + 1:016x}"
    return [
        resource(ALL, span(0, "", 2, 100 + at), span(1, root, 3, 80)),
        resource(f"{ALL} 2", span(2, inner, 2, 60), span(3, f"{2000 + at + 1:016x}", 3, 40)),
    ]


def _jaeger(text: str, at: int) -> dict[str, Any]:
    """Make a trace in which every text is the given one."""
    tags = [
        {"key": key, "type": "string", "value": text} for key in ("span.kind", "error", "message", "http.url", text)
    ]
    log = {"timestamp": 1_774_000_000_000_000, "fields": [{"key": "event", "type": "string", "value": text}, *tags]}
    root = {
        "traceID": f"{text}{at}",
        "spanID": text,
        "operationName": text,
        "references": [],
        "startTime": 1_774_000_000_000_000 + at,
        "duration": 10_000,
        "tags": tags,
        "logs": [log],
        "processID": text,
        "warnings": [text],
    }
    link = {"refType": "CHILD_OF", "traceID": f"{text}{at}", "spanID": text}
    child = {**root, "spanID": f"{text} 2", "references": [link], "processID": "p2", "duration": 5_000}
    processes = {text: {"serviceName": text, "tags": tags}, "p2": {"serviceName": f"{text} 2", "tags": tags}}
    return {"traceID": f"{text}{at}", "spans": [root, child], "processes": processes, "warnings": [text]}
