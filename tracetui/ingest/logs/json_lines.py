"""JSON logs: one object per line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tracetui.ingest.json_member_limit import without_surplus
from tracetui.ingest.json_repair.lenient_json import loads_or_none
from tracetui.ingest.json_value_limit import first_values
from tracetui.ingest.logs.deep_search import with_ids
from tracetui.ingest.logs.fields import FieldReader, holds_spans
from tracetui.ingest.logs.record import LogRecord
from tracetui.model.json_decoding import MALFORMED
from tracetui.model.trace_reference import may_name_trace

_SEARCHED: Final = 1 << 16
_decode = msgspec.json.Decoder().decode


class JsonLines:
    """Form with one JSON object per record."""

    name = "JSON"

    def __init__(self) -> None:
        self._reader = FieldReader()

    def recognises(self, unit: bytes) -> bool:
        return unit[:1] == b"{"

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        fields = decoded(bytes(first_values(unit)))
        if isinstance(fields, dict):
            record = self._reader.record(fields)
            head = unit[:_SEARCHED]
            if not record.trace_ids and may_name_trace(head) and not holds_spans(head):
                record = with_ids(record, fields, self._reader.message(fields), self._reader)
            return (record,)
        # other text in braces, such as a template or a Python dict, is not damaged JSON
        if unit[1:2] == b'"' or unit[1:].lstrip()[:1] == b'"':
            raise ValueError("JSON object is damaged")
        return None


def decoded(unit: bytes) -> object:
    """Decode JSON; None for other text. A comma after it is allowed, as in a list with one object per line.

    Surplus members, such as the attributes of a record that has too many to be kept, are dropped.
    """
    surplus = without_surplus(unit)
    unit = unit if surplus is None else surplus.text
    try:
        return _decode(unit)
    except MALFORMED:
        pass
    value = loads_or_none(unit)
    return loads_or_none(unit.rstrip(b", \t")) if value is None and unit[-1:] in b", \t" else value
