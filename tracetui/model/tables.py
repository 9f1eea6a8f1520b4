"""Tables of texts, traces and resources, to which spans refer by number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tracetui.model.ids import canonical_trace_id
from tracetui.model.span import UNKNOWN_SERVICE
from tracetui.model.span_codec import Codec


class _TextNumbers(dict[str, int]):
    """Numbers by text, which number a further text when it is looked up."""

    __slots__ = ("texts",)

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self.texts)
        self.texts.append(text)
        return number


class Interner:
    """Bidirectional mapping of texts and small integers, in order of first appearance."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._numbers = _TextNumbers()
        self.texts = self._numbers.texts
        self.many(texts)

    def __reduce__(self) -> tuple[type[Interner], tuple[list[str]]]:
        return Interner, (self.texts,)

    def __call__(self, text: str) -> int:
        return self._numbers[text]

    def many(self, texts: Iterable[str]) -> list[int]:
        """Number many texts."""
        return list(map(self._numbers.__getitem__, texts))

    def __len__(self) -> int:
        return len(self.texts)


class TraceTable:
    """Traces by any spelling of their ids, and the warnings of sources about them."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        """The longest spelling of each id; of equally long ones the alphabetically first, whatever the input order."""
        self.unnamed: set[int] = set()
        """Numbers of the traces without an id. Their generated ids are unique to this table."""
        self.warnings: dict[int, list[str]] = {}
        self._numbers: dict[str, int] = {}

    def __call__(self, trace_id: str) -> int:
        """Return the number of a trace."""
        number = self._numbers.get(trace_id)
        if number is None:
            canonical = canonical_trace_id(trace_id)
            number = self._numbers.get(canonical)
            if number is None:
                number = self._numbers[canonical] = len(self.ids)
                self.ids.append(trace_id)
            elif (-len(trace_id), trace_id) < (-len(self.ids[number]), self.ids[number]):
                self.ids[number] = trace_id
            self._numbers[trace_id] = number
        return number

    def add_unnamed(self) -> int:
        """Return the number of another trace without an id."""
        at = len(self.ids) + 1
        # some earlier ones may have been removed
        while f"no-trace-id-{at}" in self._numbers:
            at += 1
        number = self(f"no-trace-id-{at}")
        self.unnamed.add(number)
        return number

    def warn(self, trace: int, warnings: Sequence[str]) -> None:
        """Record warnings of the source on a trace, each once."""
        kept = self.warnings.setdefault(trace, [])
        kept.extend(text for text in dict.fromkeys(warnings) if text not in kept)

    def absorb(self, other: TraceTable) -> np.ndarray:
        """Add the traces of another table. -> int32[traces of the other], their numbers here"""
        numbers = [
            self.add_unnamed() if number in other.unnamed else self(text) for number, text in enumerate(other.ids)
        ]
        for trace, texts in other.warnings.items():
            self.warn(numbers[trace], texts)
        return np.array(numbers, np.int32)

    def keep(self, kept: Sequence[int], new_number: np.ndarray) -> None:
        """Keep some traces. new_number: int32[n], -1 for the others."""
        self.ids = [self.ids[trace] for trace in kept]
        self.unnamed = {int(new_number[trace]) for trace in self.unnamed if new_number[trace] >= 0}
        self.warnings = {int(new_number[at]): texts for at, texts in self.warnings.items() if new_number[at] >= 0}
        self._numbers = {}
        for at, text in enumerate(self.ids):
            self._numbers[canonical_trace_id(text)] = self._numbers[text] = at

    @property
    def spelling_count(self) -> int:
        """Number of known spellings of ids."""
        return len(self._numbers)

    def __len__(self) -> int:
        return len(self.ids)


class Resource(NamedTuple):
    """Origin of spans: a service, its attributes, the instrumentation scope, and the codec of the spans' raw parts."""

    service: int
    raw: bytes
    codec: Codec
    scope_name: str = ""
    scope_version: str = ""


class ResourceTable:
    """Distinct resources, and the names of their services."""

    def __init__(self) -> None:
        self.services = Interner()
        self.entries: list[Resource] = []
        self._numbers: dict[tuple[str, bytes, type[Codec], str, str], int] = {}

    def __call__(self, service: str, raw: bytes, codec: Codec, scope_name: str = "", scope_version: str = "") -> int:
        """Return the number of a resource; equal ones share it. An empty service becomes `unknown_service`."""
        # codecs have no state, so one from another process is equivalent
        key = (service, raw, type(codec), scope_name, scope_version)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.entries)
            self.entries.append(
                Resource(self.services(service or UNKNOWN_SERVICE), raw, codec, scope_name, scope_version)
            )
        return number

    def absorb(self, other: ResourceTable) -> np.ndarray:
        """Add the resources of another table. -> int32[resources of the other], their numbers here"""
        names = other.services.texts
        numbers = [self(names[r.service], r.raw, r.codec, r.scope_name, r.scope_version) for r in other.entries]
        return np.array(numbers, np.int32)

    def keep(self, kept: Sequence[int]) -> None:
        """Keep some resources."""
        entries, names = [self.entries[at] for at in kept], self.services.texts
        self.services = Interner()
        self.entries = [one._replace(service=self.services(names[one.service])) for one in entries]
        self._numbers = {
            (names[one.service], one.raw, type(one.codec), one.scope_name, one.scope_version): at
            for at, one in enumerate(entries)
        }

    def __len__(self) -> int:
        return len(self.entries)
