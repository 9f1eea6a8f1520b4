"""Corpus of valid inputs for mutants: case files, recordings and sample traces, reduced to few spans."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.fuzz.protobuf import Field, encoded, parsed
from tests.support.paths import CASES, RECORDINGS, SAMPLES

FOLDERS = (CASES, RECORDINGS, SAMPLES)
LARGEST = 6_000
"""Largest seed in bytes. Small ones are read fast and have as many shapes."""
_MAX_DEPTH = 60
_LONGEST_TEXT = 200
_WIDEST_OBJECT = 40


@dataclass(frozen=True)
class Seed:
    """Valid input, with its value if it is JSON or its fields if it is protobuf."""

    data: bytes
    json: str | None = None
    fields: tuple[Field, ...] = ()


@cache
def corpus() -> tuple[Seed, ...]:
    """Return every seed, in an order that depends on the files only."""
    found: dict[bytes, Seed] = {}
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".json", ".jsonl", ".pb", ".bin", ".gz"}:
                for seed in _seeds(path):
                    if 0 < len(seed.data) <= LARGEST:
                        found.setdefault(seed.data, seed)
    return tuple(found.values())


def _seeds(path: Path) -> Iterator[Seed]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        for line in gzip.decompress(data).splitlines():
            answer = json.loads(line)
            body = answer["body"] if isinstance(answer, dict) and isinstance(answer.get("body"), str) else None
            yield from _forms(line if body is None else body.encode())
    else:
        yield from _forms(data)


def _forms(data: bytes) -> Iterator[Seed]:
    """Yield the whole if it is small, and reductions to one, two or three items of each list."""
    value = _loaded(data)
    if value is None:
        yield Seed(data[:LARGEST])
        lines = data.split(b"\n")
        for line in lines[:3] if len(lines) > 1 else ():
            if (one := _loaded(line)) is not None:
                yield _of_json(_reduced(one, 2))
        yield from _protobuf(data)
        return
    for most in (1, 2, 3):
        yield _of_json(_reduced(value, most))


def _protobuf(data: bytes) -> Iterator[Seed]:
    if data[:1] == b"\0":
        data = data[4 : 4 + int.from_bytes(data[:4], "big")]
    fields = parsed(data) if data[:1] == b"\n" else None
    for most in (1, 2, 3) if fields else ():
        fewer = _reduced_fields(fields or (), most)
        yield Seed(encoded(fewer), fields=fewer)


def _of_json(value: Any) -> Seed:
    text = json.dumps(value)
    return Seed(text.encode(), json=text)


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _reduced(value: Any, most: int, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [_reduced(item, most, depth + 1) for item in value[:most]]
    if isinstance(value, dict):
        return {key: _reduced(item, most, depth + 1) for key, item in list(value.items())[:_WIDEST_OBJECT]}
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def _reduced_fields(fields: tuple[Field, ...], most: int, depth: int = 0) -> tuple[Field, ...]:
    """Return the first fields of each number; more of them at the depth of the fields of a span."""
    seen: Counter[int] = Counter()
    kept = []
    for one in fields:
        seen[one.number] += 1
        if seen[one.number] <= (most if depth < 4 else 4):
            value = _reduced_fields(one.value, most, depth + 1) if isinstance(one.value, tuple) else one.value
            kept.append(Field(one.number, one.wire, value))
    return tuple(kept)
