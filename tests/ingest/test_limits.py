"""Memory limits for compression bombs and endless inputs."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.support.loopback import JSON, Handler, Loopback, Request, Response
from tests.support.paths import CASES
from tracetui.ingest import source_bytes
from tracetui.ingest.decompress import UnpackError, unpack_stream
from tracetui.ingest.json_value_limit import MAX_DENSE, close_brackets, cut_dense
from tracetui.ingest.limits import MIN_LIMIT, decoding_cost, decoding_limit, input_limit, unpacked_limit
from tracetui.ingest.loader import load
from tracetui.model.errors import InputError

MIB = 1 << 20
MAX_MEMORY = 1 << 30
MAX_MEMBERS_MEMORY = 512 * MIB
"""Enough for `MAX_MEMBERS` members or `MAX_DENSE` values, the program and a file of 24 MiB twice."""
MAX_DENSE_MEMORY = 320 * MIB
"""Enough for `MAX_DENSE` values, the program and the file itself."""
TRACE = (
    b'{"data":[{"traceID":"1","spans":[{"traceID":"1","spanID":"1","operationName":"a","startTime":1,"duration":1,'
    b'"processID":"p"}],"processes":{"p":{"serviceName":"s"}}}]}'
)


class Ended(NamedTuple):
    code: int
    memory: int
    """Peak of resident memory in bytes."""
    err: str


def analyze(*arguments: str, stdin: int | None = None, command: str = "analyze") -> Ended:
    """Run the program in a separate process and measure its memory. Fails if it does not end."""
    program = [sys.executable, "-m", "tracetui", command, *arguments]
    done = subprocess.run(
        [sys.executable, "-S", "-c", _MEASURED, *program], stdin=stdin, capture_output=True, check=True
    )
    err = done.stderr.decode()
    assert "Traceback" not in err
    assert "internal error" not in err
    code, kilobytes = map(int, done.stdout.split())
    return Ended(code, kilobytes * 1024, err)


_MEASURED = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
"""Runs a program. A new process starts with the peak of its parent, so the parent must be small."""


def zeros(times: int) -> Iterator[bytes]:
    yield from (b"\0" * MIB for _ in range(times))


def zstd_zeros(times: int) -> bytes:
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    return b"".join([*map(packer.compress, zeros(times)), packer.flush()])


def gzip_zeros(times: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*map(packer.compress, zeros(times)), packer.flush()])


def repeated(text: bytes) -> bytes:
    """Repeat a text to 60 MiB."""
    return text * (60 * MIB // len(text))


def tiny_values(text: bytes, opening: bytes = b"", closing: bytes = b"") -> bytes:
    return zstandard.compress(opening + repeated(text) + closing)


EMPTY_SPANS = (
    b"\x0a\xc4\xff\xff\x7f\x12\xbe\xff\xff\x7f"  # a request with a scope that claims to be larger than the file
    b"\x12\x1e\x0a\x10" + b"1" * 16 + b"\x12\x08" + b"2" * 8 + b"\x30\x01"
)
"""Beginning of a request in protobuf, with its first span."""

FILES: dict[str, Callable[[], bytes]] = {
    "empty objects": lambda: tiny_values(b"{}\n"),
    "a list of empty objects": lambda: tiny_values(b"{},", b"[", b"{}]"),
    "a list of numbers": lambda: tiny_values(b"1,", b"[", b"1]"),
    "empty resources": lambda: tiny_values(b"{},", b'{"resourceSpans":[', b"{}]}"),
    "objects, not packed": lambda: repeated(b"{}\n"),
    "blanks, not packed": lambda: b"{" + repeated(b" "),
    "gzip in gzip in zstd": (CASES / "fuzz-bomb-10-gib.bin").read_bytes,
    "zstd": lambda: zstd_zeros(2 << 10),
    "zstd in zstd": lambda: zstandard.compress(zstd_zeros(2 << 10)),
    "gzip": lambda: gzip_zeros(1 << 10),
    "zstd in gzip": lambda: gzip.compress(zstd_zeros(2 << 10)),
    "a record of zstd": lambda: len(packed := zstd_zeros(2 << 10)).to_bytes(4, "big") + packed,
    "many frames of zstd": lambda: zstd_zeros(1 << 9) * 4,
}


@pytest.mark.parametrize("name", FILES)
def test_compression_bomb_takes_little_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(FILES[name]())
    ended = analyze(str(path))
    assert ended.code == 3
    assert ended.memory < MAX_MEMORY
    assert str(path) in ended.err


def test_spans_before_the_limit_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zst"
    packer = zstandard.ZstdCompressor().compressobj()
    path.write_bytes(packer.compress(TRACE + b"\n") + b"".join(map(packer.compress, zeros(2 << 10))) + packer.flush())
    ended = analyze(str(path))
    assert ended.code == 0
    assert ended.memory < MAX_MEMORY
    assert "unpacks to more than 64 MiB; the rest was skipped" in ended.err


TINY_SPANS = {
    "OTLP": (b'{"traceId":"1","spanId":"2"},', b'{"resourceSpans":[{"scopeSpans":[{"spans":[', b"{}]}]}]}"),
    "protobuf": (b"\x12\x00", EMPTY_SPANS, b""),
}


@pytest.mark.parametrize("name", TINY_SPANS)
def test_millions_of_tiny_spans_take_little_memory(tmp_path: Path, name: str) -> None:
    text, opening, closing = TINY_SPANS[name]
    path = tmp_path / "bomb.zst"
    path.write_bytes(tiny_values(text, opening, closing))
    ended = analyze(str(path))
    assert ended.code == 0
    assert ended.memory < MAX_MEMORY
    assert "unpacks to more values than any traces of its size" in ended.err


def _field(number: int, content: bytes) -> bytes:
    """A protobuf field of bytes."""
    size, rest = b"", len(content)
    while rest > 0x7F:
        size += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    return bytes([number << 3 | 2]) + size + bytes([rest]) + content


def _request(in_span: bytes = b"", in_scope: bytes = b"") -> bytes:
    """An OTLP request in protobuf, with something appended to its span or scope."""
    span = b"\x0a\x10" + b"1" * 16 + b"\x12\x08" + b"2" * 8 + b"\x30\x01" + in_span
    return _field(1, _field(2, _field(2, span) + in_scope))


_OTLP = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"1","spanId":"2"%b}%b]}%b]}%b]}'
_ZIPKIN = b'[{"traceId":"1","id":"2"%b}%b]'
_JAEGER = b'{"data":[{"traceID":"1","spans":[{"traceID":"1","spanID":"2"%b}%b]}%b]}'
_NESTED = b"[" * 200 + b"]" * 200 + b","
_DENSE_BYTES = 12 * MIB
DENSE: dict[str, Callable[[], bytes]] = {
    "objects as resources": lambda: _OTLP % (b"", b"", b"", many(b",{}")),
    "lists as resources": lambda: _OTLP % (b"", b"", b"", many(b",[]")),
    "objects as spans": lambda: _OTLP % (b"", many(b",{}"), b"", b""),
    "nested lists": lambda: _OTLP % (b',"attributes":[%b0]' % many(_NESTED), b"", b"", b""),
    "objects as Jaeger's traces": lambda: _JAEGER % (b"", b"", many(b",{}")),
    "numbers as Zipkin's spans": lambda: _ZIPKIN % (b"", many(b",1")),
    "objects, cut off": lambda: _ZIPKIN[:-1] % (b"", many(b",{}")),
    "protobuf, spans": lambda: _request(in_scope=many(b"\x12\0")),
    "protobuf, attributes and events": lambda: _request(in_span=many(b"\x4a\0\x5a\0")),
}
"""Files with one span, and millions of values of a few bytes in some position."""


def many(text: bytes) -> bytes:
    return text * (_DENSE_BYTES // len(text))


@pytest.mark.parametrize("name", DENSE)
def test_dense_values_take_little_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "dense"
    path.write_bytes(DENSE[name]())
    ended = analyze(str(path))
    assert ended.code == 0
    assert ended.memory < MAX_DENSE_MEMORY


_MANY_BYTES = 24 * MIB


def numbered(text: bytes, separator: bytes = b",", least: int = _MANY_BYTES) -> bytes:
    """Copies of a text with a number each, joined to at least so many bytes."""
    return separator.join([text % i for i in range(least // len(text % 10_000))])


def nested(least: int = _MANY_BYTES) -> bytes:
    """Members that are objects with a thousand distinct keys each."""
    member = numbered(b'"k%d":1', least=8_000)
    return b",".join([b'"o%d":{%b}' % (i, member) for i in range(least // len(member))])


_ROW = b'{"trace_id":"1","span_id":"2","name":"a","start_time":1,"end_time":2,"attributes":{%b}}'
MANY_MEMBERS: dict[str, Callable[[], bytes]] = {
    "keys beside spans": lambda: _OTLP % (b"", b"", b"", b"") + b"\n" + b'{"data":{%b}}' % numbered(b'"k%d":1'),
    "attributes of a resource": lambda: (
        b'{"resourceSpans":[{"resource":{"attributes":[%b]},"scopeSpans":[{"spans":[{"traceId":"1","spanId":"2"}]}]}]}'
        % numbered(b'{"key":"k%d","value":{"intValue":"1"}}')
    ),
    "nested attributes of a row": lambda: _ROW % nested(),
    "nested attributes of a span": lambda: _OTLP % (b',"name":7,"attributes":{%b}' % nested(), b"", b"", b""),
    "protobuf, scopes": lambda: _request() + _field(1, numbered(b"\x12\x0a\x0a\x08\x0a\x06%06d", b"")),
    "cells of rows": lambda: (
        b"trace_id,span_id,name,start_time,end_time,%b\n" % numbered(b"c%d", least=60_000)
        + (b"1,2,a,1,2" + b",10" * len(numbered(b"c%d", least=60_000).split(b",")) + b"\n") * 800
    ),
    "cells of a row": lambda: b"trace_id,span_id,name,start_time,end_time\n1,2,a,1,2\n" + numbered(b"%d"),
    "a JSON row": lambda: (
        b'["trace_id","span_id","name","start_time","end_time","attributes"]\n["1","2","a",1,2,{%b}]\n' % nested()
    ),
}
"""Files with a span, and with millions of small distinct members at some place."""


@pytest.mark.parametrize("name", MANY_MEMBERS)
def test_many_distinct_members_take_little_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "members"
    path.write_bytes(MANY_MEMBERS[name]())
    ended = analyze(str(path))
    assert ended.code == 0
    assert ended.memory < MAX_MEMBERS_MEMORY


LOGS: dict[str, Callable[[], bytes]] = {
    "keys": lambda: b'{"trace_id":"1","msg":"a",%b}\n' % numbered(b'"k%d":1'),
    "OTLP attributes": lambda: (
        b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"1","attributes":[%b]}]}]}]}\n'
        % numbered(b'{"key":"k%d","value":{"intValue":"1"}}')
    ),
}


@pytest.mark.parametrize("name", LOGS)
def test_log_record_with_many_members_takes_little_memory(tmp_path: Path, name: str) -> None:
    path, logs = tmp_path / "trace", tmp_path / "log"
    path.write_bytes(TRACE)
    logs.write_bytes(LOGS[name]())
    ended = analyze("--trace", "1", str(path), "--logs", str(logs), command="show")
    assert ended.code == 0
    assert ended.memory < MAX_MEMBERS_MEMORY


_VALUES = st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(_VALUES, st.data())
def test_truncated_values_are_valid(value: object, data: st.DataObject) -> None:
    text = json.dumps(value).encode()
    closed = close_brackets(text[: data.draw(st.integers(0, len(text)))])
    assert closed == b"" or json.loads(closed) is not None


def test_values_before_dense_ones_are_kept() -> None:
    spans = [f'{{"traceId":"{i:x}","id":"1"}}' for i in range(1_000)]
    before = f"[{','.join(spans)}".encode()
    cut = cut_dense(before + b",{}" * (MAX_DENSE + 100_000) + b"]")
    assert cut is not None
    assert cut.end < len(before) + 3 * MAX_DENSE + 100_000
    values = json.loads(cut.text)
    assert [value["traceId"] for value in values[:1_000]] == [f"{i:x}" for i in range(1_000)]
    assert set(map(len, values[1_000:])) == {0}


def test_values_of_usual_size_are_not_truncated() -> None:
    assert cut_dense(b"[%b{}]" % (b'{"key":"a","value":{"intValue":"1"}},' * MAX_DENSE)) is None


CODINGS: dict[str, tuple[Callable[[], bytes], str]] = {
    "zstd": (lambda: zstd_zeros(2 << 10), "zstd"),
    "gzip": (lambda: gzip_zeros(1 << 10), "gzip"),
    "zstd, gzip": (lambda: gzip.compress(zstd_zeros(2 << 10)), "zstd, gzip"),
    "zstd of empty objects": (lambda: tiny_values(b"{},", b'{"data":[', b"{}]}"), "zstd"),
    "deflate": (lambda: zlib.compress(bytes(256 * MIB), 9), "deflate"),
}


@pytest.mark.parametrize("name", CODINGS)
def test_compression_bomb_from_server_takes_little_memory(name: str) -> None:
    make, coding = CODINGS[name]
    body = make()
    with Loopback(lambda _: Response((body,), 200, JSON | {"content-encoding": coding})) as server:
        ended = analyze(server.url)
    assert ended.code == 4
    assert ended.memory < MAX_MEMORY


@pytest.mark.parametrize("status", [200, 500])
def test_response_of_tiny_values_takes_little_memory(status: int) -> None:
    pieces = (b'{"data":[{}', *[b",{}" * (MIB // 3)] * 40, b"]}")
    with Loopback(lambda _: Response(pieces, status, JSON)) as server:
        ended = analyze(server.url)
    assert ended.code == 4
    assert ended.memory < MAX_DENSE_MEMORY


_MANY_ANSWERED = 40 * MIB
MAX_ANSWER_MEMORY = 384 * MIB
"""Enough for `MAX_MEMBERS` members, the program and a response of 64 MiB twice."""
_JAEGER_SPAN = (
    b'{"traceID":"1","spans":[{"traceID":"1","spanID":"1","operationName":"a","startTime":1700000000000000,'
    b'"duration":1,"processID":"p"}],"processes":{"p":{"serviceName":"s"}}}'
)
_SPAN = b'{"traceId":"1","spanId":"2","startTimeUnixNano":"1700000000000000000"}'
MANY_ANSWERED: dict[str, tuple[str, Callable[[], dict[str, bytes]]]] = {
    "numbers beside the traces of a search": (
        "",
        lambda: {
            "/api/services": b'{"data":["s"],"total":1}',
            "/api/traces": b'{"data":[%b,%b]}' % (_JAEGER_SPAN, numbered(b"%d", least=_MANY_ANSWERED)),
        },
    ),
    "keys beside the spans of a trace": (
        "/trace/1",
        lambda: {
            "/api/echo": b"echo",
            "/api/v2/traces/": b'{"trace":{"resourceSpans":[{"scopeSpans":[{"spans":[%b]}]}],%b}}'
            % (_SPAN, numbered(b'"k%d":1', least=_MANY_ANSWERED)),
        },
    ),
    "keys beside the names of services": (
        "",
        lambda: {
            "/api/services": b'{"data":["s"],%b}' % numbered(b'"k%d":1', least=24 * MIB),
            "/api/traces": b'{"data":[%b]}' % _JAEGER_SPAN,
        },
    ),
}
"""Pages of a server, and the responses by the beginning of their paths; one has millions of small distinct members."""


@pytest.mark.parametrize("name", MANY_ANSWERED)
def test_response_of_many_distinct_members_takes_little_memory(name: str) -> None:
    page, make = MANY_ANSWERED[name]
    bodies = make()

    def respond(request: Request) -> Response:
        found = (body for path, body in bodies.items() if request.path.startswith(path))
        return next((Response((body,)) for body in found), Response((b"{}",), 404))

    with Loopback(respond) as server:
        ended = analyze(server.url + page)
    assert ended.code == 0
    assert "1 trace from" in ended.err
    assert ended.memory < MAX_ANSWER_MEMORY
    assert "more than 250,000 small members in a list or object" in ended.err


def appended(text: bytes, path: Path, *, size: int = 0, block: bytes = b"") -> Path:
    """Write a text, followed by zeros up to a size, or by many repetitions of a block."""
    with path.open("wb") as file:
        file.write(text)
        for _ in range(256 if block else 0):
            file.write(block)
        if size:
            file.truncate(size)
    return path


@pytest.mark.parametrize("name", ["zeros", "more zeros", "blanks", "noise"])
def test_data_after_the_traces_costs_neither_them_nor_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "traces.json"
    if "zeros" in name:
        appended(TRACE, path, size=(1 << 30) if name == "zeros" else (4 << 30))
    else:
        appended(TRACE, path, block=b" " * MIB if name == "blanks" else os.urandom(MIB))
    ended = analyze(str(path))
    assert ended.code == 0
    assert "at the end" in ended.err
    assert ended.memory < (MAX_MEMORY if name == "noise" else MAX_DENSE_MEMORY)


@pytest.mark.parametrize("form", ["gzip", "pipe"])
def test_zeros_after_the_traces_cost_nothing_in_any_form(tmp_path: Path, form: str) -> None:
    if form == "gzip":
        path = tmp_path / "traces.json.gz"
        path.write_bytes(gzip.compress(TRACE + bytes(192 * MIB), 1))
        ended = analyze(str(path))
    else:
        path = appended(TRACE, tmp_path / "traces.json", size=512 * MIB)
        with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as writer:
            ended = analyze("-", stdin=cast("BinaryIO", writer.stdout).fileno())
    assert ended.code == 0
    assert "the end" in ended.err or "the rest was not read" in ended.err
    assert ended.memory < MAX_DENSE_MEMORY


def test_large_trace_takes_little_memory(tmp_path: Path) -> None:
    span = (
        b'{"traceID":"1","spanID":"%016x","operationName":"op","references":[{"refType":"CHILD_OF","traceID":"1",'
        b'"spanID":"%016x"}],"startTime":1700000000000000,"duration":9,"processID":"p"}'
    )
    spans = b",".join(span % (number, number // 3) for number in range(1, 300_000))
    path = tmp_path / "trace.json"
    path.write_bytes(b'{"data":[{"traceID":"1","spans":[%b],"processes":{"p":{"serviceName":"s"}}}]}' % spans)
    ended = analyze(str(path), "--errors")
    assert ended.code == 0
    assert ended.memory < 5 * path.stat().st_size


ENDLESS = {
    "empty traces": (b'{"data":[%b' % _JAEGER_SPAN, b",{}"),
    "empty spans": (b'{"data":[%b,{"traceID":"2","spans":[{}' % _JAEGER_SPAN, b",{}"),
    "traces without spans": (b'{"data":[%b' % _JAEGER_SPAN, b',{"traceID":"1","spans":[]}'),
    "larger traces without spans": (
        b'{"data":[%b' % _JAEGER_SPAN,
        b',{"traceID":"1","spans":[],"processes":{},"comment":"%b"}' % (b"x" * 200),
    ),
    "numbers": (b'{"data":[%b,[1' % _JAEGER_SPAN, b",1"),
    "keys": (b'{"data":[%b],"more":{"a":1' % _JAEGER_SPAN, b',"a":1'),
    "brackets": (b'{"data":[%b,' % _JAEGER_SPAN, b"["),
    "blanks": (b'{"data":[%b,' % _JAEGER_SPAN, b" "),
}
"""Responses without an end: their beginnings, and what is repeated."""


@pytest.mark.parametrize("name", ENDLESS)
def test_response_without_end_is_cut_off(name: str) -> None:
    begin, repeated_part = ENDLESS[name]
    block = repeated_part * (MIB // len(repeated_part))

    def endless(handler: Handler) -> None:
        handler.start(200, JSON | {"transfer-encoding": "chunked"})
        handler.chunk(begin)
        while not handler.loopback.ended.is_set():
            handler.chunk(block)

    with Loopback(lambda _: Response((b'{"data":["s"],"total":1}',))) as server:
        server.fault, server.fault_on = endless, "^/api/traces$"
        ended = analyze(server.url)
    assert ended.code in (0, 4)
    assert "the rest" in ended.err
    assert ended.memory < MAX_MEMORY


@pytest.mark.parametrize("coding", ["br", "gzip, gzip, gzip, gzip", "x" * 1_000])
def test_response_with_unrequested_compression_is_rejected(coding: str) -> None:
    with Loopback(lambda _: Response((b"{}",), 200, JSON | {"content-encoding": coding})) as server:
        ended = analyze(server.url)
    assert ended.code == 4
    assert "unsupported compression of the response" in ended.err


@pytest.mark.parametrize("command", ["cat /dev/zero", "yes", "yes '{\"a\":1}'"])
def test_endless_pipe_stops_with_a_message(command: str) -> None:
    with subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as source:
        assert source.stdout is not None
        ended = analyze("-", stdin=source.stdout.fileno())
        source.kill()
    assert ended.code == 3
    assert ended.memory < MAX_MEMORY
    assert "only repetitive data in the first" in ended.err


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full"])
def test_device_is_rejected(device: str) -> None:
    ended = analyze(device)
    assert ended.code == 3
    assert f"{device}: is a device" in ended.err


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no files of the kernel on this system")
@pytest.mark.parametrize("path", ["/proc/self/environ", "/proc/self/maps", "/proc/self/pagemap"])
def test_file_without_a_size_is_read(path: str) -> None:
    ended = analyze(path)
    assert ended.code == 3
    assert "unknown format" in ended.err


def test_file_that_never_ends_is_read_until_it_is_idle() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a")
    with os.fdopen(reader, "rb") as stream:
        assert source_bytes.read_stream(stream, lambda: True, print, max_idle=0.3) == b"a"
    os.close(writer)


def test_socket_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        ended = analyze("socket")
    assert ended.code == 3
    assert "socket: is a socket, not a file" in ended.err


def test_zeros_are_not_detected_as_empty_records(tmp_path: Path) -> None:
    path = tmp_path / "zeros"
    with path.open("wb") as file:
        file.truncate(32 * MIB)
    ended = analyze(str(path))
    assert ended.code == 3
    assert "unknown format: not JSON, OTLP protobuf, collector records" in ended.err


def test_pipe_without_writer_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_bytes, "WRITER_SECONDS", 0.2)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="nothing writes to this pipe"):
        source_bytes.read_file(path, lambda: True, print)
    assert source_bytes.read_file(path, lambda: False, print) == b""


def test_pipe_with_late_writer_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_bytes, "WRITER_SECONDS", 30.0)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["sh", "-c", f"sleep 0.3; (printf a; sleep 0.3; printf b) > {path}"]):
        assert source_bytes.read_file(path, lambda: True, print) == b"ab"


def test_pipe_stops_at_the_memory_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_bytes, "input_limit", lambda: 3 * MIB)
    warnings: list[str] = []
    with subprocess.Popen(["cat", "/dev/urandom"], stdout=subprocess.PIPE) as source:
        assert source.stdout is not None
        data = source_bytes.read_stream(cast(BinaryIO, source.stdout), lambda: True, warnings.append)
        source.kill()
    assert 3 * MIB < len(data) < 5 * MIB
    assert warnings == ["more than 3 MiB arrived; the rest was not read"]


def test_limits_grow_with_packed_size_up_to_machine_memory() -> None:
    assert unpacked_limit(0) == MIN_LIMIT
    assert unpacked_limit(1 << 20) == 200 << 20
    assert unpacked_limit(1 << 40) == input_limit() >= MIN_LIMIT


def test_decoding_cost_counts_values() -> None:
    assert decoding_cost(b"") == 0
    assert decoding_cost(b"x" * 5_000_000) == 5_000_000
    assert decoding_cost(b"{}\n" * 1_000_000) > 20 * 3_000_000
    assert decoding_limit(10) == MIN_LIMIT < decoding_limit(1 << 20)


def test_traces_stay_far_below_the_limits() -> None:
    text = (CASES.parent.parent / "sample_traces" / "first-look" / "checkout.json").read_bytes()
    assert decoding_cost(text) < 10 * len(text)


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(1, 50), st.sampled_from(["gzip", "deflate", "zstd"]))
def test_streams_round_trip(texts: list[bytes], step: int, coding: str) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "zstd": zstandard.compress,
    }
    pack = packers[coding]
    packed = b"".join(map(pack, texts))
    pieces = (packed[at : at + step] for at in range(0, len(packed), step))
    assert b"".join(unpack_stream(pieces, coding)) == b"".join(texts)


@given(st.binary(min_size=1, max_size=100), st.data())
def test_truncated_stream_is_damaged(text: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(text)
    cut = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(UnpackError):
        list(unpack_stream(iter([packed[:cut]]), "gzip"))


def test_compression_bomb_in_an_archive_leaves_the_other_files_theirs(tmp_path: Path) -> None:
    path = tmp_path / "traces.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"bomb{number}.json", b'{"data":[' + bytes(128 * MIB))
        archive.writestr("traces.json", TRACE)
        archive.writestr("more.json.gz", gzip.compress(TRACE.replace(b'"1"', b'"2"')))
    ended = analyze(str(path), "--errors", "--json")
    assert ended.code == 0
    traces = load([str(path)])
    assert traces.trace_count == 2


def _skippable(size: int) -> bytes:
    return b"\x50\x2a\x4d\x18" + size.to_bytes(4, "little") + bytes(size)


def test_zstd_with_skippable_frames_is_read(tmp_path: Path) -> None:
    path = tmp_path / "traces.json.zst"
    halves = [zstandard.compress(part) for part in (TRACE[:50], TRACE[50:])]
    path.write_bytes(_skippable(4) + halves[0] + _skippable(0) + _skippable(9) + halves[1] + _skippable(2))
    traces = load([str(path)])
    assert (traces.trace_count, traces.load_warnings) == (1, [])


def test_many_layers_of_compression_are_named(tmp_path: Path) -> None:
    path = tmp_path / "traces.json.gz"
    data = TRACE
    for _ in range(3):
        data = gzip.compress(data)
    path.write_bytes(data)
    assert load([str(path)]).trace_count == 1
    path.write_bytes(gzip.compress(data))
    with pytest.raises(InputError, match="compressed more than 3 times; unpack it first"):
        load([str(path)])


@pytest.mark.parametrize("command", ["analyze", "export"])
def test_wait_for_a_writer_is_announced(tmp_path: Path, command: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = [sys.executable, "-m", "tracetui", command, str(pipe)]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as waiting:
        assert waiting.stderr is not None
        assert waiting.stderr.readline().decode() == f"tracetui: waiting for data from the pipe {pipe}\n"
        with pipe.open("wb") as writer:
            writer.write(TRACE)
        waiting.stderr.read()
    assert waiting.returncode == 0
