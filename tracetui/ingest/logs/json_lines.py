"""JSON objects as loggers write them, one a line."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tracetui.ingest.json_repair.lenient_json import value_of
from tracetui.ingest.logs.fields import FieldReader
from tracetui.ingest.logs.record import LogRecord
from tracetui.model.decoding import MALFORMED

_decode = msgspec.json.Decoder().decode


class JsonLines:
    """A JSON object a record."""

    name = "JSON"

    def __init__(self) -> None:
        self._reader = FieldReader()

    def recognises(self, unit: bytes) -> bool:
        return unit[:1] == b"{"

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        fields = decoded(unit)
        if isinstance(fields, dict):
            return (self._reader.record(fields),)
        # text in braces, as templates and Python's dicts are, is no damaged JSON
        if unit[1:2] == b'"' or unit[1:].lstrip()[:1] == b'"':
            raise ValueError("JSON object is damaged")
        return None


def decoded(unit: bytes) -> object:
    """The value of a JSON text, None if it is none. A comma after it, as in a list of one object a line, is allowed."""
    try:
        return _decode(unit)
    except MALFORMED:
        pass
    value = value_of(unit)
    return value_of(unit.rstrip(b", \t")) if value is None and unit[-1:] in b", \t" else value
