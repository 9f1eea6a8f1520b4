"""Memory limits for input, known before memory is taken."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

try:
    import resource
except ImportError:  # not everywhere
    resource = None  # type: ignore[assignment]

MIB = 1 << 20
LEAST = 64 * MIB
"""Any machine has so much to spare."""
MOST_PACKED_TIMES = 200
"""Largest ratio of unpacked to packed size: traces, which hold random ids, reach about thirty."""
MOST_DECODED_TIMES = 1_000
"""How many times its packed size decoding data may cost: traces reach some hundred and fifty."""
_VALUE_BYTES = 64
"""Memory that a decoded JSON value takes for itself, about: a reference, an object's header, its length."""
_SEPARATORS = b",\n\x12"
"""What stands between values of JSON, and before the first and second field of a message of protobuf."""
_COUNTED = 1 << 20
_SHARE = 4
"""The part of the free memory that input may take, as 1 / n: decoding it takes up to twice as much again."""
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)


def input_limit() -> int:
    """Return how many bytes of one source may be held in memory: a quarter of what is free, at least 64 MiB."""
    return max(min(_free()) // _SHARE, LEAST)


def unpacked_limit(packed_size: int) -> int:
    """Return how many bytes may be unpacked from compressed data of this size."""
    return min(input_limit(), max(MOST_PACKED_TIMES * packed_size, LEAST))


def decoding_limit(packed_size: int) -> int:
    """Return how much decoding data may cost that was unpacked from so many bytes, as `decoding_cost` counts."""
    return max(MOST_DECODED_TIMES * packed_size, LEAST)


def decoding_cost(text: bytes) -> int:
    """Estimate the memory that decoding JSON or protobuf takes: that of the text, and of each value in it.

    A few bytes can stand for millions of tiny values, each of which takes many times its bytes.
    """
    codes = np.frombuffer(text, np.uint8)
    values = 0
    # what fits into the processor's cache is counted several times as fast
    for at in range(0, len(codes), _COUNTED):
        part = codes[at : at + _COUNTED]
        values += sum(int(np.count_nonzero(part == separator)) for separator in _SEPARATORS)
    return len(text) + _VALUE_BYTES * values


def decoded_limit() -> int:
    """Return how many bytes the spans of all sources together may take: half of what is free, and 256 MiB at least."""
    return max(min(_free()) // 2, 4 * LEAST)


def _free() -> list[int]:
    """Memory that each bound leaves: the machine's free memory, the control group's and the process's limit."""
    found = [1 << 34]
    try:
        available = _AVAILABLE.search(Path("/proc/meminfo").read_text("ascii"))
        if available:
            found.append(int(available[1]) << 10)
    except OSError:
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    for path in _CGROUP_LIMITS:
        try:
            text = Path(path).read_text("ascii").strip()
        except OSError:
            continue
        if text.isdecimal():
            found.append(int(text))
    if resource is not None:
        soft = resource.getrlimit(resource.RLIMIT_AS)[0]
        if soft != resource.RLIM_INFINITY:
            found.append(soft)
    return found
