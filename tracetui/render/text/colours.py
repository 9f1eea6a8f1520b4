"""A colour for each service: the same from run to run, different from its neighbours'."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

SLOTS = 10
"""Colours to tell services apart by. Red is none of them: it means an error."""


def service_slots(names: Sequence[str]) -> list[int]:
    """-> per name a slot below `SLOTS`.

    The slot is a hash of the name; where two names of the set meet in one, the later in the alphabet takes the next
    free slot. When all slots are taken, all are free again, so that each stands for about as many names.
    """
    slots = [0] * len(names)
    taken: set[int] = set()
    for i in sorted(range(len(names)), key=names.__getitem__):
        slots[i] = _free(zlib.crc32(names[i].encode("utf-8", "surrogatepass")) % SLOTS, taken)
        taken.add(slots[i])
        if len(taken) == SLOTS:
            taken.clear()
    return slots


def slots_apart(slots: Sequence[int], shown: Iterable[int]) -> list[int]:
    """The slots of a set's services, for a view of some of them: of two that would share a colour, the later takes
    one that none of the others has, as long as there is one.
    """
    apart = list(slots)
    services = sorted(set(shown))
    taken: set[int] = set()
    later = []
    for service in services:
        if apart[service] in taken:
            later.append(service)
        taken.add(apart[service])
    for service in later:
        apart[service] = _free(apart[service], taken)
        taken.add(apart[service])
    return apart


def _free(wanted: int, taken: set[int]) -> int:
    return next((slot % SLOTS for slot in range(wanted, wanted + SLOTS) if slot % SLOTS not in taken), wanted)
