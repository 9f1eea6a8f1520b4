"""logfmt: `level=info msg="pool exhausted" trace_id=4bf92f35...`, also with Heroku's and Loki's escapes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from tracetui.ingest.logs.deep_search import with_ids
from tracetui.ingest.logs.fields import FieldReader
from tracetui.ingest.logs.record import LogRecord
from tracetui.model.trace_reference import may_name_trace

_QUOTED: Final = r'"(?:[^"\\]++|\\.)*+"|' + r"'(?:[^'\\]++|\\.)*+'(?=\s|$)"
_PAIR: Final = re.compile(rf'(?:^|(?<=\s))(?P<key>[^\s="\'\[\](){{}},]++)=(?P<value>{_QUOTED}|[^\s"]\S*+|)(?=\s|$)')
_BEGINS: Final = re.compile(rb'[A-Za-z_@][\w@./-]*+=(?:"|[^\s=]|\s|$)')
_QUOTES: Final = ("'", '"')
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "0": "\0"}
_LONGEST: Final = 1 << 16
"""Characters of a line that are searched for pairs."""
_MIN_PAIRS: Final = 2


class Logfmt:
    """Form with the key-value pairs of one record on a line."""

    name = "logfmt"

    def __init__(self) -> None:
        self._reader = FieldReader()

    def recognises(self, unit: bytes) -> bool:
        return _BEGINS.match(unit) is not None

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        text = unit[:_LONGEST].decode("utf-8", "replace")
        fields = pairs(text)
        if len(fields) < _MIN_PAIRS:
            return None
        found: dict[str, Any] = dict(fields)
        record = self._reader.record(found, text)
        if not record.trace_ids and may_name_trace(unit[:_LONGEST]):
            record = with_ids(record, found, self._reader.message(found), self._reader)
        return (record,)


def pairs(text: str) -> dict[str, str]:
    """Parse the pairs of a line, with quotes and escapes resolved; the first value of a repeated key counts."""
    found: dict[str, str] = {}
    for match in _PAIR.finditer(text):
        value = match["value"]
        found.setdefault(
            match["key"],
            unquote_value(value) if value[:1] in _QUOTES and len(value) > 1 and value[-1] == value[0] else value,
        )
    return found


def unquote_value(text: str) -> str:
    """Remove the quotes of a text and resolve Go's and JSON's escapes."""
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    try:
        value = json.loads(text, strict=False)
    except ValueError:
        return _ESCAPE.sub(_unescaped, inner)
    return value if isinstance(value, str) else inner


def _unescaped(found: re.Match[str]) -> str:
    digits = found[1] or found[2]
    if digits:
        return chr(int(digits, 16))
    return _ESCAPES.get(found[3], found[3])
