"""Unexpected decoder errors cost one record, and no other."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.decoding import read
from tracetui.export.protobuf import otlp_protobuf as in_protobuf
from tracetui.ingest import detect, loader
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.formats import jaeger_documents, jaeger_json, otlp_json, otlp_protobuf, plain_span, zipkin_json
from tracetui.ingest.loader import StopReading
from tracetui.model.errors import DEBUG
from tracetui.model.intake import Intake

BAD = "breaks the decoder"


def jaeger(name: str) -> dict[str, Any]:
    span = {"traceID": f"{len(name):032x}", "spanID": "a1", "operationName": name, "startTime": 1, "duration": 1}
    return {"traceID": span["traceID"], "spans": [{**span, "processID": "p"}], "processes": {"p": {"serviceName": "s"}}}


def document(name: str) -> dict[str, Any]:
    return {**jaeger(name)["spans"][0], "process": {"serviceName": "s", "tags": []}}


def zipkin(name: str) -> dict[str, Any]:
    return {"traceId": f"{len(name):016x}", "id": "a1", "name": name, "timestamp": 1, "duration": 1, "tags": {}}


def otlp(*names: str) -> dict[str, Any]:
    spans = [{"traceId": f"{i + 1:032x}", "spanId": f"{i + 1:016x}", "name": name} for i, name in enumerate(names)]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


def flat(name: str) -> dict[str, Any]:
    return {"trace_id": "0a", "span_id": "0b", "name": name, "start_time_unix_nano": 5, "duration": 3}


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def lines(*values: Any) -> bytes:
    return b"\n".join(map(text, values))


def records(*payloads: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(payload)) + payload for payload in payloads)


@pytest.fixture
def failing_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make decoders fail for spans with one name, after half of the span is written."""
    monkeypatch.delenv(DEBUG, raising=False)

    def failing(take: Callable[..., Any], names_of: Callable[..., list[Any]]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if BAD in names_of(*args):
                for found in (*args, *options.values()):
                    intake = found.intake if isinstance(found, DecodeContext) else getattr(found, "_intake", None)
                    if intake is not None:
                        intake.rows.trace.append(0)
                        intake.rows.span_id.append("left behind")
                        intake.texts.status_messages[len(intake)] = "left behind"
                raise IndexError("a fault of the program")
            return take(*args, **options)

        return call

    def patch(owner: Any, name: str, names_of: Callable[..., list[Any]]) -> None:
        monkeypatch.setattr(owner, name, failing(getattr(owner, name), names_of))

    def of_trace(trace: Any, *_: Any) -> list[Any]:
        return [span.operationName for span in trace.spans]

    patch(jaeger_json, "add_trace", of_trace)
    patch(jaeger_documents, "add_trace", of_trace)
    patch(zipkin_json._SpanAdder, "add", lambda _, spans: [span.name for span in spans])
    patch(otlp_json, "add_spans", lambda spans, *_: [span.name for span in spans])
    patch(plain_span, "add_spans", lambda spans, *_: [span.name for span in spans])


GOOD = ["first", "the second", "the one that is the third"]
SOURCES: dict[str, tuple[bytes, str]] = {
    "traces of a list": (text({"data": [jaeger(n) for n in (GOOD[0], BAD, *GOOD[1:])]}), "data[1]"),
    "lines of Jaeger": (lines(*(jaeger(n) for n in (GOOD[0], BAD, *GOOD[1:]))), "line 2"),
    "documents": (lines(*(document(n) for n in (GOOD[0], BAD, *GOOD[1:]))), "line 2"),
    "Zipkin": (text([zipkin(n) for n in (GOOD[0], BAD, *GOOD[1:])]), "[1]"),
    "Zipkin, in lists": (text([[zipkin(n)] for n in (GOOD[0], BAD, *GOOD[1:])]), "[1]"),
    "spans of one request": (text(otlp(GOOD[0], BAD, *GOOD[1:])), "[1]"),
    "lines of OTLP": (lines(otlp(GOOD[0], GOOD[1]), otlp(BAD), otlp(GOOD[0], GOOD[1], GOOD[2])), "line 2"),
    "records": (records(text(otlp(GOOD[0])), text(otlp(BAD)), text(otlp(*GOOD))), "record at byte "),
    "rows of OTLP": (lines(*(flat(n) for n in (GOOD[0], BAD, *GOOD[1:]))), "[1]"),
    "a line of another kind": (lines(zipkin(BAD), *(jaeger(n) for n in GOOD)), ""),
}


@pytest.mark.usefixtures("failing_decoders")
@pytest.mark.parametrize(("data", "position"), SOURCES.values(), ids=SOURCES)
def test_decoder_failure_costs_one_record(data: bytes, position: str) -> None:
    traces = read(data)
    assert set(traces.names) >= set(GOOD)
    assert BAD not in {traces.span(i).name for i in range(len(traces))}
    assert not any("left behind" in traces.span(i).status_message for i in range(len(traces)))
    (warning,) = [one for one in traces.load_warnings if "IndexError" in one.message]
    assert warning.position.startswith(position)
    assert warning.message == "skipped: cannot be decoded (IndexError: a fault of the program)"


def test_protobuf_request_failure_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEBUG)
    traces = read(text(otlp(*GOOD)))
    good = in_protobuf([traces.span(i) for i in range(3)])
    inner = otlp_protobuf._RequestReader.spans
    calls = []

    def spans(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise TypeError("a fault")
        inner(*args)

    monkeypatch.setattr(otlp_protobuf._RequestReader, "spans", spans)
    found = read(records(good, good, good))
    assert len(found) == 3
    (warning,) = [one for one in found.load_warnings if "TypeError" in one.message]
    assert warning.position == f"record at byte {len(good) + 4}"


@pytest.mark.parametrize("site", ["decompress", "_decode_content", "decode_json"])
def test_source_failure_costs_no_other_source(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEBUG)
    inner = getattr(detect, site)

    def failing(data: bytes, *args: Any, **options: Any) -> Any:
        if BAD.encode() in bytes(data):
            raise KeyError("x")
        return inner(data, *args, **options)

    monkeypatch.setattr(detect, site, failing)
    files = []
    for number, name in enumerate((GOOD[0], BAD, GOOD[1])):
        path = tmp_path / f"{number}.json"
        path.write_bytes(text({"data": [jaeger(name)]}))
        files.append(str(path))
    traces = loader.load(files)
    assert set(traces.names) == set(GOOD[:2])
    (warning,) = traces.load_warnings
    assert (warning.file, warning.message) == (files[1], "skipped: cannot be decoded (KeyError: 'x')")


def test_environment_variable_reveals_the_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: Any) -> None:
        raise IndexError("a fault")

    monkeypatch.setattr(jaeger_json, "decode_trace", failing)
    data = text({"data": [jaeger("a")]})
    with pytest.raises(IndexError):
        read(data)
    monkeypatch.setenv(DEBUG, "1")
    assert len(read(data)) == 0
    assert "in failing" in capsys.readouterr().err
    monkeypatch.delenv(DEBUG)
    assert len(read(data)) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("debug", ["", "raise"])
@pytest.mark.parametrize("error", [StopReading(), BrokenPipeError()])
def test_callback_errors_reach_the_caller(debug: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEBUG, debug)

    def stop(share: float) -> None:
        if share > 0.3:
            raise error

    intake = Intake()
    with pytest.raises(type(error)) as raised:
        decode(text([[jaeger("a")] for _ in range(1000)]), DecodeContext(intake, "f"), stop)
    assert raised.value is error
    assert len(intake) < 1000
    assert not intake.warnings


def test_memory_error_is_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEBUG)

    def failing(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(jaeger_json, "decode_trace", failing)
    with pytest.raises(MemoryError):
        read(text({"data": [jaeger("a")]}))


def test_failed_decision_costs_no_other_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEBUG)
    bad = [{"key": "error", "type": "bool", "value": True}, {"key": "x", "type": "string", "value": BAD}]
    values = [jaeger(name) for name in GOOD]
    for i, value in enumerate(values):
        value["spans"][0]["tags"] = bad if i == 1 else bad[:1]
    inner = type(jaeger_json._decider).decide

    def decide(self: Any, raws: list[bytes], native: Any) -> Any:
        if any(BAD.encode() in raw for raw in raws):
            raise IndexError
        return inner(self, raws, native)

    monkeypatch.setattr(type(jaeger_json._decider), "decide", decide)
    traces = read(lines(*values))
    decided = {traces.span(i).name: bool(traces.error[i]) for i in range(3)}
    assert decided == dict(zip(GOOD, (True, False, True), strict=True))
    assert [one.message for one in traces.load_warnings] == ["skipped: cannot be decoded (IndexError)"]
