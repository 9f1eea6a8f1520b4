"""Documents of OTLP, Jaeger and Zipkin, with values in the forms of many real writers.

Each form is that of a known writer: protobufjs and Long.js (two halves), Go's encoding/json (structs, PascalCase, bytes
in base64 or lists), Python's MessageToDict with preserving_proto_field_name (snake_case), Jackson and dataclasses
(nulls, enums by name), dumps of SQL tables (integers and JSON as text), console exporters (ISO 8601), PHP (arrays with
gaps), fields of an Elasticsearch search (one list for each member).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

Json = Any
KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
CODES = ("UNSET", "OK", "ERROR")
UNSET_MEMBERS: dict[str, Json] = {"stringValue": "", "boolValue": False, "intValue": 0, "doubleValue": 0.0}
START = 1_774_000_000_000_000_000


# --- Spelling of names ------------------------------------------------------------------------------------------------


def snake(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()


def pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def respelled(message: Json, random: Random) -> Json:
    """Write all names of a message in another spelling, or unchanged."""
    spellings: list[Callable[[str], str]] = [str, str, snake, pascal]
    spell = random.choice(spellings)
    message = {spell(name): value for name, value in message.items()}
    if random.random() < 0.2:
        message["unknown_field"] = None
    return message


def positions(items: list[Json]) -> Json:
    """Write a list as an object, like PHP for an array with a gap."""
    return {str(2 * number): item for number, item in enumerate(items)}


def columns(items: list[Json]) -> Json:
    """Write objects with equal members as one list per member; others unchanged."""
    names = list(items[0]) if items else []
    is_uniform = len(names) > 1 and all(list(item) == names for item in items)
    return {name: [item[name] for item in items] for name in names} if is_uniform else items


def as_list(items: list[Json], random: Random) -> Json:
    shapes: list[Json] = [items, items, positions(items), columns(items)]
    return random.choice(shapes)


# --- Numbers, times, ids ----------------------------------------------------------------------------------------------


def halves(number: int, random: Random) -> Json:
    low, high = number & 0xFFFFFFFF, number >> 32 & 0xFFFFFFFF
    if random.random() < 0.5:
        low, high = (half - (1 << 32) if half >> 31 else half for half in (low, high))
    more = random.choice([{}, {"unsigned": False}])
    write = random.choice([int, int, str])
    low_name, high_name = random.choice([("low", "high"), ("lowBits", "highBits")])
    return {low_name: write(low), high_name: write(high), **more}


def integer(number: int, random: Random) -> Json:
    return random.choice([number, str(number), halves(number, random), {"$numberLong": str(number)}, f"{number}n"])


def iso(time_ns: int, random: Random) -> str:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    day, clock = datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00").split("T")
    zone = random.choice(["Z", "+00:00", " UTC", "", " +0000 UTC"])
    return f"{day}{random.choice('T ')}{clock}.{rest:09}{zone}"


def moment(time_ns: int, unit: int, random: Random) -> Json:
    seconds, nanos = divmod(time_ns, 1_000_000_000)
    return random.choice(
        [
            integer(time_ns // unit, random),
            f"{time_ns // unit}.0",
            iso(time_ns, random),
            {"seconds": str(seconds), "nanos": nanos},
            [seconds, nanos],
        ]
    )


def id_in_bytes(text: str, random: Random) -> Json:
    data = bytes.fromhex(text)
    buffer = {"type": "Buffer", "data": list(data)}
    indexed = {str(i): byte for i, byte in enumerate(data)}
    shapes = [text, base64.b64encode(data).decode(), list(data), buffer, indexed]
    return random.choice(shapes if text else ["", None])


def kind(number: int, random: Random) -> Json:
    name = KINDS[number]
    words = [
        f"SPAN_KIND_{name}",
        name,
        name.lower(),
        name.capitalize(),
        f"SpanKind.{name}",
        f"SPAN_KIND_{name}".lower(),
    ]
    return random.choice([number, str(number), float(number), *words])


def code(number: int, random: Random) -> Json:
    name = CODES[number]
    return random.choice([number, str(number), f"STATUS_CODE_{name}", name, name.lower(), f"StatusCode.{name}"])


# --- OTLP -------------------------------------------------------------------------------------------------------------


def any_value(value: Json, random: Random) -> Json:
    """Write an AnyValue: the plain value in its own form or another."""
    match value:
        case bool():
            name, content = "boolValue", random.choice([value, str(value).lower()])
        case int():
            name, content = "intValue", integer(value, random)
        case float():
            name, content = "doubleValue", random.choice([value, repr(value)])
        case list():
            name, content = (
                "arrayValue",
                random.choice([{"values": items}, items])
                if (items := [any_value(item, random) for item in value])
                else {"values": []},
            )
        case _:
            name, content = "stringValue", value
    wrapped = {random.choice([name, snake(name), pascal(name)]): content}
    unset = {member: default for member, default in UNSET_MEMBERS.items() if member != name}
    case = 1 + (*UNSET_MEMBERS, "arrayValue").index(name)
    return random.choice(
        [
            wrapped,
            {"Value": wrapped},
            {"value": wrapped},
            value,
            {
                **{pascal(member): default for member, default in unset.items()},
                pascal(name): content,
                "ValueCase": case,
            },
            {**dict.fromkeys(unset), name: content},
            {"valueCase_": case, "value_": value},
            {"value": {"case": name, "value": content}},
        ]
    )


def nested(values: dict[str, Json]) -> Json:
    """Nest values by the parts of their names, if no name is a part of another."""
    found: Json = {}
    for name, value in values.items():
        *above, last = name.split(".")
        inner = found
        for part in above:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                return values
        if last in inner:
            return values
        inner[last] = value
    return found


def inline_value(value: Json, random: Random) -> Json:
    """Write the member of an AnyValue directly into its attribute."""
    found = any_value(value, FirstForm())
    return {random.choice([name, snake(name)]): content for name, content in found.items()}


def attributes(values: dict[str, Json], random: Random) -> Json:
    key, value = random.choice([("key", "value"), ("Key", "Value")])
    pairs = [{key: name, value: any_value(content, random)} for name, content in values.items()]
    shapes: list[Json] = [
        pairs,
        pairs,
        {name: any_value(content, random) for name, content in values.items()},
        values,
        json.dumps(values),
        [[name, content] for name, content in values.items()],
        {"values": pairs},
        positions(pairs),
        columns(pairs),
        nested(values),
        [{"name": name, "value": content} for name, content in values.items()],
        [{key: name, **inline_value(content, random)} for name, content in values.items()],
    ]
    return random.choice(shapes if values else [[], {}, None, "", pairs])


def otlp(spans: list[Json], random: Random | None) -> bytes:
    """Write an OTLP request as specified, or with values in forms that `random` chooses."""
    plain = FirstForm() if random is None else random
    by_service: dict[str, list[Json]] = {}
    for span in spans:
        by_service.setdefault(span["service"], []).append(_otlp_span(span, plain))
    parts = []
    for service, members in by_service.items():
        resource: Json = respelled({"attributes": attributes({"service.name": service, "zone": "a"}, plain)}, plain)
        if plain.random() < 0.1:
            resource = {"service.name": service, "zone": "a"}
        spans_of_scope = plain.choice([members, positions(members)])
        scopes = [respelled({"scope": respelled({"name": "lib"}, plain), "spans": spans_of_scope}, plain)]
        parts.append(respelled({"resource": resource, "scopeSpans": scopes}, plain))
    return json.dumps(respelled({"resourceSpans": parts}, plain), separators=(",", ":")).encode()


def _otlp_span(span: Json, random: Random) -> Json:
    message, number = span["message"], span["status"]
    status: Json = respelled({"code": code(number, random), "message": message}, random)
    status = random.choice([status, status, json.dumps(status)] if message else [status, code(number, random)])
    return respelled(
        {
            "traceId": id_in_bytes(span["trace"], random),
            "spanId": id_in_bytes(span["id"], random),
            "parentSpanId": id_in_bytes(span["parent"], random),
            "name": span["name"],
            "kind": kind(span["kind"], random),
            "startTimeUnixNano": moment(span["start"], 1, random),
            "endTimeUnixNano": moment(span["start"] + span["length"], 1, random),
            "attributes": attributes(span["attributes"], random),
            "events": _or_nothing(
                [
                    respelled(
                        {
                            "timeUnixNano": moment(time_ns, 1, random),
                            "name": name,
                            "attributes": attributes(values, random),
                        },
                        random,
                    )
                    for time_ns, name, values in span["events"]
                ],
                random,
            ),
            "links": _or_nothing(
                [
                    respelled(
                        {"traceId": id_in_bytes(trace, random), "spanId": id_in_bytes(one, random), "attributes": []},
                        random,
                    )
                    for trace, one in span["links"]
                ],
                random,
            ),
            "status": status,
        },
        random,
    )


def _or_nothing(items: list[Json], random: Random) -> Json:
    return as_list(items, random) if items else random.choice([[], None, {}])


class FirstForm(Random):
    """Chooses the first alternative, which is the specified form."""

    def choice(self, sequence: Any) -> Any:
        return sequence[0]

    def random(self) -> float:
        return 1.0


# --- Jaeger -----------------------------------------------------------------------------------------------------------


def jaeger(spans: list[Json], random: Random | None) -> bytes:
    """Write a response of Jaeger with one trace for each trace id."""
    chosen = FirstForm() if random is None else random
    services = list(dict.fromkeys(span["service"] for span in spans))
    traces = []
    for trace in dict.fromkeys(span["trace"] for span in spans):
        members = [_jaeger_span(span, services, chosen) for span in spans if span["trace"] == trace]
        processes: Json = {
            f"p{i}": chosen.choice(
                [respelled({"serviceName": service}, chosen), service, json.dumps({"serviceName": service})]
            )
            for i, service in enumerate(services)
        }
        listing = chosen.choice([members, members, positions(members)])
        traces.append({"traceID": trace, "spans": listing, "processes": processes})
    return json.dumps({"data": traces}, separators=(",", ":")).encode()


def _jaeger_span(span: Json, services: list[str], random: Random) -> Json:
    values = dict(span["attributes"])
    if span["kind"]:
        word = KINDS[span["kind"]].lower()
        values["span.kind"] = random.choice([word, word.upper(), f"SPAN_KIND_{word.upper()}", str(span["kind"])])
    if span["status"]:
        values["otel.status_code"] = code(span["status"], random) if random.random() < 0.5 else CODES[span["status"]]
    fields: Json = {
        "traceID": span["trace"],
        "spanID": span["id"],
        "operationName": span["name"],
        "startTime": moment(span["start"], 1000, random),
        "duration": random.choice(
            [span["length"] // 1000, str(span["length"] // 1000), f"{span['length'] / 1e9:.6f}s"]
        ),
        "processID": f"p{services.index(span['service'])}",
        "tags": _tags(values, random),
        "logs": as_list(
            [
                respelled(
                    {"timestamp": moment(time_ns, 1000, random), "fields": _tags({"event": name, **more}, random)},
                    random,
                )
                for time_ns, name, more in span["events"]
            ],
            random,
        ),
    }
    if span["parent"]:
        kinds = ["CHILD_OF", "child_of", "CHILD-OF", "ChildOf", 0, "0", None, "SpanRefType_CHILD_OF"]
        reference = {"refType": random.choice(kinds), "traceID": span["trace"], "spanID": span["parent"]}
        whole = respelled(reference, random)
        if random.random() < 0.3:
            name = random.choice(
                ["parentSpanID", "parentSpanId", "parent_span_id", "parentID", "parent_id", "ParentSpanID"]
            )
            fields |= {name: random.choice([span["parent"], [span["parent"]]])}
        else:
            fields["references"] = random.choice([[whole], whole, positions([whole]), columns([whole])])
    return respelled(fields, random)


def _tags(values: dict[str, Json], random: Random) -> Json:
    types = {str: ("string", "vStr"), bool: ("bool", "vBool"), int: ("int64", "vInt64"), float: ("float64", "vFloat64")}
    pairs, proto = [], []
    for key, value in values.items():
        known, member = types.get(type(value), ("", "value"))
        written = integer(value, random) if type(value) is int else value
        pairs.append({"key": key, "type": random.choice([known, known.upper()]), "value": written})
        proto.append({"key": key, **({"vType": known.upper()} if known != "string" else {}), member: written})
    shapes: list[Json] = [
        pairs,
        pairs,
        proto,
        positions(pairs),
        columns(pairs),
        values,
        json.dumps(values),
        nested(values),
        [[key, value] for key, value in values.items()],
        [{key: value} for key, value in values.items()],
        [{"name": key, "value": value} for key, value in values.items()],
        [{"key": key, "value": any_value(value, random)} for key, value in values.items()],
    ]
    return random.choice(shapes if values else [[], None, {}])


# --- Zipkin -----------------------------------------------------------------------------------------------------------


def zipkin(spans: list[Json], random: Random | None) -> bytes:
    """Write a list of spans of version 2."""
    return json.dumps([_zipkin_span(span, FirstForm() if random is None else random) for span in spans]).encode()


def _zipkin_span(span: Json, random: Random) -> Json:
    tags = {
        key: json.dumps(value) if not isinstance(value, str) else value for key, value in span["attributes"].items()
    }
    if span["status"] == 2:
        tags["error"] = span["message"] or "true"
    fields: Json = {
        "traceId": span["trace"],
        "id": span["id"],
        "name": span["name"],
        "timestamp": moment(span["start"], 1000, random),
        "duration": random.choice(
            [span["length"] // 1000, str(span["length"] // 1000), f"{span['length'] / 1e9:.6f}s"]
        ),
        "localEndpoint": random.choice([respelled({"serviceName": span["service"]}, random), span["service"]]),
        "tags": random.choice(
            [tags, tags, [{"key": key, "value": value} for key, value in tags.items()], json.dumps(tags)]
        ),
        "annotations": as_list(
            [
                respelled({"timestamp": moment(time_ns, 1000, random), "value": name}, random)
                for time_ns, name, _ in span["events"]
            ],
            random,
        ),
    }
    if span["parent"]:
        name = random.choice(["parentId", "parentId", "parent_id", "parentID", "parentSpanId"])
        fields[name] = random.choice([span["parent"], [span["parent"]]])
    if span["kind"] > 1:
        word = KINDS[span["kind"]]
        fields["kind"] = random.choice([word, word.lower(), f"SPAN_KIND_{word}", str(span["kind"])])
    return respelled(fields, random)


# --- Commas -----------------------------------------------------------------------------------------------------------

_PLACES = re.compile(rb'"(?:[^"\\]|\\.)*"|(?P<place>(?<![\[{,:])[\]}])')


def with_commas(text: bytes, random: Random) -> tuple[bytes, int]:
    """Add surplus commas at the ends of some lists and objects. -> the text, and their number"""
    places = [match.start() for match in _PLACES.finditer(text) if match["place"] and match.start() < len(text) - 1]
    chosen = sorted(place for place in places if random.random() < 0.1)
    for place in reversed(chosen):
        text = text[:place] + b"," + text[place:]
    return text, len(chosen)
