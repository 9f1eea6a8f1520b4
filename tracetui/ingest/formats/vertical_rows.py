r"""Rows of OTLP spans with one column per line, as clients of databases print wide tables.

ClickHouse begins a row with `Row 1:` and a line of dashes (`FORMAT Vertical`), followed by lines `column: value`; psql
begins it with `-[ RECORD 1 ]---`, followed by lines `column | value` (`\x`), MySQL with `*** 1. row ***` (`\G`). The
values are aligned.
"""

from __future__ import annotations

import re
from typing import Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats import flat_otlp
from tracetui.ingest.formats.format import Lines, TextFormat
from tracetui.ingest.formats.plain_span import SpanSink

_OF_CLICKHOUSE: Final = rb"^Row \d+:[ \t]*\r?$"
_OF_PSQL: Final = rb"^-\[ RECORD \d+ \][-+]*\r?$"
_OF_MYSQL: Final = rb"^\*{10,} \d+\. row \*{10,}\r?$"
_BEGIN: Final = re.compile(rb"%b|%b|%b" % (_OF_CLICKHOUSE, _OF_PSQL, _OF_MYSQL))
_FOOTER: Final = re.compile(r"\d+ rows? in set.*")
_CELL: Final = re.compile(r" *([A-Za-z_@][\w.@-]*)(?:: *| +\| ?)(.*)", re.DOTALL)
_REMARK: Final = re.compile(r" -- [\d.]+ \w+$")
"""Remark after a large number: `100000000 -- 100.00 million`."""
_MAX_LINES: Final = 10_000


def _read(_: re.Match[bytes], lines: Lines, context: DecodeContext, sink: SpanSink) -> None:
    cells: dict[str, str] = {}
    width, last = 0, ""
    for _number in range(_MAX_LINES):
        lines.advance()
        raw = lines.line
        if raw is None or _BEGIN.match(raw):
            break
        line = raw.decode("utf-8", "replace").rstrip("\r")
        if _FOOTER.fullmatch(line):
            continue
        found = _CELL.fullmatch(line)
        width = width or (found.start(2) if found else 0)
        if found and found[1] not in cells and (found.start(2) == width or not found[2]):
            last = found[1]
            cells[last] = found[2]
        elif last:
            # a value with line breaks
            cells[last] += f"\n{line}"
    if last:
        # the blank line between two rows
        cells[last] = cells[last].rstrip("\n")
    row = {name: _REMARK.sub("", cell) if cell[:1].isdigit() else cell for name, cell in cells.items()}
    if not flat_otlp.read_cells(row, context, sink):
        context.skip_line()


FORMAT: Final = TextFormat(
    name="rows of OTLP spans, as ClickHouse prints them",
    begins=_OF_CLICKHOUSE,
    hint=b"Row ",
    read=_read,
    needs=(b"SpanId",),
    signs=("Row 1:\n──────".encode(),),
)
PSQL_FORMAT: Final = TextFormat(
    name="rows of OTLP spans, as psql prints them",
    begins=_OF_PSQL,
    hint=b"-[ RECORD ",
    read=_read,
    needs=(b"span_id",),
    signs=(b"-[ RECORD 1 ]",),
)
MYSQL_FORMAT: Final = TextFormat(
    name="rows of OTLP spans, as mysql prints them",
    begins=_OF_MYSQL,
    hint=b". row *",
    read=_read,
    needs=(b"span_id",),
    signs=(b"**** 1. row ****",),
)
