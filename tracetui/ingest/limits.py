"""Memory limits for input, checked before memory is allocated."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

try:
    import resource
except ImportError:  # missing on Windows
    resource = None  # type: ignore[assignment]

MIB = 1 << 20
MIN_LIMIT = 64 * MIB
"""Lower bound of every limit, small enough for any machine."""
MAX_PACKED_RATIO = 200
"""Largest ratio of unpacked to packed size; traces, full of random ids, reach about 30."""
MAX_DECODED_RATIO = 1_000
"""Largest ratio of decoding cost to packed size; traces reach about 150."""
_VALUE_BYTES = 64
"""Approximate overhead of a decoded JSON value: a reference, an object header, its length."""
_SEPARATORS = b",\n\x12"
"""Separators of JSON values, and tags of the first two fields of a protobuf message."""
_COUNTED = 1 << 20
_SHARE = 4
"""Divisor of the free memory for the size of the input: decoding takes up to twice as much again."""
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)


def input_limit() -> int:
    """Return the size limit of one source in bytes: a quarter of the free memory, at least 64 MiB."""
    return max(min(_free()) // _SHARE, MIN_LIMIT)


def unpacked_limit(packed_size: int) -> int:
    """Return the limit in bytes for unpacking compressed data of this size."""
    return min(input_limit(), max(MAX_PACKED_RATIO * packed_size, MIN_LIMIT))


def decoding_limit(packed_size: int) -> int:
    """Return the limit of `decoding_cost` for data unpacked from this many bytes."""
    return max(MAX_DECODED_RATIO * packed_size, MIN_LIMIT)


def decoding_cost(text: bytes) -> int:
    """Estimate the memory in bytes for decoding JSON or protobuf: the text plus an overhead for each value.

    A few packed bytes can expand to millions of tiny values, each of which takes many times its size.
    """
    codes = np.frombuffer(text, np.uint8)
    values = 0
    # counting in small steps stays in the processor cache and is several times as fast
    for at in range(0, len(codes), _COUNTED):
        part = codes[at : at + _COUNTED]
        values += sum(int(np.count_nonzero(part == separator)) for separator in _SEPARATORS)
    return len(text) + _VALUE_BYTES * values


def decoded_limit() -> int:
    """Return the memory limit in bytes for the spans of all sources: half of the free memory, at least 256 MiB."""
    return max(min(_free()) // 2, 4 * MIN_LIMIT)


def _free() -> list[int]:
    """List the memory bounds: free memory of the machine, limits of the control group and of the process."""
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
