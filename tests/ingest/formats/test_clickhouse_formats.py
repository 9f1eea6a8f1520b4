"""Tables of spans in ClickHouse's output formats, as the server writes them, and in the forms of other databases."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.support.decoding import read
from tests.support.format_samples import CHILD, MS, ROOT, START_NS, TRACE, flat, spans, warnings
from tests.support.format_samples import SPANS as SAMPLE_SPANS
from tests.support.paths import RECORDINGS
from tracetui.ingest import json_member_limit, json_value_limit
from tracetui.ingest.formats import flat_otlp

_FILE = RECORDINGS / "clickhouse-26-formats.jsonl.gz"
RECORDED = {one["format"]: one["text"] for one in map(json.loads, gzip.decompress(_FILE.read_bytes()).splitlines())}
WITHOUT_NAMES = ("CSV", "TSV", "JSONCompactEachRow", "JSONCompactStringsEachRow", "Values", "SQLInsert")
READABLE = [name for name in RECORDED if name not in (*WITHOUT_NAMES, "XML", "Markdown")]


@pytest.mark.parametrize("name", READABLE)
def test_format_of_clickhouse(name: str) -> None:
    traces = read(RECORDED[name])
    found = spans(traces)
    assert found.keys() == {"GET /", "load"}
    root, child = found["GET /"], found["load"]
    assert (root.service, child.service, child.parent_id) == ("web", "orders", root.span_id)
    assert (root.start_ns, root.duration_ns, child.duration_ns) == (START_NS, 100 * MS, 50 * MS)
    assert root.attributes["q"] == 'it\'s "x"\tb\\n, {a}'
    assert child.status_message == 'deadlock\nat "a"\tb\'c'
    assert [event.attributes["exception.message"] for event in child.events] == ['dead\'lock "x"\n\ttab']
    assert [link.span_id for link in child.links] == ["b7ad6b7169203332"]
    assert warnings(traces) == []


@pytest.mark.parametrize("name", WITHOUT_NAMES)
def test_rows_without_column_names_are_reported(name: str) -> None:
    what = "rows of spans without column names, or in the notation of SQL; export JSON, or CSV with a header"
    assert warnings(read(RECORDED[name])) == [f"f: {what}"]


def test_markdown_of_clickhouse() -> None:
    traces = read(RECORDED["Markdown"])
    assert {name: (span.service, span.duration_ns) for name, span in spans(traces).items()} == {
        "GET /": ("web", 100 * MS),
        "load": ("orders", 50 * MS),
    }
    assert warnings(traces) == []


def test_xml_is_not_reported_as_a_web_page() -> None:
    assert warnings(read(RECORDED["XML"])) == ["f: an XML document, which is not supported; export JSON"]


def test_damaged_row_of_a_json_table_costs_only_itself() -> None:
    names, types, *rows = RECORDED["JSONCompactEachRowWithNamesAndTypes"].splitlines()
    traces = read("\n".join([names, types, rows[0][:99], rows[1], "[1, 2]"]))
    assert list(spans(traces)) == ["load"]
    what = "skipped: the line is not a list of 22 cells like the first line (and 1 more like it)"
    assert warnings(traces)[0] == f"f: line 3: {what}"


@pytest.mark.parametrize("numbered", [False, True])
def test_data_frame_by_columns(numbered: bool) -> None:
    rows = [flat(*span) for span in SAMPLE_SPANS]
    cells = {name: [row[name] for row in rows] for name in rows[0]}
    frame = {
        name: {str(i): cell for i, cell in enumerate(column)} if numbered else column for name, column in cells.items()
    }
    traces = read(json.dumps(frame))
    assert spans(traces) == spans(read("\n".join(map(json.dumps, rows))))
    assert warnings(traces) == []


def test_large_table_by_columns_keeps_its_first_rows_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_value_limit, "MAX_DENSE", 2_000)
    monkeypatch.setattr(json_member_limit, "MAX_MEMBERS", 1_000)
    monkeypatch.setattr(json_member_limit, "_MIN_BYTES", 2_000)
    monkeypatch.setattr(flat_otlp, "MAX_MEMBERS", 1_000)
    first = flat(*SAMPLE_SPANS[0])
    rows = [first | {"trace_id": f"{number:032x}", "span_id": f"{number:016x}"} for number in range(1, 20_001)]
    traces = read(json.dumps({name: [row[name] for row in rows] for name in rows[0]}))
    # small members are counted by windows
    assert 1_000 <= len(traces) < len(rows)
    assert {traces.service_name(span) for span in range(len(traces))} == {"orders"}
    assert set(traces.trace_ids) == {row["trace_id"] for row in rows[: len(traces)]}
    assert [warning.partition(" small members")[0] for warning in warnings(traces)] == ["f: more than 1,000"]


def test_expanded_rows_of_psql() -> None:
    def row(number: int, *cells: str) -> str:
        names = ("trace_id", "span_id", "parent_span_id", "service_name", "span_name", "start_time", "duration_ms")
        lines = [f"{name:<14} | {cell}" for name, cell in zip(names, cells, strict=True)]
        return "\n".join([f"-[ RECORD {number} ]--+-----------------", *lines]) + "\n"

    traces = read(
        row(1, TRACE, ROOT, "", "web", "GET /x", "2026-03-20 09:46:40+00", "100")
        + row(2, TRACE, CHILD, ROOT, "orders", "load", "2026-03-20 09:46:40.01+00", "50.5")
    )
    found = spans(traces)
    assert (found["GET /x"].start_ns, found["GET /x"].duration_ns) == (START_NS, 100 * MS)
    assert (found["load"].parent_id, found["load"].duration_ns) == (ROOT, 50_500_000)
    assert warnings(traces) == []


NAMES = ("trace_id", "span_id", "parent_span_id", "service_name", "span_name", "start_time", "duration_ms")
CELLS = (
    (TRACE, ROOT, "NULL", "web", "GET /x", "2026-03-20 09:46:40", "100"),
    (TRACE, CHILD, ROOT, "orders", "load", "2026-03-20 09:46:40.01", "50.5"),
)
WIDTHS = [max(map(len, column)) for column in zip(NAMES, *CELLS, strict=True)]


def drawn(cells: tuple[str, ...]) -> str:
    return " | ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))


BORDER = "+" + "+".join("-" * (width + 2) for width in WIDTHS) + "+"
DRAWN = {
    "psql": "\n".join([f" {drawn(NAMES)}", BORDER[1:-1], *(f" {drawn(row)}" for row in CELLS), "(2 rows)", ""]),
    "psql, unaligned": "\n".join(["|".join(NAMES), *map("|".join, CELLS), "(2 rows)"]),
    "mysql": "\n".join(
        [
            BORDER,
            f"| {drawn(NAMES)} |",
            BORDER,
            *(f"| {drawn(row)} |" for row in CELLS),
            BORDER,
            "2 rows in set (0.00 sec)",
        ]
    ),
    "mysql, vertical": "".join(
        f"{'*' * 27} {i}. row {'*' * 27}\n"
        + "".join(f"{name:>14}: {cell}\n" for name, cell in zip(NAMES, row, strict=True))
        for i, row in enumerate(CELLS, start=1)
    )
    + "2 rows in set (0.00 sec)\n",
    "Markdown": "\n".join(
        [f"| {' | '.join(NAMES)} |", "|---" * len(NAMES) + "|", *(f"| {' | '.join(row)} |" for row in CELLS)]
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_tables_drawn_by_clients(name: str) -> None:
    traces = read(DRAWN[name])
    found = spans(traces)
    root, child = found["GET /x"], found["load"]
    assert (root.parent_id, child.parent_id, child.service) == (None, ROOT, "orders")
    assert (root.start_ns, root.duration_ns, child.duration_ns) == (START_NS, 100 * MS, 50_500_000)
    assert warnings(traces) == []


def test_damaged_row_of_a_drawn_table_costs_itself() -> None:
    traces = read(DRAWN["mysql"].replace("| orders ", "| or | ders "))
    assert list(spans(traces)) == ["GET /x"]
    assert warnings(traces) == ["f: line 5: skipped: the row does not have 7 cells like the header"]


def test_cells_without_a_value() -> None:
    for missing in ("", "NULL", "None", "nan"):
        rows = [",".join(NAMES), *(",".join(cell.replace("NULL", missing) for cell in row) for row in CELLS)]
        traces = read("\n".join(rows))
        assert spans(traces)["GET /x"].parent_id is None
        assert warnings(traces) == []


def test_key_before_a_message_of_a_queue() -> None:
    lines = [f"key\t{json.dumps(flat(*span))}" for span in SAMPLE_SPANS]
    traces = read("\n".join(lines))
    assert len(traces) == 2
    assert warnings(traces) == []
