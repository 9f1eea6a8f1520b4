"""Finding the few attributes that decide about a span without decoding all of them.

Whether a span is an error depends on attributes such as `error` and `http.status_code`. Decoding every attribute of a
million spans costs more than everything else together; looking for the keys in the raw text and remembering what each
distinct finding means costs a fraction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tracetui.model.span import Value

_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 400


class DecidingAttributes:
    """Reads the deciding attributes in a JSON list of `{"key": ..., ... "value": ...}` objects.

    attributes: decodes a whole raw list. state: makes the packed state of a span (`model.intake.pack_state`) from
    attributes and what the span itself says. needles: texts one of which stands in every deciding key. closing: how
    many braces end one object after its first closing one. nested: a text that shows that objects may be nested, in
    which case the whole list is decoded.
    """

    def __init__(
        self,
        attributes: Callable[[bytes], dict[str, Value]],
        state: Callable[[dict[str, Value], int], int],
        needles: tuple[bytes, ...],
        closing: int,
        nested: bytes = b"",
    ) -> None:
        self._attributes = attributes
        self._state = state
        self._needles = needles
        self._tail = b"}" * closing
        self._nested = nested
        self._known: dict[tuple[bytes, int], int] = {}

    def states(self, raws: Sequence[bytes], natives: Sequence[int]) -> list[int]:
        """The packed states of spans with these raw attributes; `natives` is what each span itself says."""
        known = self._known
        needles = self._needles
        result = []
        for raw, native in zip(raws, natives, strict=True):
            found = b""
            for needle in needles:
                at = raw.find(needle)
                while at >= 0:
                    end = raw.find(b"}", at) + 1
                    found += raw[raw.rfind(b'"key"', 0, at) : end]
                    at = raw.find(needle, end) if end else -1
            state = known.get((found, native))
            result.append(self._decide(raw, found, native) if state is None else state)
        return result

    def _decide(self, raw: bytes, found: bytes, native: int) -> int:
        if len(found) > _LONGEST_REMEMBERED or (self._nested and self._nested in raw):
            return self._state(self._attributes(raw), native)
        pieces = [piece for piece in found.split(b'"key"') if piece]
        whole = [b'{"key"' + piece + self._tail for piece in pieces]
        attributes = self._attributes(b"[" + b",".join(whole) + b"]")
        # fewer than the pieces: a key after its value, a brace within a text, or a key that stands twice
        if len(attributes) != len(pieces) or any(b'"value"' not in piece for piece in pieces):
            return self._state(self._attributes(raw), native)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        decided = self._known[found, native] = self._state(attributes, native)
        return decided
