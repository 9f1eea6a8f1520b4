"""Indented JSON in pieces, so that long lists are serialised without all their items in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

Batch = list[Any] | dict[str, Any]
BATCH = 1 << 12
"""Rows that are serialised together: many, so that calls of numpy cost little each, but few of a large report."""


@dataclass(frozen=True, slots=True)
class Batches:
    """List or object whose items are made some at a time.

    make: makes texts of consecutive items, given the depth of the list or object; see `items_text`. brackets: the
    brackets around all items.
    """

    make: Callable[[int], Iterable[bytes]]
    brackets: bytes = b"[]"


def json_pieces(document: dict[str, Any]) -> Iterator[bytes]:
    """Yield the JSON of an object, indented by two, with a newline at the end.

    Members may be `Batches`, or objects that contain some. All pieces together are what `orjson.dumps` writes for the
    same object with lists in place of `Batches`.
    """
    yield from _object(document, 0)
    yield b"\n"


def _object(members: dict[str, Any], depth: int) -> Iterator[bytes]:
    separator = b"{"
    for key, value in members.items():
        yield separator
        separator = b","
        if isinstance(value, Batches):
            yield _key(key, depth)
            yield from _batched(value, depth + 1)
        elif isinstance(value, dict) and any(isinstance(member, Batches) for member in value.values()):
            yield _key(key, depth)
            yield from _object(value, depth + 1)
        else:
            yield items_text({key: value}, depth)
    yield _closing(b"}", depth) if members else b"{}"


def _batched(value: Batches, depth: int) -> Iterator[bytes]:
    opening, closing = value.brackets[:1], value.brackets[1:]
    separator = opening
    for text in value.make(depth):
        if text:
            yield separator
            separator = b","
            yield text
    yield _closing(closing, depth) if separator == b"," else value.brackets


def _key(key: str, depth: int) -> bytes:
    return b"\n%b%b: " % (b"  " * (depth + 1), orjson.dumps(key))


def _closing(bracket: bytes, depth: int) -> bytes:
    return b"\n%b%b" % (b"  " * depth, bracket)


def items_text(batch: Batch, depth: int) -> bytes:
    """Serialise the items of a list or object at a depth, each on lines of its own, without brackets; b"" for none."""
    if not batch:
        return b""
    # brackets around it indent it
    nested: Any = batch
    for _ in range(depth):
        nested = [nested]
    opening = (depth + 1) ** 2 + depth
    closing = (depth + 1) * (depth + 2)
    return orjson.dumps(nested, option=orjson.OPT_INDENT_2)[opening:-closing]


def list_text(items: list[Any], depth: int) -> bytes:
    """Serialise a list at a depth."""
    return b"[%b%b" % (items_text(items, depth), _closing(b"]", depth)) if items else b"[]"
