"""Logs in the forms of runtimes, log stores and tools: `WRITERS`, by the envelope that reads them.

Each writer receives the lines of a log in order, each with the stream that wrote it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import ModuleType
from typing import Any

from tracetui.ingest import envelopes
from tracetui.ingest.envelopes.envelope import Envelope

START = datetime(2026, 3, 20, 9, 46, 40, tzinfo=UTC)
LineOf = tuple[str, str]
"""A stream and one of its lines."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Writer:
    """write: returns the text of the log. names_streams: True if the text distinguishes the lines of two streams."""

    module: ModuleType
    write: Callable[[Sequence[LineOf]], str]
    names_streams: bool = True

    @property
    def envelope(self) -> Envelope:
        found: Envelope = self.module.ENVELOPE
        return found


def when(number: int) -> datetime:
    return START + timedelta(milliseconds=number)


def iso(number: int) -> str:
    return when(number).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ns(number: int) -> str:
    return str(int(when(number).timestamp() * 1000) * 1_000_000)


def ms(number: int) -> int:
    return int(when(number).timestamp() * 1000)


def by_line(line: Callable[[int, str, str], str]) -> Callable[[Sequence[LineOf]], str]:
    """Write each line by itself, given its number, its stream and its text."""
    return lambda lines: "".join(line(i, stream, text) + "\n" for i, (stream, text) in enumerate(lines))


def by_json(entry: Callable[[int, str, str], Json]) -> Callable[[Sequence[LineOf]], str]:
    return by_line(lambda i, stream, text: json.dumps(entry(i, stream, text), separators=(",", ":")))


def as_list(entry: Callable[[int, str, str], Json], *, newest_first: bool = False) -> Callable[[Sequence[LineOf]], str]:
    def write(lines: Sequence[LineOf]) -> str:
        entries = [entry(i, stream, text) for i, (stream, text) in enumerate(lines)]
        return json.dumps(entries[::-1] if newest_first else entries, indent=2)

    return write


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]


# --- containers -----------------------------------------------------------------------------------------------------


def docker(lines: Sequence[LineOf], size: int = 1 << 14) -> str:
    written: list[str] = []
    for i, (stream, text) in enumerate(lines):
        entries = [{"log": piece, "stream": stream, "time": iso(i)} for piece in pieces(text + "\n", size)]
        written.extend(map(json.dumps, entries))
    return "\n".join(written) + "\n"


def cri(lines: Sequence[LineOf], size: int = 1 << 14) -> str:
    """Write CRI lines, which have two names of streams only; pieces of their lines alternate."""
    names = {stream: ("stdout", "stderr")[i] for i, stream in enumerate(dict.fromkeys(stream for stream, _ in lines))}
    written = []
    for i, (stream, text) in enumerate(lines):
        *begin, last = pieces(text, size)
        written += [f"{iso(i)} {names[stream]} P {piece}" for piece in begin]
        written.append(f"{iso(i)} {names[stream]} F {last}")
    return "\n".join(written) + "\n"


def fluent_bit(i: int, stream: str, text: str) -> Json:
    kubernetes = {"pod_name": stream, "namespace_name": "shop", "container_name": "app"}
    return {"date": when(i).timestamp(), "stream": "stdout", "logtag": "F", "log": text, "kubernetes": kubernetes}


def fluent_bit_list(lines: Sequence[LineOf]) -> str:
    return json.dumps([fluent_bit(i, *line) for i, line in enumerate(lines)])


def fluentd_file(i: int, stream: str, text: str) -> str:
    record = {"log": text + "\n", "stream": "stdout", "kubernetes": {"pod_name": stream}}
    return f"{when(i):%Y-%m-%dT%H:%M:%S}+00:00\tkube.{stream}\t{json.dumps(record)}"


def fluent_bit_output(i: int, stream: str, text: str) -> str:
    return f"[{i}] kube.{stream}: [[{when(i).timestamp():.9f}, {{}}], {json.dumps({'log': text, 'stream': 'stdout'})}]"


def filebeat(i: int, stream: str, text: str) -> Json:
    return {
        "@timestamp": iso(i),
        "log": {"offset": i, "file": {"path": f"/var/log/{stream}.log"}},
        "message": text,
        "agent": {"type": "filebeat"},
    }


def hits(lines: Sequence[LineOf]) -> str:
    found = [{"_index": "logs", "_source": filebeat(i, *line)} for i, line in enumerate(lines)]
    return json.dumps({"took": 1, "hits": {"total": {"value": len(found)}, "hits": found[::-1]}})


def vector(i: int, stream: str, text: str) -> Json:
    return {"container_name": stream, "message": text, "source_type": "docker_logs", "timestamp": iso(i)}


def stern(i: int, stream: str, text: str) -> Json:
    return {"message": text + "\n", "nodeName": "n1", "namespace": "shop", "podName": stream, "containerName": "app"}


# --- log stores -----------------------------------------------------------------------------------------------------


def loki_answer(lines: Sequence[LineOf], *, newest_first: bool = True) -> str:
    result = []
    numbered = sorted(enumerate(lines), key=lambda line: line[1][0])
    for stream, some in groupby(numbered, key=lambda line: line[1][0]):
        values = [[ns(i), text] for i, (_, text) in some]
        result.append({"stream": {"pod": stream, "level": "info"}, "values": values[:: -1 if newest_first else 1]})
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}})


def loki_line(i: int, stream: str, text: str) -> Json:
    return {"labels": {"pod": stream, "request": str(i)}, "line": text, "timestamp": iso(i)}


def grafana_text(lines: Sequence[LineOf]) -> str:
    rows = [f"{ms(i)}\t{iso(i)}\t{text}\n" for i, (_, text) in enumerate(lines)]
    return 'Common labels: {"app":"web"}\nLine limit: "1000 (3 returned)"\n\n\n' + "".join(reversed(rows))


def grafana_row(i: int, stream: str, text: str) -> Json:
    return {"line": text, "timestamp": ns(i), "date": iso(i), "fields": {"pod": stream}}


def grafana_csv(lines: Sequence[LineOf]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["Date", "Time", "pod", "Line", "tsNs", "id"])
    for i, (stream, text) in reversed(list(enumerate(lines))):
        table.writerow([iso(i), iso(i), stream, text, ns(i), f"{i}_A"])
    return out.getvalue()


def grafana_frames(lines: Sequence[LineOf]) -> str:
    columns: dict[str, list[Any]] = {
        "labels": [{"pod": stream} for stream, _ in lines],
        "Time": [ms(i) for i in range(len(lines))],
        "Line": [text for _, text in lines],
        "tsNs": [ns(i) for i in range(len(lines))],
    }
    frame = {
        "schema": {"refId": "A", "fields": [{"name": name} for name in columns]},
        "data": {"values": [column[::-1] for column in columns.values()]},
    }
    return json.dumps({"results": {"A": {"status": 200, "frames": [frame]}}})


def cloudwatch_csv(lines: Sequence[LineOf]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(["@timestamp", "@message", "@logStream"])
    for i, (stream, text) in reversed(list(enumerate(lines))):
        table.writerow([f"{when(i):%Y-%m-%d %H:%M:%S}.{when(i).microsecond // 1000:03d}", text, stream])
    return "sep=,\r\n" + out.getvalue()


def cloudwatch_row(i: int, stream: str, text: str) -> Json:
    return {"@timestamp": iso(i), "@message": text, "@logStream": stream}


def cloudwatch_tail(i: int, stream: str, text: str) -> str:
    return f"{when(i).isoformat(timespec='microseconds')} {stream}/app/0f {text}"


def cloudwatch_text(i: int, stream: str, text: str) -> str:
    return f"EVENTS\t{i:056d}\t{ms(i)}\t{stream}\t{text}\t{ms(i)}"


def splunk(i: int, stream: str, text: str) -> Json:
    return {"preview": False, "result": {"_raw": text, "_time": iso(i), "host": stream, "source": "x"}}


def datadog(lines: Sequence[LineOf]) -> str:
    found = [
        {"id": str(i), "type": "log", "attributes": {"timestamp": iso(i), "service": stream, "message": text}}
        for i, (stream, text) in enumerate(lines)
    ]
    return json.dumps({"data": found[::-1], "meta": {}})


def datadog_archived(i: int, stream: str, text: str) -> Json:
    return {"_id": str(i), "date": iso(i), "service": stream, "host": "h", "message": text, "attributes": {}}


def google_entry(i: int, stream: str, text: str) -> Json:
    resource = {"type": "k8s_container", "labels": {"pod_name": stream, "container_name": "app"}}
    return {
        "insertId": f"x{i}",
        "logName": "projects/p/logs/stdout",
        "receiveTimestamp": iso(i),
        "resource": resource,
        "severity": "INFO",
        "textPayload": text,
        "timestamp": iso(i),
    }


def google_object(i: int, stream: str, text: str) -> Json:
    """Write an entry as the agent does for a line that is a JSON object."""
    entry = google_entry(i, stream, text)
    try:
        value = json.loads(text)
    except ValueError:
        return entry
    if isinstance(value, dict):
        entry["jsonPayload"] = value
        del entry["textPayload"]
    return entry


def cloudwatch_event(i: int, stream: str, text: str) -> Json:
    return {"logStreamName": stream, "timestamp": ms(i), "message": text, "ingestionTime": ms(i) + 9, "eventId": str(i)}


def cloudwatch_events(lines: Sequence[LineOf]) -> str:
    events = [cloudwatch_event(i, stream, text) for i, (stream, text) in enumerate(lines)]
    return json.dumps({"events": events, "searchedLogStreams": []}, indent=4)


def cloudwatch_subscription(lines: Sequence[LineOf]) -> str:
    """Write objects as Firehose does into a bucket: one after the other without a separator."""
    written = []
    for stream, some in groupby(enumerate(lines), key=lambda line: line[1][0]):
        events = [{"id": str(i), "timestamp": ms(i), "message": text} for i, (_, text) in some]
        written.append(
            json.dumps(
                {
                    "messageType": "DATA_MESSAGE",
                    "owner": "1",
                    "logGroup": "/shop",
                    "logStream": stream,
                    "subscriptionFilters": ["all"],
                    "logEvents": events,
                }
            )
        )
    return "".join(written)


def cloudwatch_query(lines: Sequence[LineOf]) -> str:
    results = []
    for i, (stream, text) in reversed(list(enumerate(lines))):
        row = {"@timestamp": iso(i), "@message": text, "@logStream": stream, "@ptr": str(i)}
        results.append([{"field": field, "value": value} for field, value in row.items()])
    return json.dumps({"results": results, "statistics": {"recordsMatched": 1.0}, "status": "Complete"})


def azure_row(i: int, stream: str, text: str) -> Json:
    row = {"LogEntry": text, "ContainerID": stream, "LogEntrySource": "stdout", "TableName": "PrimaryResult"}
    return {**row, "TimeGenerated": iso(i)}


def azure_v2_row(i: int, stream: str, text: str) -> Json:
    return {
        "TimeGenerated": iso(i),
        "PodName": stream,
        "ContainerName": "app",
        "LogMessage": text,
        "LogSource": "stdout",
    }


def azure_tables(lines: Sequence[LineOf]) -> str:
    names = ["TimeGenerated", "PodName", "LogMessage"]
    columns = [{"name": name, "type": "string"} for name in names]
    rows = [[iso(i), stream, text] for i, (stream, text) in enumerate(lines)]
    return json.dumps({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]})


def azure_export(i: int, stream: str, text: str) -> Json:
    inner = {"log": text, "pod": stream, "stream": "stdout"}
    return {"time": iso(i), "category": "ContainerLog", "operationName": "x", "properties": inner}


# --- hosts ----------------------------------------------------------------------------------------------------------


def journal_entry(i: int, stream: str, text: str) -> Json:
    return {
        "__CURSOR": f"s=1;i={i}",
        "__REALTIME_TIMESTAMP": str(ms(i) * 1000),
        "_HOSTNAME": "node1",
        "_STREAM_ID": stream,
        "PRIORITY": "6",
        "MESSAGE": text,
    }


def journal_export(lines: Sequence[LineOf]) -> str:
    """Write every second text as binary, as those with control characters are."""
    written = []
    for i, (stream, text) in enumerate(lines):
        entry = journal_entry(i, stream, "")
        del entry["MESSAGE"]
        size = len(text.encode()).to_bytes(8, "little").decode("latin-1")
        is_plain = i % 2 or len(text.encode()) > 127
        fields = [f"{name}={value}" for name, value in entry.items()]
        written.append("\n".join([*fields, f"MESSAGE={text}" if is_plain else f"MESSAGE\n{size}{text}"]) + "\n\n")
    return "".join(written)


def rfc3164(i: int, stream: str, text: str) -> str:
    return f"<30>{when(i):%b %d %H:%M:%S} node1 {stream}[42]: {text}"


def rfc5424(i: int, stream: str, text: str) -> str:
    return f'<30>1 {iso(i)} node1 {stream} 42 - [meta sequenceId="{i}" note="a \\] b"] {text}'


def syslog_frames(lines: Sequence[LineOf]) -> str:
    messages = [rfc5424(i, *line) for i, line in enumerate(lines)]
    return "".join(f"{len(message.encode())} {message}" for message in messages)


def journal_short(i: int, stream: str, text: str) -> str:
    return f"{when(i):%b %d %H:%M:%S} node1 {stream}[42]: {text}"


def journal_short_iso(i: int, stream: str, text: str) -> str:
    return f"{when(i):%Y-%m-%dT%H:%M:%S}+0000 node1 {stream}[42]: {text}"


def compose(lines: Sequence[LineOf]) -> str:
    return "Attaching to web-1\n" + "".join(f"{stream:<12}| {text}\n" for stream, text in lines)


def coloured_compose(lines: Sequence[LineOf]) -> str:
    return "".join(f"\x1b[36m{stream:<12} |\x1b[0m {text}\n" for stream, text in lines)


WRITERS = {
    "docker": Writer(envelopes.docker, docker),
    "docker, split": Writer(envelopes.docker, lambda lines: docker(lines, 40)),
    "fluent bit": Writer(envelopes.docker, by_json(fluent_bit)),
    "fluent bit list": Writer(envelopes.docker, fluent_bit_list),
    "fluentd file": Writer(envelopes.fluentd, by_line(fluentd_file)),
    "fluent bit output": Writer(envelopes.fluentd, by_line(fluent_bit_output)),
    "filebeat": Writer(envelopes.elastic, by_json(filebeat)),
    "hits": Writer(envelopes.elastic, hits),
    "vector": Writer(envelopes.vector, by_json(vector)),
    "splunk": Writer(envelopes.splunk, by_json(splunk)),
    "datadog": Writer(envelopes.datadog, datadog),
    "datadog archive": Writer(envelopes.datadog, by_json(datadog_archived)),
    "stern": Writer(envelopes.stern, by_json(stern)),
    "stern as text": Writer(envelopes.kubernetes, by_line(lambda i, stream, text: f"{stream} app {text}")),
    "kail": Writer(envelopes.kubernetes, by_line(lambda i, stream, text: f"shop/{stream}[app]: {text}")),
    "cri": Writer(envelopes.cri, cri),
    "cri, split": Writer(envelopes.cri, lambda lines: cri(lines, 40)),
    "loki answer": Writer(envelopes.loki, loki_answer),
    "loki answer, oldest first": Writer(envelopes.loki, lambda lines: loki_answer(lines, newest_first=False)),
    "logcli jsonl": Writer(envelopes.loki, by_json(loki_line)),
    "logcli jsonl, newest first": Writer(
        envelopes.loki,
        lambda lines: "".join(json.dumps(loki_line(i, *line)) + "\n" for i, line in reversed(list(enumerate(lines)))),
    ),
    "logcli": Writer(envelopes.loki, by_line(lambda i, stream, text: f'{iso(i)} {{pod="{stream}", app="a b"}} {text}')),
    "grafana text": Writer(envelopes.grafana, grafana_text, names_streams=False),
    "grafana json": Writer(envelopes.grafana, as_list(grafana_row, newest_first=True)),
    "grafana frames": Writer(envelopes.grafana, grafana_frames),
    "grafana csv": Writer(envelopes.csv_download, grafana_csv),
    "cloudwatch csv": Writer(envelopes.csv_download, cloudwatch_csv),
    "gcloud list": Writer(envelopes.google_cloud, as_list(google_entry, newest_first=True)),
    "gcloud lines": Writer(envelopes.google_cloud, by_json(google_entry)),
    "gcloud objects": Writer(envelopes.google_cloud, by_json(google_object)),
    "cloudwatch events": Writer(envelopes.cloudwatch, cloudwatch_events),
    "cloudwatch event lines": Writer(envelopes.cloudwatch, by_json(cloudwatch_event)),
    "cloudwatch subscription": Writer(envelopes.cloudwatch, cloudwatch_subscription),
    "cloudwatch query": Writer(envelopes.cloudwatch, cloudwatch_query),
    "cloudwatch rows": Writer(envelopes.cloudwatch, as_list(cloudwatch_row, newest_first=True)),
    "cloudwatch tail": Writer(envelopes.cloudwatch_text, by_line(cloudwatch_tail)),
    "cloudwatch text": Writer(envelopes.cloudwatch_text, by_line(cloudwatch_text)),
    "azure rows": Writer(envelopes.azure, as_list(azure_row, newest_first=True)),
    "azure v2 lines": Writer(envelopes.azure, by_json(azure_v2_row)),
    "azure tables": Writer(envelopes.azure, azure_tables),
    "azure export": Writer(envelopes.azure, by_json(azure_export)),
    "journalctl json": Writer(envelopes.journald, by_json(journal_entry)),
    "journalctl json, newest first": Writer(
        envelopes.journald,
        lambda lines: "".join(
            json.dumps(journal_entry(i, *line)) + "\n" for i, line in reversed(list(enumerate(lines)))
        ),
    ),
    "journalctl json-seq": Writer(
        envelopes.journald,
        by_line(lambda i, stream, text: "\x1e" + json.dumps(journal_entry(i, stream, text))),
    ),
    "journalctl export": Writer(envelopes.journald_export, journal_export),
    "json strings": Writer(
        envelopes.json_strings,
        lambda lines: json.dumps([text for _, text in lines], indent=4),
        names_streams=False,
    ),
    "syslog 3164": Writer(envelopes.syslog, by_line(rfc3164)),
    "syslog 5424": Writer(envelopes.syslog, by_line(rfc5424)),
    "syslog frames": Writer(envelopes.syslog_frames, syslog_frames),
    "journalctl short": Writer(envelopes.syslog, by_line(journal_short)),
    "journalctl short-iso": Writer(envelopes.syslog, by_line(journal_short_iso)),
    "kubectl": Writer(envelopes.kubernetes, by_line(lambda i, stream, text: f"[pod/{stream}/app] {text}")),
    "kubectl with times": Writer(
        envelopes.kubernetes, by_line(lambda i, stream, text: f"[pod/{stream}/app] {iso(i)} {text}")
    ),
    "kubectl, times alone": Writer(
        envelopes.kubernetes, by_line(lambda i, _, text: f"{iso(i)} {text}"), names_streams=False
    ),
    "prefix of a process": Writer(envelopes.line_prefix, by_line(lambda _, stream, text: f"[{stream}] {text}")),
    "prefix of a build": Writer(
        envelopes.line_prefix, by_line(lambda i, _, text: f"[{iso(i)}] {text}"), names_streams=False
    ),
    "quoted mail": Writer(envelopes.line_prefix, by_line(lambda i, _, text: f"> {text}"), names_streams=False),
    "docker compose": Writer(envelopes.compose, compose),
    "docker compose in colour": Writer(envelopes.compose, coloured_compose),
}
