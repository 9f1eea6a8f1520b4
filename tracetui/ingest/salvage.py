"""Taking in what is whole of damaged JSON, and saying where it is damaged and how much is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tracetui.ingest.buffers import Buffer
from tracetui.ingest.commas import without_commas
from tracetui.ingest.mend import Finder, Gap, mend
from tracetui.ingest.place import Place
from tracetui.model.decoding import MalformedError

_MOST_GAPS = 1_000
"""Of more gaps in one value the sum is told."""


def salvage(data: Buffer, start: int, place: Place, take: Callable[[bytes], None], trouble: str) -> None:
    """Mend the values from `start` on, one after the other, and have each taken in.

    take: raises MalformedError if it cannot read the text. trouble: what a strict reader said of the data.
    """
    commas: list[int] = []
    sound = without_commas(data, start)
    if sound:
        text, commas = sound
        start = len(data)
        try:
            take(text)
        except MalformedError as error:
            place.warn(f"cannot be read: {error}")
    finder = Finder(data)
    while start < len(data):
        mended = mend(data, start, finder)
        _warn_of(mended.gaps, len(data), place)
        if mended.unwritable:
            place.warn(f"{mended.unwritable:,} values that JSON cannot hold (NaN, infinity) are shown as empty")
        commas += mended.commas
        if mended.text:
            try:
                take(mended.text)
            except MalformedError as error:
                place.warn(f"cannot be read: {error}")
        elif not mended.gaps:
            place.warn(f"cannot be read: {trouble}")
        assert mended.end > start, f"no progress at byte {start}"
        start = mended.end
        while data[start : start + 1].isspace() or data[start : start + 1] == b",":
            commas += [start] if data[start : start + 1] == b"," else []
            start += 1
    if commas:
        more = f" (and {len(commas) - 1:,} more)" if len(commas) > 1 else ""
        place.at(f"byte {commas[0]:,}").warn(f"superfluous comma{more}; read without")


def _warn_of(gaps: Sequence[Gap], size: int, place: Place) -> None:
    for gap in gaps[:_MOST_GAPS]:
        place.at(f"byte {gap.start:,}").warn(f"damaged JSON ({gap.reason}); {_lost(gap, size)}")
    more = gaps[_MOST_GAPS:]
    if more:
        left_out = sum(gap.end - gap.start for gap in more)
        place.at(f"byte {more[0].start:,}").warn(
            f"damaged JSON in {len(more):,} more places; {left_out:,} bytes are left out"
        )


def _lost(gap: Gap, size: int) -> str:
    if gap.start == gap.end:
        return "nothing is left out"
    return f"{gap.end - gap.start:,} bytes{' to the end' if gap.end == size else ''} are left out"
