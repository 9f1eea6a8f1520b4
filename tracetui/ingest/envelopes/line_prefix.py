"""Prefixes of tools that follow several processes or record a build, and of quoted mail: `[web] TEXT`, `> TEXT`.

A level in brackets is part of a logger's text, not such a prefix.
"""

from __future__ import annotations

import re

from tracetui.ingest.envelopes.envelope import Head, Prefix

_TIME = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_LEVEL = rb"(?i:trace|debug|info|notice|warn|warning|error|err|severe|critical|crit|fatal|panic)"


_PREFIX = re.compile(rb"(?:\[(?P<when>%b)\]|\[(?!%b\])(?P<stream>[A-Za-z][\w.@/ -]*)\]|>+)(?: |$)" % (_TIME, _LEVEL))


def _is_on_each_line(head: Head) -> bool:
    # the last line may be cut off
    lines = head.lines[:-1]
    return bool(lines) and all(map(_PREFIX.match, lines))


ENVELOPE = Prefix("log with a prefix on each line", _PREFIX, is_certain=_is_on_each_line)
"""`[web] TEXT` (Aspire, kubetail), `[2026-03-20T09:46:40.100Z] TEXT` (Jenkins), `> TEXT` (mail)."""
