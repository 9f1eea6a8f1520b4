"""Read the few attributes that decide about a span, without decoding all of them.

Attributes such as `error` and `http.status_code` decide whether a span is an error; `peer.service` and `db.name` name
the peer that it called. Decoding every attribute of a million spans costs more than everything else together;
searching the raw text for the keys and caching the decision for each distinct result costs a fraction.
"""

from __future__ import annotations

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
REMEMBERED = 20_000
_MANY = 256
"""Number of spans that are decided together."""
_NATIVE = (1 << FLAG_SHIFT) - 1
LONGEST_REMEMBERED = 400


class DecidingAttributes:
    """Reads the deciding attributes in a JSON list of `{"key": ..., ... "value": ...}` objects.

    attributes: decodes a whole raw list. state: computes the packed state of a span (`model.intake.pack_state`) from
    its attributes and its own kind and status. also: other keys that `state` needs. once: a key that most spans have
    exactly once. closing: number of braces after the first closing one of an object. nested: a text that marks values
    which may contain such objects; a list with it is decoded whole.
    """

    def __init__(
        self,
        attributes: Callable[[bytes], dict[str, Value]],
        state: Callable[[dict[str, Value], int], int],
        *,
        also: tuple[str, ...] = (),
        once: str = "",
        closing: int = 0,
        nested: bytes = b"",
    ) -> None:
        self._attributes = attributes
        self._state = state
        self._needles = needles((*deciding_keys(), *also), '"')
        self._once = f'"{once}"'.encode() if once else b""
        self._tail = b"}" * closing
        self._nested = nested
        self._scanner = AttributeScanner([*deciding_keys(), *also, *([once] if once else []), *NOTED])
        self._compared: dict[int, tuple[int, str]] = {}
        self._known: dict[tuple[bytes, int], tuple[int, str]] = {}

    def states(self, raws: Sequence[bytes], natives: Sequence[int]) -> tuple[list[int], list[str]]:
        """Decide about spans with these raw attributes. -> packed states and call targets (`model.peers.noted_peer`)

        natives: kind and status of each span itself.
        """
        if len(raws) < _MANY:
            return self._one_by_one(raws, natives)
        decided = self.decide(raws, np.array(natives, np.int32))
        kinds = decided.kind.tolist()
        return decided.states[decided.kind].tolist(), [decided.peers[kind] for kind in kinds]

    def _one_by_one(self, raws: Sequence[bytes], natives: Sequence[int]) -> tuple[list[int], list[str]]:
        known, nested = self._known.get, self._nested
        states, peers = [], []
        for raw, native in zip(raws, natives, strict=True):
            found = self._found(raw)
            if found is None or (nested and found and nested in raw):
                # a key within a nested value looks like one of the span
                state, peer = self._decided(self._attributes(raw), native)
            else:
                state, peer = known((found, native)) or self._decide(raw, found, native)
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
            self._compared.get(text) or self._compare(text, attributes[at], native)
            for text, at, native in zip(
                distinct.tolist(), compared[first].tolist(), natives[compared[first]].tolist(), strict=True
            )
        ]
        kind = np.empty(len(attributes), np.int64)
        kind[compared] = group
        others = np.flatnonzero(~found.plain).tolist()
        kind[others] = np.arange(len(distinct), len(distinct) + len(others))
        more, called = self._one_by_one([attributes[at] for at in others], natives[others].tolist())
        return AttributeDecisions(
            kind, np.array([state for state, _ in decided] + more, np.int32), [peer for _, peer in decided] + called
        )

    def _compare(self, text: int, raw: bytes, native: int) -> tuple[int, str]:
        if len(self._compared) >= REMEMBERED:
            self._compared.clear()
        decided = self._compared[text] = self._decided(self._attributes(raw), native)
        return decided

    def _found(self, raw: bytes) -> bytes | None:
        """Find objects with a wanted key, each from its word `"key"` on; None if the whole list must be decoded."""
        found = b""
        if self._once:
            at = raw.find(self._once)
            if at >= 0:
                found = raw[at - len(_KEY) - 1 : raw.find(b"}", at) + 1]
        wanted = self._needles
        for sign, more in _PEERS:
            if sign in raw:
                wanted += more
        for needle in wanted:
            at = raw.find(needle)
            while at >= 0:
                begin, end = raw.rfind(_KEY, 0, at), raw.find(b"}", at) + 1
                # only a colon and the beginning of the key may be in between: another quote begins a value
                if begin < 0 or raw.count(b'"', begin + len(_KEY), at) != (needle[:1] != b'"'):
                    return None
                found += raw[begin:end]
                at = raw.find(needle, end) if end else -1
        return found

    def _decided(self, attributes: dict[str, Value], native: int) -> tuple[int, str]:
        return self._state(attributes, native), noted_peer(attributes)

    def _decide(self, raw: bytes, found: bytes, native: int) -> tuple[int, str]:
        if len(found) > LONGEST_REMEMBERED:
            return self._decided(self._attributes(raw), native)
        before, *pieces = found.split(_KEY)
        whole = [b"{" + _KEY + piece + self._tail for piece in pieces]
        attributes = self._attributes(b"[" + b",".join(whole) + b"]")
        # fewer than the pieces: a key after its value, a brace within a text, or a duplicate key
        if before or len(attributes) != len(pieces) or any(b'"value"' not in piece for piece in pieces):
            return self._decided(self._attributes(raw), native)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        decided = self._known[found, native] = self._decided(attributes, native)
        return decided
