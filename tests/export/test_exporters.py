"""Every exporter of the registry: traces are written, read back, and compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.building import EPOCH, GivenSpan, build, span
from tests.support.decoding import read
from tests.support.paths import INCIDENT
from tests.support.program import Program
from tracetui.export.exporter import Exporter, Losses
from tracetui.export.registry import DEFAULT, EXPORTERS, exporter_named, exporter_of
from tracetui.export.save import save
from tracetui.ingest.loader import load
from tracetui.model.errors import UsageError
from tracetui.model.span import Flag, Kind, Span, Status, Value
from tracetui.model.traces import TraceSet
from tracetui.tui.views.traces.dialogs import _saved

BY_NAME = {exporter.name: exporter for exporter in EXPORTERS}

# --- spans after a round trip ----------------------------------------------------------------------------------------


def unchanged(one: Span) -> Span:
    return one


def without_warnings(one: Span) -> Span:
    return replace(one, warnings=(), flags=one.flags & ~(Flag.SOURCE_WARNING | Flag.FOLLOWS_FROM))


def with_tags(one: Span) -> dict[str, Value]:
    words = {"otel.status_code": one.status.name} if one.status else {}
    return {**words, **({"otel.status_description": one.status_message} if one.status_message else {})}


def after_jaeger(one: Span) -> Span:
    tags = {
        key: json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value
        for key, value in one.attributes.items()
    }
    kind: dict[str, Value] = {"span.kind": one.kind.name.lower()} if one.kind else {}
    error: dict[str, Value] = {"error": True} if one.status is Status.ERROR else {}
    links = tuple(replace(link, kind=link.kind or "FOLLOWS_FROM", attributes={}) for link in one.links)
    return replace(one, status_message="", attributes={**kind, **error, **with_tags(one), **tags}, links=links)


def after_zipkin(one: Span) -> Span:
    texts = {**one.resource, **with_tags(one), **one.attributes}
    tags: dict[str, Value] = {
        key: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for key, value in texts.items()
    }
    error: dict[str, Value] = {"error": one.status_message} if one.status is Status.ERROR else {}
    kind = Kind.UNSPECIFIED if one.kind is Kind.INTERNAL else one.kind
    return replace(without_warnings(one), attributes={**tags, **error}, resource={}, links=(), kind=kind)


READ_BACK: dict[str, Callable[[Span], Span]] = {
    "otlp-json": unchanged,
    "otlp-protobuf": without_warnings,
    "jaeger": after_jaeger,
    "zipkin": after_zipkin,
    "zipkin-v1": after_zipkin,
}
"""Conversion of a span to what a reader finds after each exporter whose format this program reads."""


def test_every_exporter_is_tested_here() -> None:
    assert READ_BACK.keys() == {one.name for one in EXPORTERS if one.is_readable}


# --- round trips -----------------------------------------------------------------------------------------------------

_values = st.sampled_from(["", "x", "é\n", True, False, 7, -1, 2**60, 0.5, ["a", "b"]])
_attributes = st.dictionaries(st.sampled_from(["k", "http.method", "n"]), _values, max_size=3)
_texts = st.dictionaries(st.sampled_from(["host.name", "pod"]), st.sampled_from(["a", "b"]), max_size=2)
_events = st.tuples(st.integers(0, 90), st.sampled_from(["retry", "done"]), st.sampled_from([{}, {"try": 2}]))
_links = st.tuples(
    st.just("f" * 32), st.just("e" * 16), st.sampled_from(["", "FOLLOWS_FROM"]), st.sampled_from([{}, {"why": "x"}])
)


@st.composite
def sets(draw: st.DrawFn) -> list[GivenSpan]:
    """Draw spans of two traces, with ids, times and names that every format can represent."""
    spans: list[GivenSpan] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        trace = f"{draw(st.sampled_from('ab'))}" * 32
        above = draw(st.sampled_from(["", *(one.id for one in spans if one.trace == trace)]))
        start = draw(st.integers(0, 90))
        failed = draw(st.booleans())
        spans.append(
            span(
                f"{number:016x}",
                start,
                start + draw(st.integers(1, 90)),
                trace=trace,
                parent=above,
                service=draw(st.sampled_from(["api", "db"])),
                name=draw(st.sampled_from(["GET /", "get"])),
                kind=draw(st.sampled_from(list(Kind))),
                error=failed,
                message=draw(st.sampled_from(["", "boom"])) if failed else "",
                status=draw(st.sampled_from([Status.UNSET, Status.OK])),
                flags=draw(st.sampled_from([Flag.NONE, Flag.FOLLOWS_FROM])) if above else Flag.NONE,
                attributes=draw(_attributes),
                resource=draw(_texts),
                events=draw(st.lists(_events, max_size=2)),
                links=draw(st.lists(_links, max_size=1)),
                warnings=draw(st.sampled_from([(), ("late",)])),
            )
        )
    return spans


def encoded(exporter: Exporter, traces: TraceSet) -> bytes:
    return b"".join(exporter.encode(traces, Losses()))


def spans_of(traces: TraceSet) -> list[Span]:
    return sorted(map(traces.span, range(len(traces))), key=lambda one: (one.trace_id, one.span_id))


@pytest.mark.parametrize("name", READ_BACK)
@settings(max_examples=30)
@given(given_spans=sets())
def test_traces_round_trip(name: str, given_spans: list[GivenSpan]) -> None:
    traces = build(*given_spans)
    found = read(encoded(BY_NAME[name], traces))
    assert spans_of(found) == list(map(READ_BACK[name], spans_of(traces)))
    assert not found.load_warnings


@pytest.mark.parametrize("name", READ_BACK)
def test_empty_set_is_valid_output(name: str) -> None:
    assert len(read(encoded(BY_NAME[name], build()))) == 0


@pytest.mark.parametrize("name", READ_BACK)
def test_traces_and_batches_are_joined(name: str) -> None:
    many = [span(f"{i + 1:016x}", i, i + 1, trace="ab"[i % 2] * 32) for i in range(2 * 1000 + 3)]
    found = read(encoded(BY_NAME[name], build(*many)))
    assert (len(found), found.trace_count) == (len(many), 2)


def test_every_value_can_be_written() -> None:
    """Values that are unlike JSON's, and spans without ids or times."""
    values = [
        {"bytesValue": "AP8="},
        {"doubleValue": "NaN"},
        {"doubleValue": "-Infinity"},
        {"intValue": str(10**30)},
        {"stringValue": "\ud800\x00"},
        {"arrayValue": {"values": [{"bytesValue": "AA=="}, {"arrayValue": {"values": [{"boolValue": True}, {}]}}]}},
        {"kvlistValue": {"values": [{"key": "k", "value": {"kvlistValue": {"values": []}}}]}},
        {},
    ]
    attributes = [{"key": f"k{i}", "value": value} for i, value in enumerate(values)]
    whole = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "x", "startTimeUnixNano": "9", "endTimeUnixNano": "10"}
    spans = [
        {**whole, "attributes": attributes, "events": [{"name": "e", "timeUnixNano": "9", "attributes": attributes}]},
        {**whole, "spanId": "c" * 16, "links": [{"traceId": "d" * 32, "spanId": "e" * 16, "attributes": attributes}]},
        {"traceId": "a" * 32, "spanId": "", "name": "no id"},
        {"traceId": "a" * 32, "spanId": "f" * 16, "name": "no times"},
    ]
    resource = {"resource": {"attributes": attributes}, "scopeSpans": [{"spans": spans}]}
    traces = read(json.dumps({"resourceSpans": [resource]}).encode())
    assert len(traces) == len(spans)
    for exporter in EXPORTERS:
        written = encoded(exporter, traces)
        assert not exporter.is_readable or len(read(written)) == len(spans), exporter.name


LOSSY = build(
    span("1", 0, 9, links=[("f" * 32, "e" * 16, "", {"why": "x"})], warnings=["late", "odd"]),
    span("2", 1, 9, parent="1", flags=Flag.FOLLOWS_FROM),
)


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("otlp-json", {}),
        ("otlp-protobuf", {"warning{} of the source": 2, "FOLLOWS_FROM reference{} to parents": 1}),
        ("jaeger", {"attribute{} of links": 1}),
        ("zipkin", {"warning{} of the source": 2, "FOLLOWS_FROM reference{} to parents": 1, "link{}": 1}),
        ("zipkin-v1", {"warning{} of the source": 2, "FOLLOWS_FROM reference{} to parents": 1, "link{}": 1}),
    ],
)
def test_losses_are_counted(name: str, losses: dict[str, int]) -> None:
    found = Losses()
    for _ in BY_NAME[name].encode(LOSSY, found):
        pass
    assert +found == losses
    assert bool(BY_NAME[name].losses) == bool(losses)


FLAGGED = (
    Flag.NONE,
    Flag.CYCLE_CUT,
    Flag.START_REPAIRED,
    Flag.NEGATIVE_DURATION,
    Flag.NO_DURATION,
    Flag.START_REPAIRED | Flag.NO_DURATION,
    Flag.SKEW_ADJUSTED,
    Flag.SHORTENED,
    Flag.OUT_OF_RANGE,
)


@pytest.mark.parametrize("flags", FLAGGED)
@pytest.mark.parametrize("start", [0, EPOCH])
@pytest.mark.parametrize("name", READ_BACK)
def test_figures_survive_and_lost_flags_are_counted(name: str, start: int, flags: Flag) -> None:
    duration = 0 if flags & (Flag.NO_DURATION | Flag.NEGATIVE_DURATION) else 5_000_000
    root = GivenSpan("1", start, duration, kind=Kind.SERVER, flags=flags)
    child = GivenSpan("2", start + 1_000_000, 2_000_000, parent="1", kind=Kind.CLIENT)
    traces = build(root, child)
    assert traces.flags[0] & int(flags) == int(flags)
    losses = Losses()
    found = read(b"".join(BY_NAME[name].encode(traces, losses)))
    wanted = 1_000 if duration == 0 and flags == Flag.NEGATIVE_DURATION and "zipkin" in name else duration
    assert sorted(found.duration) == sorted([wanted, 2_000_000])
    kept = Flag(int(found.flags[0])) & flags
    lost = flags & ~kept
    assert sum((+losses).values()) >= len(lost), (kept, losses)


@pytest.mark.parametrize("name", ["zipkin", "zipkin-v1"])
def test_values_that_zipkin_replaces_are_counted(name: str) -> None:
    spans = [
        GivenSpan("1", EPOCH, 0, attributes={"error": "no", "zone": "a"}, resource={"zone": "b"}),
        GivenSpan("2", EPOCH, 1_000, error=True, attributes={"error": "yes"}),
    ]
    found = Losses()
    for _ in BY_NAME[name].encode(build(*spans), found):
        pass
    assert +found == {
        "resource attribute{} as such (written as tags)": 1,
        "resource attribute{} with the name of a span attribute": 1,
        "attribute{} error of spans without an error": 1,
        "duration{} of 0 (written as 1 µs)": 1,
    }


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("otlp-json", {}),
        ("otlp-protobuf", {}),
        ("jaeger", {"list{} or map{} (written as text)": 3, "time{} below 1 µs": 2}),
        *(
            (
                name,
                {
                    "type{} of attributes (written as text)": 4,
                    "resource attribute{} as such (written as tags)": 2,
                    "time{} below 1 µs": 2,
                },
            )
            for name in ("zipkin", "zipkin-v1")
        ),
    ],
)
def test_losses_of_values_are_counted(name: str, losses: dict[str, int]) -> None:
    exact = GivenSpan(
        "1",
        EPOCH + 1_500,
        2_000,
        attributes={"text": "a", "number": 1, "list": [1], "map": {"a": 1}},
        resource={"host.name": "h", "process.pid": 7},
        events=[(EPOCH + 1_501, "retry", {"tried": ["a"]}), (EPOCH + 2_000, "done", {})],
    )
    found = Losses()
    for _ in BY_NAME[name].encode(build(exact), found):
        pass
    assert +found == losses


def test_success_is_reported_on_stderr(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "failed.zipkin.json"
    result = program("export", INCIDENT, "--errors-only", "-o", str(path))
    assert result.out == ""
    lines = result.err.splitlines()
    assert lines[0] == f"tracetui: wrote 8 traces, 66 spans to {path} as zipkin"
    assert "tracetui: not exported: 132 resource attributes as such (written as tags)" in lines
    assert program("export", INCIDENT).err == "tracetui: wrote 100 traces, 849 spans as otlp-json\n"


# --- files -----------------------------------------------------------------------------------------------------------


def test_names_and_suffixes_are_unique() -> None:
    suffixes = [suffix for exporter in EXPORTERS for suffix in exporter.suffixes]
    assert len(BY_NAME) == len(EXPORTERS)
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in suffixes)
    assert all(exporter.suffixes for exporter in EXPORTERS)


@pytest.mark.parametrize(
    ("name", "exporter"),
    [
        ("traces", "otlp-json"),
        ("traces.gz", "otlp-json"),
        ("checkout.json.gz", "otlp-json"),
        ("a.b.jsonl", "otlp-json"),
        ("traces.JAEGER.json.zst", "jaeger"),
        ("x.zipkin.json", "zipkin"),
        ("x.zipkin-v1.json.gz", "zipkin-v1"),
        ("x.pb.zst", "otlp-protobuf"),
    ],
)
def test_suffix_chooses_the_format(name: str, exporter: str) -> None:
    assert exporter_of(PurePath("/tmp/some.txt") / name) is BY_NAME[exporter]
    assert exporter_named(exporter) is BY_NAME[exporter]


def test_unknown_suffixes_and_names_list_the_known_ones() -> None:
    for unknown in ("traces.txt", "traces.csv.gz"):
        with pytest.raises(UsageError, match=r"no format has the suffix \.(txt|csv); suffixes: ") as by_suffix:
            exporter_of(PurePath(unknown))
        assert all(suffix in str(by_suffix.value) for one in EXPORTERS for suffix in one.suffixes)
    with pytest.raises(UsageError, match="unknown format 'csv'; formats: ") as by_name:
        exporter_named("csv")
    assert all(name in str(by_name.value) for name in BY_NAME)


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
@pytest.mark.parametrize("exporter", EXPORTERS, ids=lambda one: one.name)
def test_saved_files_open_again(exporter: Exporter, compression: str, tmp_path: Path) -> None:
    path = tmp_path / f"traces{exporter.suffixes[0]}{compression}"
    contents = []
    for _ in range(2):
        save(LOSSY, path, replace=True)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert (encoded(exporter, LOSSY) == contents[0]) == (not compression)
    if exporter.name in READ_BACK:
        assert len(load([str(path)])) == len(LOSSY)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o077 == 0


def test_screen_saves_in_the_format_of_the_suffix(tmp_path: Path) -> None:
    path = tmp_path / "x.zipkin.json"
    assert _saved(LOSSY, path).startswith(f"saved 1 trace to {path}, without ")
    assert "localEndpoint" in json.loads(path.read_bytes())[0]
    assert "no format has the suffix .txt" in _saved(LOSSY, tmp_path / "x.txt")


def test_no_file_remains_after_a_failed_write(tmp_path: Path) -> None:
    def fail(traces: TraceSet, losses: Losses) -> Iterator[bytes]:
        yield b"begun"
        raise OSError(0, "disk full")

    path = tmp_path / "traces.jsonl"
    path.write_text("before")
    with pytest.raises(UsageError, match="disk full"):
        save(LOSSY, path, replace(DEFAULT, encode=fail), replace=True)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_NAME)
def test_export_writes_the_selected_traces(name: str, program: Program, tmp_path: Path) -> None:
    path = tmp_path / "written"
    result = program("export", INCIDENT, "--errors-only", "--format", name, "--output", str(path))
    assert (result.code, result.out) == (0, "")
    if name in READ_BACK:
        assert json.loads(program.analyze(str(path)).out)["summary"]["trace_count"] == 8
    if not BY_NAME[name].is_binary:
        printed = program("export", INCIDENT, "--errors-only", "--format", name)
        assert printed.out.encode() == path.read_bytes()


def test_export_uses_the_format_of_the_suffix(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "x.jaeger.json"
    assert program("export", INCIDENT, "-o", str(path)).code == 0
    assert json.loads(path.read_bytes())["data"]
    assert program("export", INCIDENT, "-o", str(path), "--format", "zipkin").code == 0
    assert json.loads(path.read_bytes())[0]["localEndpoint"]
    for more in (["-o", str(tmp_path / "x.txt")], ["--format", "csv"], ["-o", INCIDENT]):
        result = program("export", INCIDENT, *more)
        assert (result.code, result.out) == (2, "")
    assert program("export", INCIDENT, "-o", "/dev/null", "--format", "jaeger").code == 0


def test_export_reports_losses(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "lossy.json"
    save(LOSSY, path)
    result = program("export", str(path), "--format", "zipkin")
    assert result.err == "tracetui: wrote 1 trace, 2 spans as zipkin\n" + "".join(
        f"tracetui: not exported: {lost}\n"
        for lost in ("2 warnings of the source", "1 FOLLOWS_FROM reference to parents", "1 link")
    )
    empty = program("export", INCIDENT, "--query", "trace.spans > 999", "--format", "jaeger")
    assert (empty.code, json.loads(empty.out)["data"]) == (0, [])
    assert empty.err == "tracetui: no trace matches; the output is empty\n"


def test_binary_formats_are_not_written_to_a_terminal(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    result = program("export", INCIDENT, "--format", "otlp-protobuf")
    assert (result.code, result.out) == (2, "")
    assert "otlp-protobuf is binary: name a file with --output, or use a pipe" in result.err
    assert program("export", INCIDENT, "--format", "otlp-json").out


def test_help_lists_the_formats(program: Program) -> None:
    words = program("export", "--help").out
    for exporter in EXPORTERS:
        assert f"  {exporter.name} " in words
        assert all(suffix in words for suffix in exporter.suffixes)
