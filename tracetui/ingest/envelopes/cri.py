"""The files in which container runtimes keep a pod's output (`/var/log/pods`): the CRI's log format.

The format is kubernetes/design-proposals-archive's `node/kubelet-cri-logging.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, numbered

_PREFIX = re.compile(rb"(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)) (stdout|stderr) ([PF])(?::[^ ]*)?(?: |$)")
_STREAMS = {b"stdout": "stdout", b"stderr": "stderr"}


class Cri(Envelope):
    """`2026-03-20T09:46:40.1Z stdout F TEXT`, with `P` for a piece of a line that goes on."""

    name = "CRI log"

    def detect(self, head: Head) -> bool:
        return any(map(_PREFIX.match, head.lines[:4]))

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        match = _PREFIX.match
        stream = ""
        for number, line in numbered(chunks):
            found = match(line)
            if found is None:
                yield InnerLine(number, line, stream)
                continue
            time, name, part = found.groups()
            stream = _STREAMS[name]
            yield InnerLine(number, line[found.end() :], stream, part == b"F", when=time.decode())
