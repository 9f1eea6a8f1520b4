"""Output of `docker compose` and `docker service logs`: the container's name before each line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tracetui.ingest.envelopes.envelope import Head, InnerLine, Prefix

_ATTACHING = b"Attaching to "
_PSQL_ROW = b"-[ RECORD "
_COLOUR = rb"(?:\x1b\[[\d;]*m)*"


class Compose(Prefix):
    """`web-1  | TEXT`, plain or coloured."""

    name = "docker compose log"
    pattern = re.compile(_COLOUR + rb"(?P<stream>[A-Za-z0-9][\w.@-]*)[ \t]+" + _COLOUR + rb"\|" + _COLOUR + rb"(?: |$)")

    def detect(self, head: Head) -> bool:
        """Test whether most of the first lines have the prefix, and are not columns of a row that psql printed."""
        return not head.data.lstrip().startswith(_PSQL_ROW) and super().detect(head)

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        """Yield the lines without their prefix; skip those that only announce the attached containers."""
        return (line for line in super().unwrap(chunks) if line.stream or not line.text.startswith(_ATTACHING))
