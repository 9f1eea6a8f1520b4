"""Attributes, events and links of OTLP JSON, in the structures of writers in many languages.

In OTLP an attribute is `{"key": "k", "value": {"stringValue": "v"}}`, and attributes are a list of these. Other writers
use names in snake_case (protobuf's `preserving_proto_field_name`) or PascalCase, write a oneof as the Go struct around
it (`{"Value": {"StringValue": "v"}}`), attributes as a plain object (`{"k": "v"}`) or as a text with JSON (dumps of SQL
tables), and 64-bit integers as objects of two halves.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final

from tracetui.ingest.formats.field_names import field, plain
from tracetui.ingest.formats.item_lists import objects_of, pairs_in
from tracetui.ingest.formats.numbers import moment_ns, whole_number
from tracetui.ingest.formats.otlp_span_rules import hex_id, link_with_kind
from tracetui.ingest.formats.saved_fields import FIELD, INTEGER
from tracetui.ingest.formats.value_nesting import SKIPPED, VALUE_NESTING
from tracetui.ingest.json_repair import lenient_json
from tracetui.model.span import Event, Link, Value

_ENCODED: Final = 4096
"""Number of attributes encoded in one call."""
_from_base64 = partial(base64.b64decode, validate=True)
_NAMES: Final = frozenset(
    ("stringvalue", "boolvalue", "intvalue", "doublevalue", "bytesvalue", "arrayvalue", "kvlistvalue")
)
_PROTO_NAMES: Final = {
    "vstr": "stringvalue",
    "vbool": "boolvalue",
    "vint64": "intvalue",
    "vfloat64": "doublevalue",
    "vbinary": "bytesvalue",
}
"""Member names of Jaeger's KeyValue."""
_CASES: Final = dict(
    enumerate(("stringvalue", "boolvalue", "intvalue", "doublevalue", "arrayvalue", "kvlistvalue", "bytesvalue"), 1)
)
"""Member numbers of AnyValue."""
_DEFAULTS: Final[tuple[Any, ...]] = ("", 0, [], {})
_TRUTHS: Final = {"true": True, "false": False, "1": True, "0": False}


def any_value(value: Any, depth: int = 0) -> Value:
    """Read an AnyValue of any structure. A bare value is returned unchanged, an unknown object is a map."""
    if not isinstance(value, dict):
        return _bare(value, depth)
    if depth > VALUE_NESTING:
        return SKIPPED
    # some writers write every member of a oneof, all but one null
    names = {plain(name): content for name, content in value.items() if content is not None or len(value) == 1}
    members = {known: content for name, content in names.items() if (known := _PROTO_NAMES.get(name, name)) in _NAMES}
    if members:
        name = _set_member(members, names.get("valuecase"))
        is_integer = len(value) > 1 and value.get(FIELD) == INTEGER
        return _typed("intvalue" if is_integer else name, members[name], depth)
    # protobuf-es has the name of the member in `case`
    if names.keys() == {"case", "value"} and (case := plain(str(names["case"]))) in _NAMES:
        return _typed(case, names["value"], depth)
    # Go's oneof, or a value with a type
    if "value" in names and (names.keys() <= {"value", "type"} or "valuecase" in names):
        return any_value(names["value"], depth + 1)
    number = None if "value" in names else whole_number(value)
    if number is not None or not value:
        return number
    return attributes_of(value, depth + 1) if depth < VALUE_NESTING else SKIPPED


def _set_member(members: dict[str, Any], case: Any) -> str:
    """Find the set member of a oneof. Of several, use the case stated by .NET and Java, else the first non-default."""
    if len(members) > 1:
        named = _CASES.get(whole_number(case) or 0) or plain(str(case))
        if named in members:
            return named
        return next((name for name, content in members.items() if content not in _DEFAULTS), next(iter(members)))
    return next(iter(members))


def _typed(name: str, content: Any, depth: int) -> Value:
    match name:
        case "stringvalue":
            return json.dumps(content, ensure_ascii=False) if isinstance(content, (list, dict)) else _plain(content)
        case "boolvalue":
            truth = _TRUTHS.get(str(content).lower())
            return _plain(content) if truth is None else truth
        case "intvalue":
            number = whole_number(content)
            return _plain(content) if number is None else number
        case "doublevalue":
            return _converted(float, content)
        case "bytesvalue":
            return _bytes(content)
        case "arrayvalue":
            items = field(content, "values") if isinstance(content, dict) else content
            return _bare(items, depth) if isinstance(items, list) else []
        case _:
            return attributes_of(content, depth + 1) if depth < VALUE_NESTING else SKIPPED


def _bare(value: Any, depth: int) -> Value:
    if isinstance(value, list):
        return [any_value(item, depth + 1) for item in value] if depth < VALUE_NESTING else SKIPPED
    return _plain(value)


def _plain(content: Any) -> Value:
    """Accept content of a type that does not match its name, unless it is nested."""
    return None if isinstance(content, (list, dict)) else content


def _converted(convert: Callable[[Any], Value], content: Any) -> Value:
    try:
        return convert(content)
    except (ValueError, TypeError, OverflowError):
        return _plain(content)


def _bytes(content: Any) -> Value:
    content = _listed(content)
    if isinstance(content, list):
        try:
            return bytes(content)
        except (ValueError, TypeError):
            return None
    return _converted(_from_base64, content)


def attributes_of(value: Any, depth: int = 0) -> dict[str, Value]:
    """Read attributes of any structure; anything else gives none."""
    value = pairs_in(value)
    if isinstance(value, dict):
        values = field(value, "values")
        if len(value) == 1 and isinstance(values, list):
            return attributes_of(values, depth)
        return flattened(value, depth)
    found: dict[str, Value] = {}
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            found |= _pair(item, depth)
        elif isinstance(item, list) and len(item) == 2 and isinstance(item[0], str):
            found[item[0]] = any_value(item[1], depth)
    return found


def flattened(value: dict[str, Any], depth: int = 0) -> dict[str, Value]:
    """Read attributes from an object. Keys of nested objects are parts of a dotted name, as in document stores:
    `{"db": {"system": "mysql"}}` is `db.system`.
    """
    found: dict[str, Value] = {}
    for key, item in value.items():
        read = any_value(item, depth)
        # a typed value is not part of a name
        if depth or not isinstance(read, dict) or read.keys() != {str(name) for name in item}:
            found[str(key)] = read
            continue
        pending = [(f"{key}.", read)]
        while pending:
            prefix, members = pending.pop()
            for name, member in members.items():
                if isinstance(member, dict) and member:
                    pending.append((f"{prefix}{name}.", member))
                else:
                    found[prefix + name] = member
    return found


def are_readable(value: Any) -> bool:
    """Test whether attributes have a known structure, or are absent."""
    if isinstance(value, str):
        return not value.strip() or lenient_json.container_in(value) is not None
    if isinstance(value, list):
        return all(isinstance(item, dict) or (isinstance(item, list) and len(item) == 2) for item in value)
    return value is None or isinstance(value, dict)


def _pair(item: dict[str, Any], depth: int) -> dict[str, Value]:
    key = item.get("key", item.get("Key"))
    if key is None and {plain(name) for name in item} == {"name", "value"}:
        key = field(item, "name")
    if isinstance(key, str):
        if "value" in item or "Value" in item:
            return {key: any_value(item.get("value", item.get("Value")), depth)}
        rest = {name: content for name, content in item.items() if plain(name) not in ("key", "type", "vtype")}
        return {key: any_value(rest, depth)}
    if key is not None or not item.keys().isdisjoint(("value", "Value")):
        return {}
    return {str(name): any_value(content, depth) for name, content in item.items()}


def as_otlp(value: Value, depth: int = 0) -> dict[str, Any]:
    """Convert a value to OTLP JSON."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case list() if depth < VALUE_NESTING:
            return {"arrayValue": {"values": [as_otlp(item, depth + 1) for item in value]}}
        case dict() if depth < VALUE_NESTING:
            return {"kvlistValue": {"values": pairs_of(value, depth + 1)}}
        case list() | dict():
            return {"stringValue": SKIPPED}
        case str():
            return {"stringValue": value}
        case _:
            return {}


def pairs_of(attributes: dict[str, Value], depth: int = 0) -> list[dict[str, Any]]:
    """Convert attributes to OTLP's list."""
    return [{"key": key, "value": as_otlp(value, depth)} for key, value in attributes.items()]


def encoded_pairs(attributes: Mapping[str, Value]) -> bytes:
    """Encode attributes as OTLP's list; b"" for none."""
    # a few at a time: each takes twenty times its size until it is encoded
    names = iter(attributes)
    parts = iter(lambda: {name: attributes[name] for name in islice(names, _ENCODED)}, {})
    text = b",".join(encoded(pairs_of(part))[1:-1] for part in parts)
    return b"[%b]" % text if text else b""


def events_of(value: Any) -> list[Event]:
    """Read events of any structure."""
    return [
        Event(
            moment_ns(field(item, "timeUnixNano", "time", "timestamp")) or 0,
            text_of(field(item, "name")),
            attributes_of(field(item, "attributes")),
        )
        for item in objects_of(value)
    ]


def links_of(value: Any) -> list[Link]:
    """Read links of any structure."""
    return [
        link_with_kind(
            id_of(field(item, "traceId"), 32),
            id_of(field(item, "spanId"), 16),
            attributes_of(field(item, "attributes")),
        )
        for item in objects_of(value)
    ]


def id_of(value: Any, digits: int) -> str:
    """Read an id in hex, base64 or as a list of its bytes; '' if it cannot be read."""
    value = _listed(value)
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], str):
            # a field of an Elasticsearch search is a list of its values
            return id_of(value[0], digits)
        return bytes(value).hex() if all(type(byte) is int and 0 <= byte < 256 for byte in value) else ""
    return hex_id(text_of(value), digits)


def _listed(value: Any) -> Any:
    """Convert bytes in an object to a list: a Node Buffer, or a typed array with indices as keys."""
    if not isinstance(value, dict):
        return value
    return value["data"] if "data" in value else list(value.values()) if all(map(str.isdecimal, value)) else None


def text_of(value: Any) -> str:
    """Convert a value to text; '' for None."""
    return value if isinstance(value, str) else "" if value is None else str(value)


# --- Raw parts --------------------------------------------------------------------------------------------------------


def encoded(value: Any) -> bytes:
    """Encode a value as JSON; lone surrogates become `?`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
