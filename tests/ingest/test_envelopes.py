"""Spans among the lines of logs in any envelope."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.decoding import read
from tests.support.envelope_writers import WRITERS, LineOf
from tests.support.format_samples import SAMPLES, TABLES
from tests.support.span_formats import FORMATS, Plain, Style
from tests.support.strategies import unhurried
from tracetui.ingest import envelope_reader
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.envelopes import (
    ENVELOPES,
    csv_download,
    find_envelope,
    fluentd,
    journald_export,
    json_envelope,
    parts,
    syslog_frames,
)
from tracetui.ingest.envelopes.envelope import numbered
from tracetui.ingest.envelopes.rows import values
from tracetui.ingest.json_blocks import Block, Blocks
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Kind, Span, Status
from tracetui.model.traces import TraceSet

SPANS = [
    Plain({"http.request.method": "GET", "text": 'a "quoted" \\ {text}, [on]\none'}, Kind.SERVER),
    Plain({"db.system": "mysql"}, Kind.CLIENT, Status.ERROR),
    Plain(),
]
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
STYLES = {"compact": Style(), "pretty": Style((", ", ": "), 4), "by tabs": Style((",", ": "), 1)}
CHATTER = [
    "INFO starting up",
    '{"level":"info","ts":1774000000.1,"msg":"ready"}',
    "[main] WARN {braces} and [brackets]",
    "2026/03/20 09:46:40 listening on :8080",
    'done, and 5 more: {"name": "x", "id": 3}',
]
"""Other output of a program."""


def spans_of(traces: TraceSet) -> list[Span]:
    found = [traces.span(i) for i in range(len(traces))]
    return sorted(found, key=lambda span: (span.trace_id, span.span_id))


def messages(traces: TraceSet) -> list[str]:
    return [warning.message for warning in traces.load_warnings]


def texts() -> Iterator[tuple[str, str, str]]:
    """Yield samples of all text formats in every style: the format's name, the style's, and the text."""
    for name, known in FORMATS.items():
        for style, enveloped in STYLES.items():
            try:
                yield name, style, known.write(SPANS, enveloped).decode()
            except UnicodeDecodeError:
                continue


WRITTEN = {f"{name}, {style}": text for name, style, text in texts() if not _CONTROL.search(text)}
TEXTS = {**WRITTEN, **{name: sample.text for name, sample in SAMPLES.items()}}
"""Texts that may occur among other lines."""
TABLE_TEXTS = {name: table.text for name, table in TABLES.items()}


def enveloped(name: str, text: str) -> str:
    """Write a text as the output of one stream, in an envelope."""
    return WRITERS[name].write([("web-1", line) for line in text.splitlines()])


def test_every_envelope_has_a_writer() -> None:
    assert set(ENVELOPES) == {writer.envelope for writer in WRITERS.values()}
    assert len({envelope.name for envelope in ENVELOPES}) == len(ENVELOPES)


@pytest.mark.parametrize("name", WRITERS)
def test_envelope_is_detected_by_its_beginning(name: str) -> None:
    writer = WRITERS[name]
    lines = [("web-1", line) for line in (*CHATTER, *TEXTS["otlp json, compact"].splitlines())]
    found = find_envelope(writer.write(lines).encode())
    assert found is writer.envelope


@pytest.mark.parametrize("text", [*TEXTS, *TABLE_TEXTS])
def test_text_without_an_envelope(text: str) -> None:
    assert find_envelope({**TEXTS, **TABLE_TEXTS}[text].encode()) is None


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_in_an_envelope_gives_the_same_spans(name: str) -> None:
    for text in (*TEXTS.values(), *TABLE_TEXTS.values()):
        bare = read(text.encode())
        found = read(enveloped(name, text).encode())
        assert spans_of(found) == spans_of(bare)
        assert len(found)
        assert messages(found) == messages(bare)


@pytest.mark.parametrize("outer", WRITERS)
def test_nested_envelopes_give_the_same_spans(outer: str) -> None:
    bare = read(TEXTS["otlp json, pretty"].encode())
    for inner in ("docker", "cri, split", "logcli jsonl", "syslog 5424", "docker compose in colour"):
        found = read(enveloped(outer, enveloped(inner, TEXTS["otlp json, pretty"])).encode())
        assert spans_of(found) == spans_of(bare)


def interleaved(one: Sequence[LineOf], other: Sequence[LineOf], order: Sequence[bool]) -> list[LineOf]:
    """Merge the lines of two streams, each in its order; `order` selects the next stream while both have lines."""
    ones, others = list(one), list(other)
    lines: list[LineOf] = []
    for _, take_one in zip_longest(range(len(one) + len(other)), order, fillvalue=True):
        rest = ones if (take_one and ones) or not others else others
        if rest:
            lines.append(rest.pop(0))
    return lines


@unhurried
@given(
    st.sampled_from(sorted(name for name, writer in WRITERS.items() if writer.names_streams)),
    st.sampled_from(sorted(TEXTS)),
    st.sampled_from(sorted(TEXTS)),
    st.lists(st.sampled_from(CHATTER), max_size=4),
    st.lists(st.sampled_from(CHATTER), max_size=4),
    st.lists(st.booleans(), max_size=60),
)
def test_interleaved_streams_and_other_lines_cost_no_span(
    name: str, text: str, other: str, before: list[str], after: list[str], order: list[bool]
) -> None:
    # text records end with a blank line
    lines = [*before, *TEXTS[text].splitlines(), "", *after]
    expected = spans_of(both(TEXTS[text], TEXTS[other]) if other != text else read(TEXTS[text].encode()))
    one = [("web-1", line) for line in lines]
    two = [("back-1", line) for line in (TEXTS[other].splitlines() if other != text else [])]
    found = read(WRITERS[name].write(interleaved(one, two, order)).encode())
    assert spans_of(found) == expected
    assert not [message for message in messages(found) if "damaged" in message]


def both(text: str, other: str) -> TraceSet:
    intake = Intake()
    decode(text.encode(), DecodeContext(intake, "f"))
    decode(other.encode(), DecodeContext(intake, "f"))
    return assemble(intake)


def table(*rows: Sequence[str], separator: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue()


def loki_sorted(lines: Sequence[str]) -> str:
    """Write a response like `jq -S`, with the identifying key after the lines."""
    streams = [{"stream": {"app": "web"}, "values": [[str(i), line] for i, line in enumerate(lines)]}]
    return json.dumps({"data": {"result": streams, "resultType": "streams"}, "status": "success"}, indent=2)


OTHER_FORMS: dict[str, Callable[[Sequence[str]], str]] = {
    "rotated within a line": lambda lines: 'end"}\n' + enveloped("docker", "\n".join(lines)),
    "Docker with attributes": lambda lines: "".join(
        json.dumps({"log": f"{line}\n", "stream": "stdout", "attrs": {"tag": "web"}, "time": "2026-03-20T09:46:40Z"})
        + "\n"
        for line in lines
    ),
    "FireLens": lambda lines: "".join(
        json.dumps({"source": "stdout", "log": line, "container_id": "1", "container_name": "/web"}) + "\n"
        for line in lines
    ),
    "logcli without labels": lambda lines: "".join(f"2026-03-20T09:46:40Z {{}} {line}\n" for line in lines),
    "Loki, sorted": loki_sorted,
    "journalctl json-sse": lambda lines: "".join(
        f"data: {json.dumps({'__CURSOR': str(i), 'MESSAGE': line, '_HOSTNAME': 'n'})}\n\n"
        for i, line in enumerate(lines)
    ),
    "Grafana's panel": lambda lines: json.dumps(
        {"state": "Done", "series": [{"fields": [{"name": "Line", "values": list(lines)}], "length": 3}]}
    ),
    "Azure's portal": lambda lines: table(
        ["TimeGenerated [UTC]", "PodName", "LogMessage"],
        *(["3/20/2026, 9:46:40.000 AM", "web-1", line] for line in lines),
    ),
    "Google Cloud's console": lambda lines: table(
        ["insertId", "logName", "textPayload", "jsonPayload.message", "timestamp"],
        *(
            [str(i), "stdout", *((line, "") if i % 2 else ("", line)), "2026-03-20T09:46:40Z"]
            for i, line in enumerate(lines)
        ),
    ),
    "a table with semicolons": lambda lines: table(
        ["Date", "Content"], *(["1", line] for line in lines), separator=";"
    ),
    "Sumo Logic's export": lambda lines: table(
        ["_messageTime", "_sourceHost", "_raw"], *([str(i), "h", line] for i, line in enumerate(lines))
    ),
    "strings by jq": lambda lines: "".join(json.dumps(line) + "\n" for line in lines),
    "az containerapp logs": lambda lines: "".join(
        json.dumps({"TimeStamp": "2026-03-20T09:46:40", "Log": line}) + "\n" for line in lines
    ),
    "aws logs tail, short": lambda lines: "".join(f"2026-03-20T09:46:40 {line}\n" for line in lines),
}
"""Other forms of envelopes with writers above."""


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_other_forms_of_an_envelope_give_the_same_spans(form: str) -> None:
    for text in ("otlp json, pretty", "jaeger documents, compact", "java"):
        lines = TEXTS[text].splitlines()
        found = read(OTHER_FORMS[form](["ready", *lines]).encode())
        assert spans_of(found) == spans_of(read(TEXTS[text].encode()))
        assert messages(found) == messages(read(TEXTS[text].encode()))


@pytest.mark.parametrize("name", WRITERS)
def test_other_lines_give_no_warning(name: str) -> None:
    found = read(enveloped(name, "\n".join([*CHATTER, TEXTS["otlp json, compact"], *CHATTER])).encode())
    assert messages(found) == []
    assert len(found) == len(SPANS)


@pytest.mark.parametrize("name", WRITERS)
def test_log_without_spans_gives_a_message(name: str) -> None:
    found = read(enveloped(name, "\n".join(CHATTER)).encode())
    assert messages(found) == [f"a log without spans: {len(CHATTER)} lines, none in a known format"]


LINES = TEXTS["jaeger documents, compact"].splitlines()


@pytest.mark.parametrize("name", WRITERS)
def test_damage_within_an_envelope_costs_only_its_line(name: str) -> None:
    cut = [LINES[0], LINES[1][: len(LINES[1]) // 2], LINES[2]]
    found = read(enveloped(name, "\n".join(cut)).encode())
    assert [span.span_id for span in spans_of(found)] == ["0000000000000001", "0000000000000003"]
    (warning,) = found.load_warnings
    assert "damaged JSON" in warning.message or "other log line" in warning.message


@pytest.mark.parametrize("name", ["docker", "cri", "logcli jsonl", "gcloud lines", "syslog 5424", "docker compose"])
def test_damage_to_an_envelope_costs_only_its_line(name: str) -> None:
    lines = enveloped(name, "\n".join(LINES)).splitlines()
    lines[-2] = lines[-2][: len(lines[-2]) // 2]
    found = read("\n".join(lines).encode())
    assert [span.span_id for span in spans_of(found)] == ["0000000000000001", "0000000000000003"]
    (warning,) = found.load_warnings
    assert "damaged JSON" in warning.message
    assert warning.position.partition(".")[0] in (f"line {len(lines) - 1}", f"entry {len(lines) - 1}")


@pytest.mark.parametrize("name", ["loki answer", "grafana json", "gcloud list", "cloudwatch events", "azure tables"])
def test_truncated_download_keeps_its_complete_lines(name: str) -> None:
    whole = enveloped(name, "\n".join(LINES * 9))
    assert len(read(whole[: len(whole) * 3 // 4].encode())) == len(LINES)


@pytest.mark.parametrize("name", ["grafana json", "gcloud list", "azure rows", "loki answer"])
def test_envelope_is_detected_by_a_line_longer_than_the_head(name: str) -> None:
    long = TEXTS["otlp json, compact"].replace("GET", "GET" + "x" * (1 << 17))
    assert len(read(enveloped(name, long).encode())) == len(SPANS)
    in_one_line = "".join(line.strip() for line in enveloped(name, long).splitlines())
    assert len(read(in_one_line.encode())) == len(SPANS)


@pytest.mark.parametrize("name", ["docker", "logcli jsonl", "grafana json", "gcloud lines", "azure rows"])
def test_lone_surrogate_in_an_entry_costs_nothing(name: str) -> None:
    text = TEXTS["otlp json, compact"].replace("GET", "G\ud83dT")
    assert len(read(enveloped(name, text).encode())) == len(SPANS)


VALUES = [
    '{"a": [1, {"b": "}"}], "c": "x\\n]"}',
    "[]",
    '[{"a": 1}, {"b": [[]]}]',
    '{"text": "' + "y" * 40 + '"}',
]


@unhurried
@given(
    st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from([None, 0, 1, 4])), min_size=1, max_size=4),
    st.sampled_from(["", "\n", "ready\n", '{"cut": {\n', "]\n", "}\n"]),
    st.integers(0, 4),
    st.integers(1, 200),
)
def test_values_are_found_in_chunks_as_line_by_line(
    wanted: list[tuple[str, int | None]], other: str, at: int, size: int
) -> None:
    texts = [json.dumps(json.loads(value), indent=indent) + "\n" for value, indent in wanted]
    texts.insert(at, other)
    data = "".join(texts).encode()
    blocks = Blocks()
    expected: list[Block] = []
    for number, line in numbered([data]):
        expected += blocks.add(number, line)
    expected += blocks.rest()
    found = values(data[i : i + size] for i in range(0, len(data), size))
    assert [(number, text.strip()) for number, text in found] == [(one.number, one.text.strip()) for one in expected]


def test_wrong_length_costs_only_its_message() -> None:
    frames = enveloped("syslog frames", "\n".join(LINES)).split("<30>")
    assert len(frames) == len(LINES) + 1
    wrong = "<30>".join(["11 ", *frames[1:]]).encode()
    assert {span.span_id for span in spans_of(read(wrong))} >= {"0000000000000002", "0000000000000003"}


def test_message_omitted_by_journalctl_is_reported() -> None:
    entry = '{"__CURSOR":"s","_HOSTNAME":"n","MESSAGE":null}\n'
    bytes_of = ",".join(str(byte) for byte in LINES[0].encode())
    found = read((entry + '{"__CURSOR":"s","_HOSTNAME":"n","MESSAGE":[' + bytes_of + "]}\n").encode())
    assert len(found) == 1
    (warning,) = found.load_warnings
    assert (warning.position, warning.message) == (
        "entry 1",
        "journalctl wrote a long message as null; run it with --all to include such messages",
    )


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope_reader, "processes_for", lambda _: 3)
    monkeypatch.setattr(envelope_reader, "_SAMPLE", 1 << 12)
    for module in (parts, json_envelope, csv_download, journald_export, syslog_frames):
        monkeypatch.setattr(module, "PART_BYTES", 1 << 13)


@pytest.mark.parametrize("name", WRITERS)
def test_parallel_decoding_gives_the_same_spans(name: str, request: pytest.FixtureRequest) -> None:
    lines = [TEXTS["otlp json, compact"].replace("00aa", f"{i:04x}") for i in range(1, 90)]
    lines[40] = "ready"
    data = WRITERS[name].write([(f"web-{i % 2}", line) for i, line in enumerate(lines)]).encode()
    alone = read(data)
    request.getfixturevalue("small_parts")
    found = read(data)
    assert len(found) == 88 * len(SPANS)
    assert spans_of(found) == spans_of(alone)
    assert messages(found) == []


DIVIDED = [
    "fluent bit list",
    *(name for name, writer in WRITERS.items() if not writer.envelope.by_lines and name != "logcli"),
]
"""Logs that can only be divided at certain lines."""


@pytest.mark.parametrize("name", DIVIDED)
def test_parts_of_a_log_contain_all_its_lines_with_their_numbers(name: str, request: pytest.FixtureRequest) -> None:
    lines = [("web-1", f'line "{i}", {{}}') for i in range(2_000)]
    data = WRITERS[name].write(lines).encode()
    envelope = find_envelope(data)
    assert envelope is not None
    whole = [(line.number, line.text, line.stream, line.when) for line in envelope.unwrap((data,))]
    request.getfixturevalue("small_parts")
    found = [
        (line.number + part.number - 1, line.text, line.stream, line.when)
        for part in envelope.split(data, 0)
        for line in envelope.unwrap((part.text(),))
    ]
    assert len(envelope.split(data, 0)) > 3
    assert sorted(found) == sorted(whole) if name.startswith("loki answer") else found == whole


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("short", range(4))
def test_frame_with_columns_of_several_lengths_keeps_all_its_lines(short: int) -> None:
    """The ends of columns with many small cells are dropped: times, labels, or lines."""
    document = json.loads(WRITERS["grafana frames"].write([("web-1", f"line {i}") for i in range(2_000)]))
    (frame,) = document["results"]["A"]["frames"]
    shortened = json.loads(json.dumps(frame))
    columns = shortened["data"]["values"]
    columns[short] = columns[short][:1_500]
    document["results"]["A"]["frames"] = [frame, shortened]
    data = json.dumps(document).encode()
    envelope = find_envelope(data)
    assert envelope is not None
    whole = [(line.number, line.text, line.stream, line.when) for line in envelope.unwrap((data,))]
    assert len([text for _, text, *_ in whole if text]) >= 3_500
    divided = envelope.split(data, 0)
    assert len(divided) > 3
    found = [
        (line.number + part.number - 1, line.text, line.stream, line.when)
        for part in divided
        for line in envelope.unwrap((part.text(),))
    ]
    assert sorted(found) == sorted(whole)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("name", DIVIDED)
def test_damage_in_one_part_costs_only_its_line(name: str) -> None:
    texts = [TEXTS["otlp json, compact"].replace("00aa", f"{i:04x}") for i in range(1, 60)]
    texts[30] = texts[30][: len(texts[30]) * 2 // 3]
    found = read(WRITERS[name].write([("web-1", line) for line in texts]).encode())
    assert len({span.trace_id for span in spans_of(found)} - {""}) in (58, 59)
    (warning,) = found.load_warnings
    assert "damaged JSON" in warning.message


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    "record", [b'"log"=>"' + b'", "a"=>' * 100_000, b'"log"=>"' * 100_000 + b"x}]"], ids=["no end", "many begins"]
)
def test_damaged_records_of_fluent_bit_are_read_in_linear_time(record: bytes) -> None:
    # a regular expression that backtracks would never end
    (line,) = fluentd.ENVELOPE.unwrap([b"[0] kube.web: [[1774000000.1, {}], {" + record])
    assert line.text.endswith(record)


@pytest.mark.parametrize("name", ["grafana csv", "gcloud list", "fluent bit list", "loki answer", "logcli jsonl"])
def test_multi_line_values_are_not_divided(name: str) -> None:
    lines = [line for i in range(1, 30) for line in TEXTS["otlp json, pretty"].replace("00aa", f"{i:04x}").splitlines()]
    found = read(WRITERS[name].write([("web-1", line) for line in lines]).encode())
    assert len(found) == 29 * len(SPANS)
    assert messages(found) == []


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_table_is_read_to_its_last_cell(end: str) -> None:
    rows = table(["Date", "Line"], *(["1", line] for line in LINES)).rstrip() + end
    assert len(read(rows.encode())) == len(LINES)
    unquoted = f"Date,Line,id\n1,ready,3\n1,ready,3{end}"
    assert messages(read(unquoted.encode())) == ["a log without spans: 2 lines, none in a known format"]
