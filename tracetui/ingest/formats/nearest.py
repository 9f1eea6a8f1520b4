"""The format that an input comes nearest to and what it lacks, from the registry and never without evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tracetui.ingest.formats.format import JsonFormat
from tracetui.ingest.formats.registry import JSON_FORMATS, TABLE_FORMATS, TEXT_FORMATS
from tracetui.ingest.formats.words import plain

_COMMON: Final = frozenset(
    "name id kind start end time timestamp duration context status type data spans process batch resource scope".split()
)
"""Keys that prove nothing, as anything may have them."""
_LEAST_COLUMNS: Final = 3


@dataclass(frozen=True, slots=True)
class Nearest:
    """A format, and which of the names that it needs are not there."""

    name: str
    missing: tuple[str, ...]

    @property
    def of_object(self) -> str:
        """What to say of an object among spans of a known format."""
        return f"looks like {self.name}, but has no {_in_words(self.missing, 'or')}"

    def __str__(self) -> str:
        return f"looks like {self.name}, but no span has a {_in_words(self.missing, 'or a')}"

    @property
    def of_table(self) -> str:
        """The same of a table."""
        return f"looks like {self.name}, but has no column {_in_words(self.missing, 'or')}"


def nearest_json(keys: Iterable[str]) -> Nearest | None:
    """The format that an object with these keys comes nearest to."""
    names = {plain(key) for key in keys}
    best: tuple[int, int, JsonFormat, list[str]] | None = None
    for known in JSON_FORMATS:
        for wanted in (*known.keys, *known.spellings):
            needed = {plain(key): key for key in sorted(wanted)}
            there = needed.keys() & names
            proof = (there - _COMMON) | (known.signs & names)
            missing = [needed[name] for name in needed if name not in names]
            if proof and missing and len(missing) <= len(there) + len(known.signs & names):
                rank = len(there) + len(known.signs & names), -len(missing)
                if best is None or rank > best[:2]:
                    best = (*rank, known, missing)
    return None if best is None else Nearest(best[2].name, tuple(best[3]))


def nearest_table(columns: Sequence[str]) -> Nearest | None:
    """The table that one with these columns comes nearest to."""
    best: tuple[int, Nearest] | None = None
    for known in TABLE_FORMATS:
        missing = tuple(name for name in known.columns if name not in columns)
        there = len(known.columns) - len(missing)
        if there >= _LEAST_COLUMNS and 2 * there > len(known.columns) and (best is None or there > best[0]):
            best = there, Nearest(known.name, missing)
    return None if best is None else best[1]


def nearest_text(text: bytes) -> Nearest | None:
    """The format of which a text has some signs and lacks others."""
    for known in TEXT_FORMATS:
        missing = tuple(need.decode().strip() for need in known.needs if need not in text)
        if 0 < len(missing) < len(known.needs):
            return Nearest(known.name, missing)
    return None


def _in_words(names: Sequence[str], last: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
