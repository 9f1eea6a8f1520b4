"""Find the registered format that an unknown input resembles, and the parts that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tracetui.ingest.formats.field_names import plain
from tracetui.ingest.formats.registry import JSON_FORMATS, TABLE_FORMATS, TEXT_FORMATS

_CONTAINERS: Final = ("spans", "processes")
"""Endings of the names of members that hold spans."""
_LEAST_COLUMNS: Final = 3


@dataclass(frozen=True, slots=True)
class NearestFormat:
    """Format that an input resembles, and the required names that it lacks."""

    name: str
    missing: tuple[str, ...]

    @property
    def of_spans(self) -> str:
        """Warning for an input in which every object lacks the same names."""
        if any(plain(name).endswith(_CONTAINERS) for name in self.missing):
            return self.of_object
        article = "an" if self.missing[0][0] in "aeiouAEIOU" else "a"
        return f"looks like {self.name}, but no span has {article} {self._lacking}"

    @property
    def of_object(self) -> str:
        """Warning for an object among spans of a known format, or for a text."""
        return f"looks like {self.name}, but has no {self._lacking}"

    @property
    def of_table(self) -> str:
        """Warning for a table."""
        return f"looks like {self.name}, but has no column {self._lacking}"

    @property
    def _lacking(self) -> str:
        *most, last = self.missing
        return f"{', '.join(most)} or {last}" if most else last


def nearest_json(keys: Iterable[str]) -> NearestFormat | None:
    """Find the nearest format of an object with these keys."""
    return _nearest_json(frozenset(keys))


@lru_cache(maxsize=1024)
def _nearest_json(keys: frozenset[str]) -> NearestFormat | None:
    names = {plain(key) for key in keys}
    best: tuple[tuple[int, int], NearestFormat] | None = None
    for known in JSON_FORMATS:
        signs = max((len(some) for some in known.signs if names.issuperset(map(plain, some))), default=0)
        for wanted in (*known.keys, *known.spellings) if signs else ():
            missing = tuple(sorted(key for key in wanted if plain(key) not in names))
            rank = signs + len(wanted) - len(missing), -len(missing)
            if missing and (best is None or rank > best[0]):
                best = rank, NearestFormat(known.name, missing)
    return None if best is None else best[1]


def nearest_table(columns: Sequence[str]) -> NearestFormat | None:
    """Find the nearest format of a table with these columns."""
    best: tuple[int, NearestFormat] | None = None
    names = {plain(name) for name in columns}
    for known in TABLE_FORMATS:
        exact = [name for name in known.columns if name not in columns]
        wanted = [(len(known.columns), exact)] if known.columns else []
        wanted += [(len(some), sorted(name for name in some if plain(name) not in names)) for some in known.spellings]
        for size, missing in wanted:
            there = size - len(missing)
            if missing and there >= _LEAST_COLUMNS and 2 * there > size and (best is None or there > best[0]):
                best = there, NearestFormat(known.name, tuple(missing))
    return None if best is None else best[1]


def nearest_text(text: bytes) -> NearestFormat | None:
    """Find a format of which a text has a sign, but not all required parts."""
    for known in TEXT_FORMATS:
        missing = tuple(need.decode().strip(" :{") for need in known.needs if need not in text)
        if missing and any(sign in text for sign in known.signs):
            return NearestFormat(known.name, missing)
    return None
