"""A colour for each service: the same from run to run, different from its neighbours'."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

SLOTS = 10
"""Colours to tell services apart by. Red is none of them: it means an error."""


def service_slots(names: Sequence[str]) -> list[int]:
    """-> per name a slot below `SLOTS`.

    The slot is a hash of the name; where two names of the set meet in one, the later in the alphabet takes the next
    free slot. With more names than slots, those that find none free keep that of their hash.
    """
    slots = [0] * len(names)
    taken: set[int] = set()
    for i in sorted(range(len(names)), key=names.__getitem__):
        wanted = zlib.crc32(names[i].encode("utf-8", "surrogatepass")) % SLOTS
        free = (slot % SLOTS for slot in range(wanted, wanted + SLOTS) if slot % SLOTS not in taken)
        slots[i] = next(free, wanted)
        taken.add(slots[i])
    return slots
