"""Match names of operations and services: align their case, and build regular expressions for similar names.

Zipkin stores services and operations in lower case. The regular expressions use syntax common to Python and RE2
(Prometheus).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from tracetui.model.operation_shape import PLACEHOLDER
from tracetui.model.traces import TraceSet

_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


_ID: Final = "[^/]+"


_ANYTHING: Final = "(?s:.*)"


_PARAMETER: Final = re.compile(r"\\\{[^/{}]*\\\}|<[^/<>]+>|(?<=/):[A-Za-z_]\w*")
"""Parameter in an escaped route."""


_STATEMENT: Final = re.compile(r"([A-Z]+) ([\w$.]+)")


_MAX_LISTED = 50


def name_pattern(operation: str, names: Sequence[str]) -> str:
    """Build a pattern for all of these names and further ones of the operation; '' if its own name is the only one.

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
    return "|".join(map(_escaped, names[:_MAX_LISTED]))


def _ends_in_common(names: Sequence[str]) -> str:
    shortest = min(map(len, names))
    begin = _common_beginning(names)
    end = _common_beginning([name[::-1] for name in names])[::-1]
    end = end[max(len(begin) + len(end) - shortest, 0) :]
    if len(names) == 1 or not begin + end:
        # the varying part is unknown
        return _escaped(names[0])
    return f"{_escaped(begin)}{_ANYTHING}{_escaped(end)}"


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    size = next((at for at, one in enumerate(first) if one != last[at]), len(first))
    return first[:size]


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def align_case(traces: TraceSet, other: TraceSet) -> TraceSet:
    """Adopt the spelling of another set for lower-case names. -> the set itself if nothing differs"""
    services = _spelled(traces.services, other.services)
    names = _spelled(traces.names, other.names)
    if services == traces.services and names == traces.names:
        return traces
    return replace(traces, services=services, names=names, known_operations=[], known_slots=[])


def spelled_as_in(name: str, *tables: Collection[str]) -> str:
    """Return a name in the spelling of a set; the lower-case name matches if the set has only that."""
    lowered = name.lower()
    if lowered == name or any(name in table for table in tables):
        return name
    return lowered if any(lowered in table for table in tables) else name


def missing_names(names: Iterable[str], known: Collection[str]) -> list[str]:
    """List the names that a set lacks in any spelling of `spelled_as_in`."""
    return [name for name in names if spelled_as_in(name, known) not in known]


def _spelled(texts: list[str], others: list[str]) -> list[str]:
    spellings: dict[str, list[str]] = {}
    for text in others:
        if text != text.lower():
            spellings.setdefault(text.lower(), []).append(text)
    if not spellings:
        return texts
    own = set(texts)

    def spelled(text: str) -> str:
        found = spellings.get(text, ())
        # with several spellings, or both in this set, names that differ in case are different
        return found[0] if len(found) == 1 and found[0] not in own else text

    return [spelled(text) for text in texts]
