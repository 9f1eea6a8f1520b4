"""CRI log format: the files in which container runtimes store a pod's output (`/var/log/pods`).

Specified in kubernetes/design-proposals-archive, `node/kubelet-cri-logging.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, numbered

_PREFIX = re.compile(rb"(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)) (stdout|stderr) ([PF])(?::[^ ]*)?(?: |$)")
_STREAMS = {b"stdout": "stdout", b"stderr": "stderr"}


class Cri(Envelope):
    """`2026-03-20T09:46:40.1Z stdout F TEXT`; `P` instead of `F` marks a line that the next entry continues."""

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


ENVELOPE = Cri()
