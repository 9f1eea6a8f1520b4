"""Search around traces that Jaeger's v1 API cannot send: a span with NaN or infinity makes the whole search fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Final

import msgspec
import numpy as np

from tracetui.ingest.servers.back_end import Warn
from tracetui.ingest.servers.request_errors import HttpError
from tracetui.model.search import Search

_FAILED: Final = 500
_NARROWEST_NS: Final = 1_000_000
_MAX_SLICES: Final = 64
_ONE_TRACE_NS: Final = 1_000_000_000


def read_around_failures(
    search: Search, run_search: Callable[[Search], Generator[bytes]], reason: str, warn: Warn
) -> Generator[bytes]:
    """Halve the window until the traces that the server cannot send are isolated, and read all others.

    reason: the server's error message.
    """
    start, end = search.window()
    # the widest first, so that the losses of many failing traces spread evenly over the window
    slices = deque([(start, end)])
    lost: list[tuple[int, int]] = []
    requests = 0
    while slices:
        begin, stop = slices.popleft()
        if stop - begin > _NARROWEST_NS and requests < _MAX_SLICES:
            middle = (begin + stop) // 2
            for half in ((begin, middle), (middle, stop)):
                requests += 1
                narrow = msgspec.structs.replace(search, start_ns=half[0], end_ns=half[1])
                try:
                    yield from run_search(narrow)
                except HttpError as again:
                    if again.status != _FAILED:
                        raise
                    slices.append(half)
        else:
            lost.append((begin, stop))
    for begin, stop in _joined(lost):
        warn(
            f"the server cannot send traces that start between {_shown(begin)} and {_shown(stop)}: {reason};"
            " all others were read"
        )


def _joined(slices: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sort time slices, and join those so close that one trace may overlap both."""
    joined: list[tuple[int, int]] = []
    for begin, stop in sorted(slices):
        if joined and begin - joined[-1][1] <= _ONE_TRACE_NS:
            begin = joined.pop()[0]
        joined.append((begin, stop))
    return joined


def _shown(ns: int) -> str:
    return str(np.datetime64(ns // 1_000_000, "ms")).replace("T", " ") + "Z"
