"""Lists of names from servers: invalid and overlong names are skipped, and the number is bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from tracetui.ingest.servers.connection import NO_JSON

MOST_NAMES: Final = 10_000
"""Most names of a list that are kept."""
LONGEST_NAME: Final = 2_000
"""Most characters of a name. Names become part of request addresses, whose length servers limit."""


def readable_names(listed: Sequence[msgspec.Raw], what: str, warn: Callable[[str], None]) -> list[str]:
    """Return up to `MOST_NAMES` distinct names of a list, sorted; `warn` is called for those that are skipped.

    what: plural noun for the named things. Raises one of NO_JSON if none is a valid name.
    """
    names: set[str] = set()
    unreadable = long = 0
    for item in listed:
        try:
            name = msgspec.json.decode(item, type=str)
            name.encode()
        except NO_JSON:
            unreadable += 1
            if unreadable == len(listed):
                raise
            continue
        if len(name) > LONGEST_NAME:
            long += 1
            continue
        names.add(name)
    if unreadable:
        warn(f"{unreadable:,} invalid names of {what} were skipped")
    if long:
        warn(f"{long:,} names of {what} longer than {LONGEST_NAME:,} characters were skipped")
    if len(names) > MOST_NAMES:
        warn(f"the server lists {len(names):,} {what}; only the first {MOST_NAMES:,} are used")
    return sorted(names)[:MOST_NAMES]
