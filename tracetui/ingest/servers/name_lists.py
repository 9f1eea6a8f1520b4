"""Lists of names from servers: damaged and endless names are dropped, and the rest is bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from tracetui.ingest.servers.connection import NO_JSON

MOST_NAMES: Final = 10_000
"""Names that are kept of one list."""
LONGEST_NAME: Final = 2_000
"""Characters of a name; it is sent in the address of a request, which servers bound as well."""


def readable_names(listed: Sequence[msgspec.Raw], what: str, say: Callable[[str], None]) -> list[str]:
    """Names of a list, sorted, each once, at most `MOST_NAMES`; `say` is told what was dropped.

    `what`: what they are the names of, in the plural. Raises one of NO_JSON where not one of them is a name.
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
        say(f"{unreadable:,} invalid names of {what} were skipped")
    if long:
        say(f"{long:,} names of {what} longer than {LONGEST_NAME:,} characters were skipped")
    if len(names) > MOST_NAMES:
        say(f"the server lists {len(names):,} {what}; only the first {MOST_NAMES:,} are used")
    return sorted(names)[:MOST_NAMES]
