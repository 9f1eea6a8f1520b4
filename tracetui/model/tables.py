"""Tables of texts, traces and resources, to which spans refer by number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property, partial
from itertools import count, islice
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from tracetui.model.ids import canonical_trace_id
from tracetui.model.span import UNKNOWN_SERVICE
from tracetui.model.span_codec import Codec, MergedCodec

_NumberedKey = TypeVar("_NumberedKey", bound=Hashable)


class Numbers(Generic[_NumberedKey]):
    """Bidirectional mapping of keys and small integers, in order of first appearance."""

    def __init__(self, keys: Iterable[_NumberedKey] = (), *, distinct: bool = False) -> None:
        """`distinct`: true if no key repeats, so that none needs a look."""
        self._keys = list(keys if distinct else dict.fromkeys(keys))

    @cached_property
    def _numbers(self) -> defaultdict[_NumberedKey, int]:
        """Numbers by key, made for the first lookup, as tables from other processes are only read."""
        numbers = count()
        # a key is numbered where it is looked up, without a call of Python code
        return defaultdict(numbers.__next__, zip(self._keys, numbers, strict=False))

    def __call__(self, key: _NumberedKey) -> int:
        return self._numbers[key]

    def many(self, keys: Iterable[_NumberedKey]) -> list[int]:
        """Number many keys."""
        return list(map(self._numbers.__getitem__, keys))

    def array(self, keys: Iterable[_NumberedKey]) -> np.ndarray:
        """Number many keys: int32[n]."""
        return np.fromiter(map(self._numbers.__getitem__, keys), np.int32)

    @property
    def keys(self) -> list[_NumberedKey]:
        """Keys by number."""
        if len(self._keys) < len(self):
            self._keys.extend(islice(self._numbers, len(self._keys), None))
        return self._keys

    def __len__(self) -> int:
        return len(vars(self).get("_numbers", self._keys))


_SEPARATOR = "\0"


def _packed(texts: list[str]) -> str | list[str]:
    """Join texts to one, which is pickled in a fraction of the time, if they can be told apart in it."""
    joined = _SEPARATOR.join(texts)
    return joined if joined.count(_SEPARATOR) == len(texts) - 1 else texts


def _unpacked(texts: str | list[str]) -> list[str]:
    return texts.split(_SEPARATOR) if isinstance(texts, str) else texts


class Interner(Numbers[str]):
    """Numbers of texts."""

    def __getstate__(self) -> tuple[str | list[str]]:
        return (_packed(self.keys),)

    def __setstate__(self, state: tuple[str | list[str]]) -> None:
        (texts,) = state
        self._keys = _unpacked(texts)

    @property
    def texts(self) -> list[str]:
        """Texts by number."""
        return self.keys


class TraceTable:
    """Traces by any spelling of their ids, and the warnings of sources about them."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        """The longest spelling of each id; of equally long ones the alphabetically first, whatever the input order."""
        self.unnamed: set[int] = set()
        """Numbers of the traces without an id. Their generated ids are unique to this table."""
        self.warnings: dict[int, list[str]] = {}
        self._numbers: dict[str, int] = {}

    def __getstate__(self) -> tuple[Any, ...]:
        """Pickle the ids, and the numbers of those spellings that are not among them, which are few."""
        others: dict[str, int] = {}
        if len(self._numbers) > len(self.ids):
            others = {text: number for text, number in self._numbers.items() if self.ids[number] != text}
        return self.ids, self.unnamed, self.warnings, others

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.ids, self.unnamed, self.warnings, others = state
        self._numbers = {**dict(zip(self.ids, count())), **others}

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


_ResourceKey = tuple[str, bytes, Codec, str, str]
"""Service, raw attributes, codec, name and version of the scope."""


class ResourceTable:
    """Distinct resources, and the names of their services."""

    def __init__(self) -> None:
        self._keys = Numbers[_ResourceKey]()
        self._codecs: dict[Codec, Codec] = {}
        """The equivalent codec in the keys, for each codec."""
        self._services = Interner()
        self._entries: list[Resource] = []

    def __getstate__(self) -> tuple[str | list[str], list[tuple[list[Any], np.ndarray]]]:
        """Pickle columns of the keys, each value of all but the services once."""
        services, *others = zip(*self._keys.keys, strict=True) if len(self) else ((),) * len(Resource._fields)
        tables = [Numbers[Any]() for _ in others]
        numbers = [table.array(column) for table, column in zip(tables, others, strict=True)]
        return _packed(list(services)), [(table.keys, column) for table, column in zip(tables, numbers, strict=True)]

    def __setstate__(self, state: tuple[str | list[str], list[tuple[list[Any], np.ndarray]]]) -> None:
        ResourceTable.__init__(self)
        services, others = state
        _, (codecs, _), *_ = others
        self._codecs = {codec: codec for codec in codecs}
        columns = [map(values.__getitem__, numbers.tolist()) for values, numbers in others]
        self._keys = Numbers(zip(_unpacked(services), *columns, strict=True), distinct=True)

    def __call__(self, service: str, raw: bytes, codec: Codec, scope_name: str = "", scope_version: str = "") -> int:
        """Return the number of a resource; equal ones share it. An empty service becomes `unknown_service`."""
        return self._keys((service, raw, self._codecs.get(codec) or self._add_codec(codec), scope_name, scope_version))

    def _add_codec(self, codec: Codec) -> Codec:
        """Add a codec. -> the codec to use in its place: one of another process is equivalent"""
        known = codec
        if not isinstance(codec, MergedCodec):
            # codecs of one type have no state
            known = next((one for one in self._codecs.values() if type(one) is type(codec)), codec)
        self._codecs[codec] = known
        return known

    @property
    def services(self) -> Interner:
        """Names of the services of all resources."""
        self._make_entries()
        return self._services

    @property
    def entries(self) -> list[Resource]:
        """Resources by number."""
        self._make_entries()
        return self._entries

    def _make_entries(self) -> None:
        """Make the entries of all new keys together, which takes a fraction of the time of one at a time."""
        done = len(self._entries)
        if done == len(self._keys):
            return
        services, *others = zip(*self._keys.keys[done:], strict=True)
        if "" in services:
            services = tuple(service or UNKNOWN_SERVICE for service in services)
        # as `Resource._make`, without a call of Python code for each
        rows = zip(self._services.many(services), *others, strict=True)
        self._entries.extend(map(partial(tuple.__new__, Resource), rows))

    def absorb(self, other: ResourceTable) -> np.ndarray:
        """Add the resources of another table. -> int32[resources of the other], their numbers here"""
        return self._absorb_columns(*zip(*other._keys.keys, strict=True))

    def _absorb_columns(self, *columns: Sequence[Any]) -> np.ndarray:
        """Add resources, given the columns of their keys; no columns for no resources. -> int32[n], their numbers"""
        if not columns:
            return np.zeros(0, np.int32)
        services, raws, codecs, *scopes = columns
        for codec in set(codecs).difference(self._codecs):
            self._add_codec(codec)
        own = map(self._codecs.__getitem__, codecs)
        return self._keys.array(zip(services, raws, own, *scopes, strict=True))

    def keep(self, kept: Sequence[int]) -> None:
        """Keep some resources."""
        keys = self._keys.keys
        self._keys = Numbers(keys[at] for at in kept)
        self._services, self._entries = Interner(), []

    def __len__(self) -> int:
        return len(self._keys)
