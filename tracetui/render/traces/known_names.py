"""Names in the loaded traces, for a filter that matches none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from textwrap import wrap
from typing import Final

from tracetui.query.complete import Vocabulary
from tracetui.query.errors import nearest
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

_PARTS: Final = re.compile(r"[\W_]+")
_LABEL: Final = 12
"""Cells of the labels before the names."""
_LONGEST: Final = 40
_MAX_LINES: Final = 3
_MAX_NAMES: Final = 30
_MAX_WORDS: Final = 8


def known_name_lines(known: Vocabulary, words: Sequence[str], indent: str, width: int) -> list[Line]:
    """Name what is similar to the words of a filter, then services, operations, messages and attributes."""
    groups = {
        "similar": similar_names(known, words),
        "services": known.services,
        "operations": known.operations,
        "messages": known.messages,
        "attributes": sorted(known.attributes),
    }
    lines: list[Line] = []
    for label, names in groups.items():
        for i, text in enumerate(_wrapped(names, width - len(indent) - _LABEL)):
            line = Line([(f"{indent}{'' if i else label:<{_LABEL}}", Role.DIM)])
            lines.append(line.add(text, Role.STRONG if label == "similar" else Role.PLAIN))
    return [Line(), Line([(f"{indent}The loaded traces have:", Role.DIM)]), *lines] if lines else []


def similar_names(known: Vocabulary, words: Iterable[str]) -> list[str]:
    """Find the most similar name or attribute key for each word."""
    names = list(chain(known.services, known.operations, known.attributes))
    parts = {part.lower(): name for name in reversed(names) for part in (name, *_PARTS.split(name))}
    found = (nearest(word, parts) for word in islice(words, _MAX_WORDS))
    return list(dict.fromkeys(parts.get(name, name) for name in found if name is not None))


def _wrapped(names: Iterable[str], width: int) -> list[str]:
    shown = [safe(name, _LONGEST) for name in islice(names, _MAX_NAMES)]
    lines = wrap(", ".join(shown), width, break_on_hyphens=False)
    if len(lines) <= _MAX_LINES:
        return lines
    return [*lines[: _MAX_LINES - 1], f"{lines[_MAX_LINES - 1].rstrip(',')}, ..."]
