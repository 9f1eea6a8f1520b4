"""Files of Docker's json-file log driver, and the records that Fluent Bit and its kin make of a container's output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, decode_entry, numbered
from tracetui.model.decoding import MALFORMED

_BESIDE_LOG: Final = frozenset(("stream", "time", "kubernetes", "docker", "logtag"))


class _DockerEntry(msgspec.Struct):
    log: str
    stream: str = ""
    kubernetes: dict[str, Any] | None = None
    logtag: str | None = None
    time: Any = ""
    date: Any = None


_ENTRY: Final = msgspec.json.Decoder(_DockerEntry)


class Docker(Envelope):
    r"""`{"log":"TEXT\n","stream":"stdout","time":"2026-03-20T09:46:41.1Z"}`; a text without line end goes on."""

    name = "Docker json-file log"

    def detect(self, head: Head) -> bool:
        return "log" in head.keys and not head.keys.isdisjoint(_BESIDE_LOG)

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        for number, line in numbered(chunks):
            try:
                entry = decode_entry(_ENTRY, line)
            except MALFORMED:
                yield InnerLine(number, line)
                continue
            text = entry.log.encode("utf-8", "replace")
            when = str(entry.time or entry.date or "")
            if text.endswith(b"\n"):
                yield InnerLine(
                    number, text[:-1], entry.stream if entry.kubernetes is None else _stream(entry), when=when
                )
            else:
                yield InnerLine(number, text, _stream(entry), _ends(entry), when=when)


def _ends(entry: _DockerEntry) -> bool:
    """Test whether a text without a line end is a whole line: only Docker itself always writes line ends."""
    if entry.logtag is not None:
        return entry.logtag != "P"
    return entry.kubernetes is not None or entry.date is not None


def _stream(entry: _DockerEntry) -> str:
    """The stream within the container, or of Fluent Bit's records within the pod."""
    if entry.kubernetes is None:
        return entry.stream
    names = (entry.kubernetes.get(key, "") for key in ("pod_name", "container_name"))
    return f"{entry.stream} {' '.join(map(str, names))}"
