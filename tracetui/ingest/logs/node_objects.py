"""Objects as Node prints them: records of OpenTelemetry's console exporter for logs, and of `console.log`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from tracetui.ingest.formats.node_inspect import inspected
from tracetui.ingest.logs.fields import FieldReader
from tracetui.ingest.logs.record import LogRecord
from tracetui.model.json_decoding import MalformedError

_BEGINS: Final = re.compile(rb"\{\s*(?:[A-Za-z_$][\w$]*|'[^'\n]*'): ")


class NodeObjects:
    """Form with one object per record, on one line or several."""

    name = "objects printed by Node"

    def __init__(self) -> None:
        self._reader = FieldReader()

    def recognises(self, unit: bytes) -> bool:
        return is_node_object(unit)

    def records(self, unit: bytes) -> Iterable[LogRecord] | None:
        value = node_object(unit)
        return None if value is None else (self._reader.record(value),)


def is_node_object(text: bytes) -> bool:
    """Test whether a text begins like an object that Node prints."""
    return _BEGINS.match(text) is not None


def node_object(text: bytes) -> dict[str, Any] | None:
    """Read an object that Node prints; None for any other text."""
    if not is_node_object(text):
        return None
    try:
        value = inspected(text.decode("utf-8", "replace")).value
    except MalformedError:
        return None
    return value if isinstance(value, dict) else None
