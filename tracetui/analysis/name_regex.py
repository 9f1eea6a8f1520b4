"""Regular expressions for the names behind an operation, of the kind that RE2 (so Prometheus) and Python both read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tracetui.model.operation_shape import PLACEHOLDER

_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_ID: Final = "[^/]+"
_ANYTHING: Final = "(?s:.*)"
_PARAMETER: Final = re.compile(r"\\\{[^/{}]*\\\}|<[^/<>]+>|(?<=/):[A-Za-z_]\w*")
"""In a route that is escaped already."""
_STATEMENT: Final = re.compile(r"([A-Z]+) ([\w$.]+)")
_MOST_LISTED = 50


def name_pattern(operation: str, names: Sequence[str]) -> str:
    """A pattern that all of the names match as a whole, and others of the operation will; '' if it is the only name.

    `GET /orders/{id}` becomes `GET /orders/[^/]+`.
    """
    if list(names) == [operation]:
        return ""
    literal = _escaped(operation)
    with_ids = literal.replace(_escaped(PLACEHOLDER), _ID)
    candidates = [with_ids, _PARAMETER.sub(_ID, literal), f"{with_ids} {_ANYTHING}"]
    statement = _STATEMENT.fullmatch(operation)
    if statement is not None:
        table = r"\W+".join(map(_escaped, statement[2].split(".")))
        candidates.append(rf"(?is:.*\b{statement[1]}\b.*\b{table}\b.*)")
    candidates.append(_ends_in_common(names))
    for candidate in candidates:
        if candidate != literal and all(map(re.compile(candidate).fullmatch, names)):
            return candidate
    return "|".join(map(_escaped, names[:_MOST_LISTED]))


def _ends_in_common(names: Sequence[str]) -> str:
    shortest = min(map(len, names))
    begin = _common_beginning(names)
    end = _common_beginning([name[::-1] for name in names])[::-1]
    end = end[max(len(begin) + len(end) - shortest, 0) :]
    if len(names) == 1 or not begin + end:
        # nothing is known of what varies
        return _escaped(names[0])
    return f"{_escaped(begin)}{_ANYTHING}{_escaped(end)}"


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    size = next((at for at, one in enumerate(first) if one != last[at]), len(first))
    return first[:size]


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
