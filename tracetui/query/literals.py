"""Literals: values in a query, and tests for matching values of spans."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tracetui.model.span import Value
from tracetui.query.safe_regex import Pattern

ORDERINGS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,40}")


def find_number(text: str) -> int | float | None:
    """Read a number, integers exactly; None for other text. NaN, infinity and `1_000` do not count."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Literal:
    """Value in a query."""

    text: str
    quoted: bool
    position: int
    """Position in the query, including quotes."""
    length: int
    pattern: Pattern | None = None
    """Regular expression after `=~` or `!~`."""

    @property
    def number(self) -> int | float | None:
        return find_number(self.text)

    @property
    def is_truth(self) -> bool:
        return self.text.lower() in ("true", "false")


def text_test(operation: str, literal: Literal) -> Callable[[str], bool]:
    """Build a test of an existing text, for `= != =~ !~`."""
    wanted, pattern = literal.text, literal.pattern
    if pattern is not None:
        found = pattern.test()
        if operation == "!~":
            return lambda text: not found(text)
        return found
    if operation == "!=":
        return lambda text: text != wanted
    return lambda text: text == wanted


def value_test(operation: str, literal: Literal | None) -> Callable[[Value], bool]:
    """Build a test of an attribute value. Without a literal it tests presence only."""
    if literal is None:
        return lambda _: True
    one = _scalar_test(operation, literal)
    negative = operation in ("!=", "!~")

    def test(value: Value) -> bool:
        found = any(map(one, value)) if isinstance(value, list) else one(value)
        return found is not negative

    return test


def _scalar_test(operation: str, literal: Literal) -> Callable[[Value], bool]:
    if literal.pattern is not None:
        found = literal.pattern.test()
        return lambda value: (text := _text(value)) is not None and found(text)
    number = literal.number
    if operation in ORDERINGS and number is not None:
        holds = ORDERINGS[operation]
        return lambda value: (other := _number(value)) is not None and holds(other, number)
    wanted, quoted, truth = literal.text, literal.quoted, literal.text.lower()

    def equals(value: Value) -> bool:
        if isinstance(value, str):
            return value == wanted or (number is not None and not quoted and find_number(value) == number)
        if isinstance(value, bool):
            return truth == ("true" if value else "false")
        return isinstance(value, (int, float)) and number is not None and value == number

    return equals


def _number(value: Value) -> int | float | None:
    if isinstance(value, str):
        return find_number(value)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _text(value: Value) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else None
