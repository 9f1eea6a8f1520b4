"""Recovery of intact parts of damaged JSON, with warnings about the damage and what was skipped."""

from __future__ import annotations

import re
from collections.abc import Callable

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.json_repair.damaged_json import TextFinder, repair
from tracetui.ingest.json_repair.repaired_text import Gap, RepairedValue
from tracetui.ingest.json_repair.surplus_commas import Commas, without_commas
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MalformedError

_BETWEEN = re.compile(rb"[\s,]*+")
"""Text allowed between values."""


def recover(data: Buffer, start: int, context: DecodeContext, decode: Callable[[bytes], None], problem: str) -> None:
    """Repair the values from `start` on, one at a time, and decode each.

    decode: decodes a value; raises MalformedError. problem: error of the strict decoder for the data.
    """
    commas = Commas()
    sound = without_commas(data, start)
    if sound:
        text, commas = sound
        start = len(data)
        try:
            decode(text)
        except MalformedError as error:
            context.warn(f"cannot be read: {error}")
    finder = TextFinder(data)
    while start < len(data):
        repaired = repair(data, start, finder)
        _warn_about_gaps(repaired, len(data), context)
        if repaired.replaced_values:
            context.warn(
                f"{repaired.replaced_values:,} values that JSON does not allow (NaN, infinity) were read as null"
            )
        commas.add(repaired.commas.first, repaired.commas.count)
        if repaired.text:
            try:
                decode(repaired.text)
            except MalformedError as error:
                context.warn(f"cannot be read: {error}")
        elif not repaired.gaps:
            context.warn(f"cannot be read: {problem}")
        assert repaired.end > start, f"no progress at byte {start}"
        start = repaired.end
        between = _BETWEEN.match(data, start)
        assert between is not None
        comma = data.find(b",", start, between.end())
        if comma >= 0:
            commas.add(comma, between[0].count(b","))
        start = between.end()
    if commas.count:
        more = f" (and {commas.count - 1:,} more)" if commas.count > 1 else ""
        context.at(f"byte {commas.first:,}").warn(f"surplus comma{more}; ignored")


def _warn_about_gaps(repaired: RepairedValue, size: int, context: DecodeContext) -> None:
    for gap in repaired.gaps:
        context.at(f"byte {gap.start:,}").warn(f"damaged JSON ({gap.reason}); {_lost(gap, size)}")
    more = repaired.more_gaps
    if more.count:
        context.at(f"byte {more.start:,}").warn(
            f"damaged JSON in {more.count:,} more places; {more.size:,} bytes skipped"
        )


def _lost(gap: Gap, size: int) -> str:
    if gap.start == gap.end:
        return "nothing skipped"
    return f"{'the last ' if gap.end == size else ''}{gap.end - gap.start:,} bytes skipped"
