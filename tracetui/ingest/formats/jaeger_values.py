"""Tags, logs and references of Jaeger, in the structures of its APIs, its stores and other writers."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from tracetui.ingest.formats.field_names import field, plain
from tracetui.ingest.formats.item_lists import objects_of, pairs_in
from tracetui.ingest.formats.jaeger_json_fields import JaegerReference
from tracetui.ingest.formats.numbers import moment_ns, whole_number
from tracetui.ingest.formats.otlp_values import any_value, flattened
from tracetui.ingest.formats.value_nesting import within_limit
from tracetui.ingest.json_repair import lenient_json
from tracetui.ingest.json_repair.lenient_json import EMPTY, loads_or_none
from tracetui.model.json_decoding import MALFORMED
from tracetui.model.span import Event, Link, Value

_USUAL: Final = re.compile(rb"\[\s*\{\s*\"key\"\s*:")
_PROTO_TYPES: Final = {
    "vStr": "string",
    "vBool": "bool",
    "vInt64": "int64",
    "vFloat64": "float64",
    "vBinary": "binary",
}
"""Members of KeyValue in Jaeger protobuf, and their types; a value of 0 or '' is omitted."""
_PROTO_DEFAULTS: Final[dict[str, Value]] = {"bool": False, "int64": 0, "float64": 0.0}
_TYPES: Final = {"boolean": "bool", "int": "int64", "integer": "int64", "long": "int64", "double": "float64"}


class Tag(Struct, gc=False):
    key: str
    type: str = ""
    value: Any = None
    vType: None = None  # noqa: N815
    vStr: None = None  # noqa: N815
    vBool: None = None  # noqa: N815
    vInt64: None = None  # noqa: N815
    vFloat64: None = None  # noqa: N815
    vBinary: None = None  # noqa: N815
    v_type: None = None
    v_str: None = None
    v_bool: None = None
    v_int64: None = None
    v_float64: None = None
    v_binary: None = None
    Value: None = None


class _Log(Struct, gc=False):
    timestamp: int
    fields: list[Tag]


_TAGS = msgspec.json.Decoder(list[Tag])
_LOGS = msgspec.json.Decoder(list[_Log])
_REFERENCES = msgspec.json.Decoder(list[JaegerReference])
LINK_KINDS = ("CHILD_OF", "FOLLOWS_FROM")


class JaegerCodec:
    """Codec for Jaeger tags, logs and references."""

    is_text = True

    def attributes(self, raw: bytes) -> dict[str, Value]:
        if raw in (b"", b"[]", b"null"):
            return {}
        try:
            tags = _TAGS.decode(raw)
        except MALFORMED:
            tags = tags_of(loads_or_none(raw))
        return {tag.key: tag.value if type(tag.value) is str and tag.type == "string" else _value(tag) for tag in tags}

    def events(self, raw: bytes) -> list[Event]:
        if raw in (b"", b"[]", b"null"):
            return []
        try:
            logs = [(log.timestamp * 1000, log.fields) for log in _LOGS.decode(raw)]
        except MALFORMED:
            logs = [
                (moment_ns(field(item, "timestamp"), 1000) or 0, tags_of(field(item, "fields")))
                for item in objects_of(loads_or_none(raw))
            ]
        events = []
        for time_ns, tags in logs:
            fields = {tag.key: _value(tag) for tag in tags}
            naming = next((key for key in ("event", "message", "log") if fields.get(key)), None)
            name = str(fields.pop(naming)) if naming else ""
            events.append(Event(time_ns, name, fields))
        return events

    def links(self, raw: bytes) -> list[Link]:
        if not raw:
            return []
        references = _REFERENCES.decode(raw)
        return [Link(ref.traceID, ref.spanID, ref.refType if ref.refType in LINK_KINDS else "") for ref in references]


CODEC = JaegerCodec()


def usual_tags(raw: bytes) -> bytes | None:
    """Convert tags of any structure to Jaeger's list; None if they cannot be read."""
    if _USUAL.match(raw):
        return raw
    if EMPTY.fullmatch(raw):
        return b""
    value = loads_or_none(raw)
    return tags_json(tags_of(value)) if are_readable(value) else None


def are_readable(value: Any) -> bool:
    """Test whether tags, logs or references have a known structure, or are absent."""
    if isinstance(value, str):
        return not value.strip() or lenient_json.container_in(value) is not None
    return value is None or isinstance(value, (list, dict))


def tags_of(value: Any) -> list[Tag]:
    """Read tags that are a list of keys and values, an object, or JSON text of one of these."""
    value = pairs_in(value)
    if isinstance(value, dict):
        return _tags_of_object(value)
    found = []
    for item in value if isinstance(value, list) else ():
        if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str):
            found.append(Tag(item[0], "", item[1]))
        elif isinstance(item, dict):
            key = field(item, "key")
            if key is None and field(item, "value") is not None:
                key = field(item, "name")
            if isinstance(key, str):
                found.append(_tag_of_item(key, item))
            elif key is None and item.keys().isdisjoint(("value", "Value")):
                found += _tags_of_object(item)
    return found


def _tags_of_object(value: dict[str, Any]) -> list[Tag]:
    found = []
    for key, item in value.items():
        if not isinstance(item, dict):
            found.append(Tag(key, "", item))
        elif "value" in item and item.keys() <= {"type", "value"}:
            found.append(_tag_of_item(key, item))
        else:
            found += [Tag(name, "", content) for name, content in flattened({key: item}).items()]
    return found


def _tag_of_item(key: str, item: dict[str, Any]) -> Tag:
    value, kind = field(item, "value"), field(item, "type", "vType")
    kind = kind if isinstance(kind, str) else ""
    if value is None and "value" not in item and "Value" not in item:
        for name, known in _PROTO_TYPES.items():
            if field(item, name) is not None:
                return Tag(key, known, field(item, name))
        if field(item, "vType") is not None:
            return Tag(key, "", _PROTO_DEFAULTS.get(plain(kind), ""))
    return Tag(key, kind, value)


def tags_json(tags: list[Tag]) -> bytes:
    """Encode tags as Jaeger's list."""
    return msgspec.json.encode([{"key": tag.key, "type": tag.type, "value": tag.value} for tag in tags])


def _value(tag: Tag) -> Value:
    value, kind = tag.value, tag.type
    if isinstance(value, dict):
        # as in OTLP
        value = any_value(value)
    elif isinstance(value, list):
        value = within_limit(value)
    if kind == "string" or not kind:
        return value  # type: ignore[no-any-return]  # any JSON value is a Value
    kind = _TYPES.get(kind := kind.lower(), kind)
    try:
        if kind == "int64" and isinstance(value, (str, dict)):
            number = whole_number(value)
            return value if number is None else number
        if kind == "float64" and isinstance(value, (str, int)):
            return float(value)
        if kind == "bool" and isinstance(value, str):
            return value.lower() == "true"
        if kind == "bool" and value in (0, 1):
            return bool(value)
        if kind == "binary" and isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        pass
    return value  # type: ignore[no-any-return]
