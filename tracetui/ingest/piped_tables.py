"""Tables drawn with bars between the cells, as clients of databases print them, and as Markdown has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tracetui.ingest.csv_tables import TableRows, format_with
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.deferred_spans import and_similar
from tracetui.ingest.formats.plain_span import SpanSink
from tracetui.ingest.json_tables import lines_from
from tracetui.ingest.source_bytes import Buffer

_LONGEST_HEADER: Final = 1 << 16
_BORDER: Final = re.compile(r"[-+|:=\s─┼┌┐└┘├┤┬┴│]*")
_FOOTER: Final = re.compile(r"\(\d+ rows?\)|\d+ rows? in set.*", re.DOTALL)


def decode_piped_table(
    data: Buffer, start: int, context: DecodeContext, sink: SpanSink, progress: Callable[[float], None]
) -> bool:
    """Decode a table of a known format. -> False if it is not one"""
    end = data.find(b"\n", start, start + _LONGEST_HEADER)
    if end < 0 or data.find(b"|", start, start + _LONGEST_HEADER) < 0:
        return False
    if _BORDER.fullmatch(data[start:end].decode("utf-8", "replace")):
        # mysql draws a line above the header, too
        start, end = end + 1, data.find(b"\n", end + 1, end + _LONGEST_HEADER)
    columns = _cells(data[start:end].decode("utf-8", "replace")) if end >= 0 else []
    format_ = format_with(columns) if len(columns) > 1 else None
    if format_ is None:
        return False
    rows = TableRows(format_, columns, context, sink)
    lost = first_lost = 0
    before = data[:end].count(b"\n")
    for number, line, share in lines_from(data, end + 1):
        text = line.decode("utf-8", "replace")
        if _BORDER.fullmatch(text) or _FOOTER.fullmatch(text):
            continue
        row = _cells(text)
        if len(row) == len(columns):
            rows.add(row)
            if not rows.waiting:
                progress(share)
        else:
            lost, first_lost = lost + 1, first_lost or number + before
    rows.finish()
    if lost:
        what = f"skipped: the row does not have {len(columns)} cells like the header"
        context.line(first_lost).warn(f"{what}{and_similar(lost)}")
    return True


def _cells(line: str) -> list[str]:
    text = line.strip()
    if text[:1] == "|" and text[-1:] == "|":
        text = text[1:-1]
    return [cell.strip() for cell in text.split("|")]
