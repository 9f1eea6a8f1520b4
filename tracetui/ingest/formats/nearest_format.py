"""Nearest format of an unknown input and what it lacks, from the registry and never without evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tracetui.ingest.formats.field_names import plain
from tracetui.ingest.formats.registry import JSON_FORMATS, TABLE_FORMATS, TEXT_FORMATS

_LEAST_COLUMNS: Final = 3


@dataclass(frozen=True, slots=True)
class Nearest:
    """A format, and which of the names that it needs are not there."""

    name: str
    missing: tuple[str, ...]

    @property
    def of_spans(self) -> str:
        """What to say of an input in which every object lacks the same."""
        article = "an" if self.missing[0][0] in "aeiouAEIOU" else "a"
        return f"looks like {self.name}, but no span has {article} {self._lacks}"

    @property
    def of_object(self) -> str:
        """What to say of an object among spans of a known format, or of a text."""
        return f"looks like {self.name}, but has no {self._lacks}"

    @property
    def of_table(self) -> str:
        """What to say of a table."""
        return f"looks like {self.name}, but has no column {self._lacks}"

    @property
    def _lacks(self) -> str:
        *most, last = self.missing
        return f"{', '.join(most)} or {last}" if most else last


def nearest_json(keys: Iterable[str]) -> Nearest | None:
    """The format that an object with these keys comes nearest to."""
    return _nearest_json(frozenset(keys))


@lru_cache(maxsize=1024)
def _nearest_json(keys: frozenset[str]) -> Nearest | None:
    names = {plain(key) for key in keys}
    best: tuple[tuple[int, int], Nearest] | None = None
    for known in JSON_FORMATS:
        signs = max((len(some) for some in known.signs if names.issuperset(map(plain, some))), default=0)
        for wanted in (*known.keys, *known.spellings) if signs else ():
            missing = tuple(sorted(key for key in wanted if plain(key) not in names))
            rank = signs + len(wanted) - len(missing), -len(missing)
            if missing and (best is None or rank > best[0]):
                best = rank, Nearest(known.name, missing)
    return None if best is None else best[1]


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
    """The format of which a text has a sign, and not all that a record needs."""
    for known in TEXT_FORMATS:
        missing = tuple(need.decode().strip(" :{") for need in known.needs if need not in text)
        if missing and any(sign in text for sign in known.signs):
            return Nearest(known.name, missing)
    return None
