"""Read the few attributes that decide about a span, without decoding all of them.

Attributes such as `error` and `http.status_code` decide whether a span is an error; `peer.service` and `db.name` name
the peer that it called. Decoding every attribute of a million spans costs more than everything else together;
searching the raw text for the keys and caching the decision for each distinct result costs a fraction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from tracetui.ingest.formats.attribute_scan import AttributeScanner
from tracetui.ingest.formats.error_rule import deciding_keys, needles
from tracetui.model.ids import GOLDEN_RATIO
from tracetui.model.peers import NOTED, noted_peer
from tracetui.model.span import FLAG_SHIFT, Value
from tracetui.model.span_rows import AttributeDecisions

_KEY = b'"key"'
_PEERS = (
    (b'"db.', (b'"db.system', b'"db.name"', b'"db.namespace"')),
    (b"peer.", (b'"peer.service"', b'"service.peer.name"')),
    (b"messaging.op", (b'"messaging.operation"', b'"messaging.operation.')),
)
"""Keys of `model.peers.NOTED` in groups with a common text, so that one search suffices for most lists."""
CACHE_SIZE = 20_000
"""Entries of a cache, which is cleared when it is full."""
_MANY = 256
"""Number of spans that are decided together."""
_NATIVE = (1 << FLAG_SHIFT) - 1
LONGEST_CACHED = 400
_BLANKS = 80
"""Longest white space between closing braces, in bytes."""
_DAMAGED_KEY = re.compile(rb'"key"\s{0,80}:\s{0,80}[{\[]')
"""Key that is an object or a list, in which an attribute looks like one of the span."""


class AttributeDecider:
    """Reads the deciding attributes in a JSON list of `{"key": ..., ... "value": ...}` objects.

    attributes: decodes a whole raw list.
    state: computes the packed state of a span (`model.span.pack_state`) from its attributes and its native state, its
        own kind and status.
    more_keys: other keys that `state` needs.
    common_key: a key that most spans have exactly once.
    closing: number of braces after the first closing one of an object.
    nested: a text in all values that may contain such objects; a list with it is decoded whole.
    """

    def __init__(
        self,
        attributes: Callable[[bytes], dict[str, Value]],
        state: Callable[[dict[str, Value], int], int],
        *,
        more_keys: tuple[str, ...] = (),
        common_key: str = "",
        closing: int = 0,
        nested: bytes = b"",
    ) -> None:
        self._attributes = attributes
        self._state = state
        self._needles = needles((*deciding_keys(), *more_keys), '"')
        self._common_key = f'"{common_key}"'.encode() if common_key else b""
        self._tail = b"}" * closing
        self._nested = nested
        self._scanner = AttributeScanner([*deciding_keys(), *more_keys, *([common_key] if common_key else []), *NOTED])
        self._by_text: dict[int, tuple[int, str]] = {}
        self._by_found: dict[tuple[bytes, int], tuple[int, str]] = {}

    def states(self, raws: Sequence[bytes], natives: Sequence[int]) -> tuple[list[int], list[str]]:
        """Decide about spans with these raw attributes. -> packed states and call targets (`model.peers.noted_peer`)

        natives: native state of each span.
        """
        if len(raws) < _MANY:
            return self._one_by_one(raws, natives)
        decided = self.decide(raws, np.array(natives, np.int32))
        return decided.states[decided.index].tolist(), [decided.peers[i] for i in decided.index.tolist()]

    def _one_by_one(self, raws: Sequence[bytes], natives: Sequence[int]) -> tuple[list[int], list[str]]:
        known, nested = self._by_found.get, self._nested
        states, peers = [], []
        for raw, native in zip(raws, natives, strict=True):
            found = self._find(raw)
            if found is None or (nested and found and nested in raw):
                # a key within a nested value looks like one of the span
                state, peer = self._decide_whole(self._attributes(raw), native)
            else:
                state, peer = known((found, native)) or self._decide_found(raw, found, native)
            states.append(state)
            peers.append(peer)
        return states, peers

    def decide(self, attributes: Sequence[bytes], states: np.ndarray) -> AttributeDecisions:
        """Decide about many spans at once; equal ones are decided once."""
        found = self._scanner.scan(attributes)
        natives = states & _NATIVE
        texts = found.texts + natives.astype(np.uint64) * GOLDEN_RATIO
        # spans that cannot be compared get numbers of their own, after the others
        compared = np.flatnonzero(found.plain)
        distinct, first, group = np.unique(texts[compared], return_index=True, return_inverse=True)
        decided = [
            self._by_text.get(text) or self._decide_compared(text, attributes[at], native)
            for text, at, native in zip(
                distinct.tolist(), compared[first].tolist(), natives[compared[first]].tolist(), strict=True
            )
        ]
        index = np.empty(len(attributes), np.int64)
        index[compared] = group
        others = np.flatnonzero(~found.plain).tolist()
        index[others] = np.arange(len(distinct), len(distinct) + len(others))
        more, called = self._one_by_one([attributes[at] for at in others], natives[others].tolist())
        return AttributeDecisions(
            index, np.array([state for state, _ in decided] + more, np.int32), [peer for _, peer in decided] + called
        )

    def _decide_compared(self, text: int, raw: bytes, native: int) -> tuple[int, str]:
        if len(self._by_text) >= CACHE_SIZE:
            self._by_text.clear()
        decided = self._by_text[text] = self._decide_whole(self._attributes(raw), native)
        return decided

    def _find(self, raw: bytes) -> bytes | None:
        """Find the objects with deciding keys, each from `"key"` on; None if the whole list must be decoded."""
        found = b""
        if raw.count(b"[") > 1 and _DAMAGED_KEY.search(raw):
            return None
        if self._common_key:
            at = raw.find(self._common_key)
            if at >= 0:
                begin = at - len(_KEY) - 1
                if not _begins_attribute(raw, begin):
                    return None
                found = raw[begin : raw.find(b"}", at) + 1]
        wanted = self._needles
        for common, keys in _PEERS:
            if common in raw:
                wanted += keys
        for needle in wanted:
            at = raw.find(needle)
            while at >= 0:
                begin, end = raw.rfind(_KEY, 0, at), raw.find(b"}", at) + 1
                # only a colon and the beginning of the key may be in between: another quote begins a value
                if begin < 0 or raw.count(b'"', begin + len(_KEY), at) != (needle[:1] != b'"'):
                    return None
                if not _begins_attribute(raw, begin):
                    return None
                # the object goes on after its value, perhaps with another value
                if self._tail and not raw[end : end + _BLANKS].lstrip().startswith(self._tail[:1]):
                    return None
                found += raw[begin:end]
                at = raw.find(needle, end) if end else -1
        return found

    def _decide_whole(self, attributes: dict[str, Value], native: int) -> tuple[int, str]:
        return self._state(attributes, native), noted_peer(attributes)

    def _decide_found(self, raw: bytes, found: bytes, native: int) -> tuple[int, str]:
        if len(found) > LONGEST_CACHED:
            return self._decide_whole(self._attributes(raw), native)
        before, *pieces = found.split(_KEY)
        whole = [b"{" + _KEY + piece + self._tail for piece in pieces]
        attributes = self._attributes(b"[" + b",".join(whole) + b"]")
        # fewer than the pieces: a key after its value, a brace within a text, or a duplicate key
        if before or len(attributes) != len(pieces) or any(b'"value"' not in piece for piece in pieces):
            return self._decide_whole(self._attributes(raw), native)
        if len(self._by_found) >= CACHE_SIZE:
            self._by_found.clear()
        decided = self._by_found[found, native] = self._decide_whole(attributes, native)
        return decided


def _begins_attribute(raw: bytes, at: int) -> bool:
    """Test whether `"key"` at this position begins an object of a list, not one that is itself the key of another."""
    if raw[at - 1 : at] == b"{" and raw[at - 2 : at - 1] in (b"[", b","):
        return True
    before = raw[max(at - _BLANKS, 0) : max(at, 0)].rstrip()
    return before.endswith(b"{") and before[:-1].rstrip()[-1:] in (b"[", b",")
