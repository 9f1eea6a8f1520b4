"""Assign a colour to each service, stable from run to run and distinct where possible."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

SLOTS = 10
"""Number of service colours. Red is reserved for errors."""


def service_slots(names: Sequence[str]) -> list[int]:
    """Return a slot below `SLOTS` for each name.

    The slot is a hash of the name. On a collision the alphabetically later name takes the next free slot. Once all
    slots are taken, all are free again, so that names are spread evenly.
    """
    slots = [0] * len(names)
    taken: set[int] = set()
    for i in sorted(range(len(names)), key=names.__getitem__):
        slots[i] = _free(zlib.crc32(names[i].encode("utf-8", "surrogatepass")) % SLOTS, taken)
        taken.add(slots[i])
        if len(taken) == SLOTS:
            taken.clear()
    return slots


def distinct_slots(slots: Sequence[int], shown: Iterable[int]) -> list[int]:
    """Reassign the slots of a set's services for a view of some of them.

    Of two that would share a colour, the later one takes an unused colour if there is one.
    """
    distinct = list(slots)
    services = sorted(set(shown))
    taken: set[int] = set()
    later = []
    for service in services:
        if distinct[service] in taken:
            later.append(service)
        taken.add(distinct[service])
    for service in later:
        distinct[service] = _free(distinct[service], taken)
        taken.add(distinct[service])
    return distinct


def _free(wanted: int, taken: set[int]) -> int:
    return next((slot % SLOTS for slot in range(wanted, wanted + SLOTS) if slot % SLOTS not in taken), wanted)
