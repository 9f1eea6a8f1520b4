"""Find the registered format that an unknown input resembles, and the parts that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tracetui.ingest.formats.field_names import plain
from tracetui.ingest.formats.registry import JSON_FORMATS, TABLE_FORMATS, TEXT_FORMATS

_CONTAINERS: Final = ("spans", "processes")
"""Endings of the names of members that contain spans."""
_MIN_COLUMNS: Final = 3


@dataclass(frozen=True, slots=True)
class NearestFormat:
    """Format that an input resembles, and the required names that it lacks."""

    name: str
    missing: tuple[str, ...]

    @property
    def spans_warning(self) -> str:
        """Warning for an input in which every object lacks the same names."""
        if any(plain(name).endswith(_CONTAINERS) for name in self.missing):
            return self.object_warning
        article = "an" if self.missing[0][0] in "aeiouAEIOU" else "a"
        return f"looks like {self.name}, but no span has {article} {self._lacking}"

    @property
    def object_warning(self) -> str:
        """Warning for an object among spans of a known format, or for a text."""
        return f"looks like {self.name}, but has no {self._lacking}"

    @property
    def table_warning(self) -> str:
        """Warning for a table."""
        return f"looks like {self.name}, but has no column {self._lacking}"

    @property
    def _lacking(self) -> str:
        *others, last = self.missing
        return f"{', '.join(others)} or {last}" if others else last


def nearest_json(keys: Iterable[str]) -> NearestFormat | None:
    """Find the nearest format of an object with these keys."""
    return _nearest_json(frozenset(keys))


@lru_cache(maxsize=1024)
def _nearest_json(keys: frozenset[str]) -> NearestFormat | None:
    names = {plain(key) for key in keys}
    best: tuple[tuple[int, int], NearestFormat] | None = None
    for format_ in JSON_FORMATS:
        signs = max((len(some) for some in format_.signs if names.issuperset(map(plain, some))), default=0)
        for wanted in (*format_.keys, *format_.spellings) if signs else ():
            missing = tuple(sorted(key for key in wanted if plain(key) not in names))
            rank = signs + len(wanted) - len(missing), -len(missing)
            if missing and (best is None or rank > best[0]):
                best = rank, NearestFormat(format_.name, missing)
    return None if best is None else best[1]


def nearest_table(columns: Sequence[str]) -> NearestFormat | None:
    """Find the nearest format of a table with these columns."""
    best: tuple[int, NearestFormat] | None = None
    names = {plain(name) for name in columns}
    for format_ in TABLE_FORMATS:
        exact = [name for name in format_.columns if name not in columns]
        wanted = [(len(format_.columns), exact)] if format_.columns else []
        wanted += [(len(some), sorted(name for name in some if plain(name) not in names)) for some in format_.spellings]
        for size, missing in wanted:
            present = size - len(missing)
            if missing and present >= _MIN_COLUMNS and 2 * present > size and (best is None or present > best[0]):
                best = present, NearestFormat(format_.name, tuple(missing))
    return None if best is None else best[1]


def nearest_text(text: bytes) -> NearestFormat | None:
    """Find a format of which a text has a sign, but not all required parts."""
    for format_ in TEXT_FORMATS:
        missing = tuple(need.decode().strip(" :{") for need in format_.needs if need not in text)
        if missing and any(sign in text for sign in format_.signs):
            return NearestFormat(format_.name, missing)
    return None
