"""Mutants of JSON values and of bytes, and their encodings, compressions and records."""

from __future__ import annotations

import gzip
import json
import random
import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import zstandard

from tests.fuzz import protobuf
from tests.fuzz.corpus import Seed

_NUMBERS = """0 -0 -1 1 2147483648 -2147483649 9223372036854775807 9223372036854775808 -9223372036854775808
    -9223372036854775809 18446744073709551615 18446744073709551616 1e18 1e19 1e308 1e309 -1e309 NaN Infinity -Infinity
    0.1 1.5 -0.0 5e-324 1E+2 1e-999 0x10 01 +1 .5 1. 253402300800000000000""".split()
_NUMBERS += ["9" * 400, "9" * 5_000]
_TEXTS = [
    *map(json.dumps, ["", "x", "0", "-1", "1e999", "NaN", "null", "true", "zzzz", "/////w==", "AAAAAAAAAAA="]),
    *map(json.dumps, ["9223372036854775808", "18446744073709551616", "9" * 5_000, "A" * 5_000, "\u0301" * 200]),
    *map(json.dumps, ["0" * 16, "0" * 32, "[/b]", "\x00", "\x1b[2J\x1b]0;t\x07", "\u202e\u2066", "\x9b1m", "\r\n"]),
    *map(json.dumps, ["2026-03-10T10:00:00Z", "9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z", "\x85\u2028"]),
    *map(json.dumps, ["STATUS_CODE_ERROR", "SPAN_KIND_SERVER", "CONSUMER", "PRODUCER", "context deadline exceeded"]),
    '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\/"', '"\\x"', '"cut',
]  # fmt: skip
_OTHER = [
    "null", "true", "false", "[]", "{}", "[[]]", "[null]", "[{}]", '{"a":1}', "[1,2]", '["x"]', '{"":{}}',
    '{"value":{}}', '{"stringValue":1}', '{"intValue":"x"}', '{"arrayValue":{"values":[{}]}}', "", "//", "undefined",
    *("[" * depth + "]" * depth for depth in (50, 399, 400, 401, 3_000)),
    *('{"a":' * depth + "1" + "}" * depth for depth in (200, 2_000)),
    '{"kvlistValue":{"values":[{"key":"k","value":' * 90 + "{}" + "}]}}" * 90,
]  # fmt: skip
_ODD = (_NUMBERS, _TEXTS, _OTHER)
_KEYS = """spans traceID traceId id data resourceSpans x _source hits error result trace processes spanID tags
    timestamp duration logs references parentId kind startTime parentSpanId links events status message""".split()
_KEYS += ["", "\ud800"]
_CHARACTERS = "\x00\x1b\x9b\u202e\ud800\U0001f600\n"
_PIECES = [
    b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\n", b"\0", b"\xff", b"\x80", b"\xed\xa0\x80", b"\\u", b"null",
    b"\\ud800", b"NaN", b"1e999", b'{"', b'"spans":', b'"traceID":"1"', b'"resourceSpans":[', b'"data":[', b"\x0a",
    b"\x12", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"//", b"'",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"HTTP/1.1 200 OK\r\n\r\n", b"[" * 400, b'{"a":' * 200,
]  # fmt: skip
_BEGINNINGS = (b"", b"{", b"[", b"\n", b"\0\0\0\5", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b'{"data":[', b"<")
_LARGEST = 60_000


class Raw:
    """Text that is written into JSON unchanged, valid or not."""

    def __init__(self, text: str) -> None:
        self.text = text


def mutant(rng: random.Random, seeds: Sequence[Seed]) -> bytes:
    """Make one input: usually a changed value of JSON or protobuf, otherwise changed bytes or bytes of no format at
    all.
    """
    kind = rng.randrange(20)
    seed = rng.choice(seeds)
    if kind == 0:
        return rng.choice(_BEGINNINGS) + rng.randbytes(rng.choice((0, 1, 2, 3, 4, 8, 20, 60, 300)))
    if kind == 1:
        data = b"".join(rng.choice(_PIECES) for _ in range(rng.randrange(1, 14)))
        return _records(rng, data) if not rng.randrange(3) else data
    if kind == 2:
        data = rng.choice((b"\n", b"\r\n", b"")).join(rng.choice(seeds).data for _ in range(rng.randrange(2, 5)))
        return _wrapped(rng, changed_bytes(rng, data, seeds) if rng.randrange(2) else data)
    if kind < 5:
        seed = rng.choice([one for one in seeds if one.fields] or seeds)
    if seed.fields:
        data = protobuf.mutant(rng, seed.fields)
    elif seed.json is not None and kind < 17:
        data = to_json_text(changed_json(rng, json.loads(seed.json))).encode(
            "utf-8", rng.choice(("surrogatepass", "replace"))
        )
    else:
        data = changed_bytes(rng, seed.data, seeds)
    if not rng.randrange(6):
        data = changed_bytes(rng, data, seeds)
    return _wrapped(rng, data)


def to_json_text(value: Any) -> str:
    """Return the JSON of a shallow value, with `Raw` unchanged."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{to_json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def changed_json(rng: random.Random, value: Any) -> Any:
    """Change one to four positions of a value, in place."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        places = list(_places(value))
        if not places:
            return Raw(_unusual_value(rng))
        _change(rng, *rng.choice(places), places)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every item of every list and object, as its container and key."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            yield node, key
            waiting.append(node[key])


def _unusual_value(rng: random.Random) -> str:
    return rng.choice(rng.choice(_ODD))


def _change(rng: random.Random, node: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
    is_object = isinstance(node, dict)
    match rng.randrange(9):
        case 0 | 1 | 2:
            node[key] = Raw(_unusual_value(rng))
        case 3:
            del node[key]
        case 4 if not is_object:
            node.extend([node[key]] * rng.choice((1, 2, 30)))
        case 4:
            # a duplicate key
            node[key] = Raw(f"{to_json_text(node[key])},{json.dumps(key)}:{_unusual_value(rng)}")
        case 5 if is_object:
            names = [*_KEYS, key.upper(), key.swapcase(), re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", key)]
            node[rng.choice(names)] = node.pop(key)
        case 6:
            node[key] = _similar_value(rng, node[key])
        case _:
            other, at = rng.choice(places)
            node[key] = Raw(to_json_text(other[at]))


def _similar_value(rng: random.Random, value: Any) -> Any:
    """Return the same value in another type, or a similar value."""
    if isinstance(value, str):
        if not rng.randrange(3):
            return Raw(value)
        return value[: rng.randrange(len(value) + 1)] + rng.choice(_CHARACTERS)
    if isinstance(value, int | float) and not isinstance(value, bool):
        other = value * 10 ** rng.randrange(1, 25) if isinstance(value, int) else value * 1e18
        return rng.choice((str(value), other, -value, value + 0.5 if abs(value) < 1e300 else 0, [value]))
    return [value] if rng.randrange(2) else {"value": value}


def changed_bytes(rng: random.Random, data: bytes, seeds: Sequence[Seed]) -> bytes:
    """Flip, cut, repeat, splice and insert bytes."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(9):
            case 0 if at < len(out):
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                del out[at:]
            case 2:
                del out[at : at + rng.choice((1, 2, 4, 16, 100))]
            case 3:
                out[at:at] = out[at : at + rng.choice((1, 4, 20, 200))] * rng.choice((1, 2, 50))
            case 4:
                other = rng.choice(seeds).data
                out[at:] = other[rng.randrange(len(other)) :]
            case 5 | 6:
                out[at:at] = rng.choice(_PIECES)
            case 7:
                out[at : at + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\x20"))
            case _:
                out[at:at] = rng.randbytes(rng.choice((1, 3, 9)))
        del out[_LARGEST:]
    return bytes(out)


def _wrapped(rng: random.Random, data: bytes) -> bytes:
    """Wrap data in another encoding, in records, or in a compression, sometimes damaged."""
    match rng.randrange(24):
        case 0:
            encodings = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
            data = data.decode("utf-8", "replace").encode(rng.choice(encodings), "replace")
        case 1:
            data = data.decode("utf-8", "replace").encode("latin-1", "replace")
        case 2:
            data = b"\xef\xbb\xbf" + data
        case 3:
            data = data + rng.choice((b"", b"\n", b" ", b"\r\n", b"\0")) + data
        case 4 | 5:
            data = _records(rng, data)
    match rng.randrange(16):
        case 0:
            return _damaged(rng, gzip.compress(data, 1, mtime=0))
        case 1:
            return _damaged(rng, zstandard.compress(data, 1))
        case 2:
            return _damaged(rng, gzip.compress(zstandard.compress(data, 1), 1, mtime=0))
    return data


def _damaged(rng: random.Random, data: bytes) -> bytes:
    if rng.randrange(2):
        return data
    out = bytearray(data)
    for _ in range(rng.choice((1, 3))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out if rng.randrange(3) else out[: rng.randrange(1, len(out) + 1)])


def _records(rng: random.Random, data: bytes) -> bytes:
    """Write up to three records, each of a length and bytes, any of which may be wrong."""
    out = b""
    for _ in range(rng.choice((1, 1, 2, 3))):
        payload = rng.choice((data, data, zstandard.compress(data, 1), data[: rng.randrange(len(data) + 1)]))
        size = len(payload) if rng.randrange(4) else rng.choice((0, 1, len(payload) + 1, (1 << 32) - 1))
        out += struct.pack(">I", size) + payload
    return out if rng.randrange(3) else out[: rng.randrange(len(out) + 1)]
