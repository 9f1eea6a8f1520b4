"""JSON output of stern, which follows the logs of several pods (`stern -o json`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracetui.ingest.envelopes.envelope import Head, InnerLine, decode_entry
from tracetui.ingest.envelopes.parts import JsonEnvelope
from tracetui.ingest.envelopes.rows import OBJECT, Entry, entries, oldest_first, record_of


class Stern(JsonEnvelope):
    """`{"message":"TEXT","nodeName":"n1","namespace":"shop","podName":"web-1","containerName":"app"}`."""

    name = "stern log"
    unit = "entry"
    by_lines = False

    def detect(self, head: Head) -> bool:
        return head.keys >= {"message", "podName", "containerName"}

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        return oldest_first(entries(chunks, _read, (b"message",)))


def _read(number: int, text: bytes) -> Iterator[Entry]:
    yield record_of(number, decode_entry(OBJECT, text), "message", "", ("namespace", "podName", "containerName"))
