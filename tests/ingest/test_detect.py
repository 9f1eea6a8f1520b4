"""Detection of formats by content."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.support.decoding import read
from tests.support.paths import SAMPLES
from tests.support.strategies import unhurried
from tracetui.ingest import json_text
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.model.assemble import assemble
from tracetui.model.errors import MAX_WARNINGS
from tracetui.model.intake import Intake
from tracetui.model.span import Kind
from tracetui.model.span_chunks import CHUNK_SPANS
from tracetui.model.traces import TraceSet

CHECKOUT = (SAMPLES / "first-look/checkout.json").read_bytes()
TRACE = json.dumps(json.loads(CHECKOUT)["data"][0]).encode()
OTHER = TRACE.replace(b'"traceID": "', b'"traceID": "f')
SPANS = 18
SMALL = [
    path
    for path in sorted(SAMPLES.rglob("*"))
    if path.suffix in {".json", ".jsonl", ".pb"} and path.stat().st_size < 130_000
]


SPELT = {
    "usual": b'{"traceId":"1","id":"2"}',
    "escaped": b'{"\\u0074raceId":"1","i\\u0064":"2"}',
    "in words": b'{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"01","span_id":"02"}]}]}]}',
    "upper case": b'{"ResourceSpans":[{"ScopeSpans":[{"Spans":[{"TraceId":"01","SpanId":"02"}]}]}]}',
    "with hyphens": b'{"trace-id":"1","span-id":"2","operation-name":"a"}',
    "a document": b'{"_source":{"traceID":"1","spanID":"2","operationName":"a"}}',
    "a trace": b'{"spans":[{"traceID":"1","spanID":"2","operationName":"a","processID":"p"}],"processes":{}}',
    "behind a word": b'answer {"traceId":"1","id":"2"}',
}


def warnings(data: bytes) -> list[str]:
    return [str(warning) for warning in read(data).load_warnings]


def ids(traces: TraceSet) -> set[tuple[str, str]]:
    return {(traces.trace_ids[int(traces.trace[i])], traces.span_id(i)) for i in range(len(traces))}


def pretty(data: bytes, line_end: str = "\n") -> bytes:
    return json.dumps(json.loads(data), indent=2).replace("\n", line_end).encode()


WRITTEN = {
    "as it is": CHECKOUT,
    "a trace alone": TRACE,
    "a list": b"[" + TRACE + b"]",
    "a list in a list": b"[[" + TRACE + b"]]",
    "data that is no list": b'{"data": ' + TRACE + b"}",
    "a line": TRACE + b"\n",
    "a line for each": TRACE + b"\n\r\n" + TRACE + b"\n",
    "an answer a line": CHECKOUT.strip() + b"\n" + CHECKOUT,
    "one after the other": CHECKOUT.strip() + CHECKOUT.strip(),
    "pretty": pretty(CHECKOUT),
    "with line ends of Windows": pretty(CHECKOUT, "\r\n"),
    "several that are pretty": pretty(CHECKOUT) + b"\n" + pretty(CHECKOUT),
    "a list with an item a line": b"[\n" + TRACE + b"\n]\n",
    "a list with items a line": b"[\n" + TRACE + b",\n" + TRACE + b"\n]",
    "brackets on lines of their own": b'{"data":\n[\n' + TRACE + b"\n]\n}",
    "blanks": b" \n\t" + CHECKOUT + b"  \n",
    "UTF-8 with a mark": b"\xef\xbb\xbf" + CHECKOUT,
    "UTF-16": CHECKOUT.decode().encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + CHECKOUT.decode().encode("utf-16-be"),
    "UTF-16 without a mark": CHECKOUT.decode().encode("utf-16-le"),
    "UTF-16, big end first, without a mark": CHECKOUT.decode().encode("utf-16-be"),
    "UTF-32": CHECKOUT.decode().encode("utf-32"),
    "gzip": gzip.compress(CHECKOUT),
    "zstd": zstandard.compress(CHECKOUT),
    "gzip in zstd": zstandard.compress(gzip.compress(CHECKOUT)),
    "gzip in pieces": gzip.compress(CHECKOUT[:5000]) + gzip.compress(CHECKOUT[5000:]),
    "gzip and zeros": gzip.compress(CHECKOUT) + b"\0" * 512,
    "lines of other output between": b"starting\n" + TRACE + b"\nwhat?\n" + TRACE + b"\ndone\n",
    "other output before": b"# a comment\n" + TRACE,
    "the headers of an answer before": b"HTTP/1.1 200 OK\r\n\r\n" + pretty(CHECKOUT),
    "after a logger's prefix": b"[main 09:46:40] INFO x - " + TRACE + b"\n2026-03-20 [x] " + TRACE,
}


@pytest.mark.parametrize("data", WRITTEN.values(), ids=WRITTEN)
def test_detect_any_encoding_and_layout(data: bytes) -> None:
    found = read(data)
    assert ids(found) == ids(read(CHECKOUT))
    assert found.load_warnings == []


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff\xfe junk\n",
        b"\xfe\xff",
        b"\xff\xfe\x00\x00\n",
        b"\x00\x00\xfe\xff\n",
        b"a\x00b\x00c\x00d\x00\n",
        "first\n".encode("utf-16"),
        b"<junk>\n",
    ],
)
def test_beginning_like_another_encoding_costs_only_itself(damage: bytes) -> None:
    assert ids(read(damage + TRACE + b"\n" + TRACE + b"\n")) == ids(read(CHECKOUT))


@pytest.mark.parametrize("damage", [b"\x1f\x8bjunk\n", b"\x28\xb5\x2f\xfdjunk\n", b"\xfd7zXZ\0junk\n"])
def test_beginning_like_compressed_data_costs_only_itself(damage: bytes) -> None:
    found = read(damage + TRACE + b"\n" + TRACE + b"\n")
    assert ids(found) == ids(read(CHECKOUT))
    assert "is damaged near byte" in found.load_warnings[0].message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encoding_with_few_latin_letters(encoding: str) -> None:
    names = CHECKOUT.decode().replace("checkout", "\u7d50\u5e33" * 40)
    assert len(read(names.encode(encoding))) == len(read(CHECKOUT))


@pytest.mark.parametrize("name", ["otlp/traces.pb", "zipkin/traces.json"])
def test_every_format_gives_the_same_traces(name: str) -> None:
    # Zipkin has no INTERNAL
    kinds = {Kind.UNSPECIFIED: Kind.INTERNAL}

    def facts(traces: TraceSet) -> set[tuple[object, ...]]:
        return {
            (
                span.trace_id,
                span.span_id,
                span.parent_id,
                span.service,
                span.name,
                kinds.get(span.kind, span.kind),
                span.start_ns // 1000,
                span.duration_ns // 1000,
                span.error,
            )
            for span in map(traces.span, range(len(traces)))
        }

    expected = facts(read((SAMPLES / "otlp/traces.jsonl").read_bytes()))
    assert len(expected) == 283
    assert facts(read((SAMPLES / name).read_bytes())) == expected


UNKNOWN = b'{"name": "x", "id": 3}\n'
OTHERWISE_A_LOG = {
    "text": b"listening on :8080\n",
    "a log record": b'{"level": "info", "msg": "ready"}\n',
    "more of them": UNKNOWN * 300,
}


def test_unknown_values_in_a_file_of_spans_are_counted_in_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, rest = (SAMPLES / "otlp/traces.jsonl").read_bytes().partition(b"\n")
    data = first + b"\n" + UNKNOWN + UNKNOWN + rest
    expected = ["f: line 2: skipped: 2 JSON values hold no spans, the first is a JSON object with the keys name, id"]
    assert warnings(data) == expected
    monkeypatch.setattr(json_text, "processes_for", lambda _: 3)
    assert warnings(data + UNKNOWN) == [expected[0].replace("2 JSON", "3 JSON")]


@pytest.mark.parametrize("name", OTHERWISE_A_LOG)
def test_unknown_values_in_a_log_are_normal(name: str) -> None:
    data = (SAMPLES / "otlp/traces.jsonl").read_bytes()
    assert warnings(data + b"\n" + UNKNOWN + OTHERWISE_A_LOG[name]) == []


NOTHING = {
    b"": "f: the file is empty",
    b" \n ": "f: the file is blank",
    b"[]": "",
    b'{"data": []}': "",
    b'{"data": null, "errors": null}': "",
    b"{}": "f: no traces: an empty JSON object",
    b'{"services": ["a"]}': "f: no traces: a JSON object with the keys services",
    b'{"data": ["a", "b"]}': 'f: data: 2 of 2 entries skipped: a bare JSON value "a"',
    b'["\xc3\xa9"]': 'f: 1 of 1 entry skipped: a bare JSON value "é"',
    b"404 not found\n": "f: unknown format: not JSON, OTLP protobuf, collector records, "
    'a log with spans, or a zip or tar archive; starts with "404 not found"',
    b"\x80\x00\x01" * 9: "f: unknown format: not JSON, OTLP protobuf, collector records, "
    "a log with spans, or a zip or tar archive; starts with "
    "80 00 01 80 00 01 80 00 01 80 00 01 80 00 01 80",
    b"<!doctype html>": "f: a web page, not traces; is it a saved login page?",
    b'{"errors": [{"msg": "gone", "traceID": "ab"}], "data": 0}': "f: the server returned an error: gone (trace ab)",
    b'{"error": {"httpCode": 404, "message": "No traces"}}': "f: the server returned an error: 404 No traces",
    b'{"data": null, "errors": ["gone"]}': "f: the server returned an error: gone",
    b'{"data": null, "errors": "gone\\n\\rtracetui: x\\u2028"}': "f: the server returned an error: gone tracetui: x",
    b'{"status": 500, "error": "not well", "path": "/"}': "f: the server returned an error: not well",
    b'{"error": "connection refused"}': "f: no traces: a JSON object with the keys error",
    b'{"errors": ["disk full"], "code": 28}': "f: no traces: a JSON object with the keys errors, code",
    b'{"success": false, "error": "quota"}': "f: no traces: a JSON object with the keys success, error",
    b'{"resourceLogs": []}\n{"resourceMetrics": []}\n': "f: no spans, only OTLP logs and metrics; "
    "--logs shows log lines at the spans that wrote them",
    b'{"resourceMetrics": []}': "f: no spans, only OTLP metrics",
    b"[" * 100_000: "f: byte 400: damaged JSON (nested too deeply); the last 99,600 bytes skipped",
}


@pytest.mark.parametrize("data", NOTHING, ids=range(len(NOTHING)))
def test_input_without_traces_is_described(data: bytes) -> None:
    assert len(read(data)) == 0
    assert warnings(data) == ([NOTHING[data]] if NOTHING[data] else [])


@pytest.mark.parametrize(
    ("data", "spans", "warning"),
    [
        (
            TRACE + b"\n{bad\n" + OTHER + b"\n",
            36,
            "f: line 2.byte 0: damaged JSON (unexpected 'bad'); the last 4 bytes",
        ),
        (
            b"{bad\n" * 9 + TRACE + b"\n" + OTHER,
            36,
            "f: line 1.byte 0: damaged JSON (unexpected 'bad'); the last 4 bytes",
        ),
        (CHECKOUT.strip() + b"@@" + OTHER, 36, "f: byte 10,735: damaged JSON (unexpected '@@{\"traceID\"'); 2 bytes"),
        (CHECKOUT.replace(b'"startTime"', b'"x": NaN, "startTime"', 2), 18, "f: 2 values that JSON does not allow"),
        (CHECKOUT.replace(b'"tags":[', b'"tags":[' + b"[" * 9999, 1), 17, "f: byte 64: damaged JSON (nested"),
        (CHECKOUT[:-9], 18, "f: byte 10,7"),
        (gzip.compress(CHECKOUT)[:-4], 18, "f: gzip data ends early, at byte 1,"),
        (gzip.compress(CHECKOUT) + b"more", 18, "f: 4 bytes after the gzip data were skipped"),
        (gzip.compress(CHECKOUT)[:-8] + b"\0" * 8, 18, "f: gzip data is damaged near byte 1,"),
        (zstandard.compress(TRACE)[:-1], 0, "f: zstd data ends early"),
    ],
)
def test_damage_warning_has_position_and_size(data: bytes, spans: int, warning: str) -> None:
    assert len(read(data)) == spans
    assert warnings(data)[0].startswith(warning)


def test_overlong_number_costs_only_itself() -> None:
    found = read(CHECKOUT.replace(b'"startTime":', b'"startTime":' + b"9" * 10_000 + b',"x":', 1))
    assert len(found) == SPANS
    (warning,) = found.load_warnings
    assert str(warning) == "f: data[0].spans[0].startTime: not a time; shown at its parent's start"


def test_invalid_utf8_costs_no_span() -> None:
    lines = (SAMPLES / "otlp/traces.jsonl").read_bytes()
    found = read(lines.replace(b'"name":"', b'"name":"\xbf\xff', 5))
    assert len(found) == 283
    assert any("\ufffd\ufffd" in name for name in found.names)


@pytest.mark.parametrize(
    ("name", "indent"),
    [
        ("incident/before.json", None),
        ("incident/before.json", 1),
        ("zipkin/traces.json", None),
        ("zipkin/traces.json", 1),
        ("otlp/traces.jsonl", None),
    ],
)
def test_truncation_costs_only_the_cut_span(name: str, indent: int | None) -> None:
    text = (SAMPLES / name).read_bytes()
    if indent:
        text = json.dumps(json.loads(text), indent=indent).encode()
    everything = ids(read(text))
    key = b'"id"' if "zipkin" in name else b'"spanId"' if "otlp" in name else b'"operationName"'
    rnd = random.Random(name)
    for cut in [rnd.randrange(len(text)) for _ in range(12)]:
        kept = ids(read(text[:cut]))
        assert kept <= everything
        begun = text[:cut].count(key)
        assert begun - 1 <= len(kept) <= begun


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_truncated_compressed_file_keeps_data_before_the_cut(pack: Any) -> None:
    text = (SAMPLES / "incident/before.json").read_bytes()
    packed = pack(text)
    total = len(read(text))
    # zstd decodes blocks of 128 kB
    block = 0.3 if pack is zstandard.compress else 0.02
    for share in (0.4, 0.8, 0.99):
        kept = len(read(packed[: int(len(packed) * share)]))
        assert total * (share - block) - 3 <= kept < total


DAMAGED = st.sampled_from(SMALL).flatmap(
    lambda path: st.tuples(
        st.just(path),
        st.lists(
            st.tuples(st.integers(0, path.stat().st_size), st.integers(0, 60), st.binary(max_size=8)),
            min_size=1,
            max_size=4,
        ),
        st.sampled_from([bytes, gzip.compress, zstandard.compress]),
    )
)


@unhurried
@given(DAMAGED)
def test_damaged_samples_give_traces_or_a_warning(damaged: tuple[Path, list[tuple[int, int, bytes]], Any]) -> None:
    path, cuts, pack = damaged
    data = path.read_bytes()
    for at, size, put in cuts:
        data = data[:at] + put + data[at + size :]
    found = read(pack(data))
    assert len(found) or found.load_warnings
    for span in map(found.span, range(min(len(found), 40))):
        assert span.duration_ns >= 0


@unhurried
@given(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"",
            b"{",
            b"[",
            b"\n",
            b"\x0a\x08",
            b"\x1f\x8b\x08",
            b"\x28\xb5\x2f\xfd",
            b"\0\0\0\x05",
            b"\xff\xfe",
            b'{"data":[',
            b"<",
            b'{"hits":',
        ]
    ),
)
def test_any_bytes_give_traces_or_a_warning_at_most(rest: bytes, start: bytes) -> None:
    found = read(start + rest)
    for span in map(found.span, range(len(found))):
        assert span.trace_id is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "spans",
                    "traceID",
                    "spanID",
                    "traceId",
                    "id",
                    "resourceSpans",
                    "scopeSpans",
                    "hits",
                    "batches",
                    "_source",
                    "result",
                    "trace",
                    "process",
                    "processes",
                    "errors",
                    "error",
                    "operationName",
                    "tags",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@unhurried
@given(JSON, st.sampled_from(["{}", "{}\n{}", "[{}]", '{{"data": [{}]}}', "{},"]))
def test_any_json_gives_traces_or_a_warning_at_most(value: Any, written: str) -> None:
    text = json.dumps(value)
    found = read(written.format(text, text).encode())
    for span in map(found.span, range(len(found))):
        assert span.trace_id is not None


@pytest.mark.parametrize("line", [b"{}", b"7", b"{oops", b'{"a":"b"}', b"a word"])
def test_many_lines_without_traces_cost_no_trace_and_little_memory(line: bytes) -> None:
    junk = (line + b"\n") * (2 * MAX_WARNINGS)
    intake = Intake()
    decode(TRACE + b"\n" + junk + OTHER + b"\n" + junk, DecodeContext(intake, "f"))
    assert len(intake) == 2 * SPANS
    listed, unlisted = intake.warnings.pop(0)
    assert len(listed) <= MAX_WARNINGS
    assert len(listed) + unlisted in (0, 4 * MAX_WARNINGS)


@pytest.mark.parametrize("size", [10, 2 << 20])
@pytest.mark.parametrize("name", sorted(SPELT))
def test_span_key_is_found_in_any_spelling(name: str, size: int) -> None:
    """Large inputs are decoded only if they contain such a key."""
    assert len(read(SPELT[name] + b" " * size)) > 0


def test_large_json_without_span_keys_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "decode_value", None)
    assert warnings(b"[" + b"{}," * 1_000_000 + b"{}]") == [
        "f: no traces: 2.86 MiB of JSON without a key that spans have"
    ]


def test_spans_beyond_the_memory_limit_are_skipped() -> None:
    intake = Intake(max_bytes=CHUNK_SPANS * 400)
    lines = b"".join(TRACE.replace(b'"traceID": "', b'"traceID": "%x' % i) + b"\n" for i in range(4_000))
    decode(lines, DecodeContext(intake, "f"))
    assert CHUNK_SPANS <= len(intake) < 4_000 * SPANS
    assert len(assemble(intake)) == len(intake)
    assert "memory" in list(intake.warnings)[-1].message
    before = len(intake)
    decode(OTHER, DecodeContext(intake, "g"))
    assert len(intake) == before
    assert "memory" in str(list(intake.warnings)[-1])
