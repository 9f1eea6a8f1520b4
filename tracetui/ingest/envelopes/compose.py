"""Output of `docker compose` and `docker service logs`: the container's name before each line."""

from __future__ import annotations

import re

from tracetui.ingest.envelopes.envelope import Prefix

_ATTACHING = b"Attaching to "
_PSQL_ROW = b"-[ RECORD "
_COLOUR = rb"(?:\x1b\[[\d;]*m)*"


ENVELOPE = Prefix(
    "docker compose log",
    re.compile(_COLOUR + rb"(?P<stream>[A-Za-z0-9][\w.@-]*)[ \t]+" + _COLOUR + rb"\|" + _COLOUR + rb"(?: |$)"),
    is_certain=lambda head: not head.data.lstrip().startswith(_PSQL_ROW),
    # others only announce the attached containers
    refine=lambda lines: (line for line in lines if line.stream or not line.text.startswith(_ATTACHING)),
)
"""`web-1  | TEXT`, plain or coloured."""
