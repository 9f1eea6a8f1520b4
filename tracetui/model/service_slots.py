"""Numbers of services that determine their colours: different ones for services of the same trace, if possible."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tracetui.model.traces import TraceSet

SLOTS = 10
"""Number of service colours. Red is reserved for errors."""
_MOST_SERVICES = 1000
"""Number of services above which only their names count: a colour then says little, and a table of pairs is large."""
_MOST_CELLS = 4_000_000
"""Cells of traces and services that are looked at. Of larger sets, traces at equal distances are."""


def service_slots(traces: TraceSet) -> list[int]:
    """Return a slot below `SLOTS` for each service of a set.

    Services that meet in a trace get different slots, those that meet most others first; among the slots that are as
    good, the least used, and then the next after a hash of the name. More traces change slots only where services
    meet for the first time.
    """
    names = traces.services
    count = len(names)
    meets = _meetings(traces) if SLOTS < count <= _MOST_SERVICES else np.zeros((count, 0), bool)
    met = meets.sum(axis=1).tolist()
    slots = [0] * count
    uses = [0] * SLOTS
    conflicts = np.zeros((count, SLOTS), np.int64)
    for i in sorted(range(count), key=lambda i: (-met[i], names[i])):
        wanted = zlib.crc32(names[i].encode("utf-8", "surrogatepass")) % SLOTS
        of_slot = conflicts[i].tolist()
        slot = min(range(SLOTS), key=lambda slot: (of_slot[slot], uses[slot], (slot - wanted) % SLOTS))
        slots[i] = slot
        uses[slot] += 1
        if met[i]:
            conflicts[:, slot] += meets[i]
    return slots


def _meetings(traces: TraceSet) -> np.ndarray:
    """Return which services occur in a common trace: bool[services, services], false for a service with itself."""
    count = len(traces.services)
    step = -(-traces.trace_count * count // _MOST_CELLS) or 1
    spans = traces.trace % step == 0
    occurs = np.zeros((-(-traces.trace_count // step), count), np.float32)
    occurs[traces.trace[spans] // step, traces.service[spans]] = 1
    meets: np.ndarray = occurs.T @ occurs > 0
    np.fill_diagonal(meets, val=False)
    return meets
