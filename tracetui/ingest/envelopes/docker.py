"""Files of Docker's json-file log driver, and the records of container output by Fluent Bit and similar agents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, Part, decode_entry, numbered
from tracetui.ingest.envelopes.json_envelope import split_json
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import MALFORMED

_KEYS_WITH_LOG: Final = frozenset(
    ("stream", "time", "kubernetes", "docker", "logtag", "date", "container_id", "container_name")
)


class _DockerEntry(msgspec.Struct):
    log: str
    stream: str = ""
    kubernetes: dict[str, Any] | None = None
    logtag: str | None = None
    container: Any = msgspec.field(name="container_name", default=None)
    time: Any = ""
    date: Any = None


_ENTRY: Final = msgspec.json.Decoder(_DockerEntry)
_ENTRIES: Final = msgspec.json.Decoder(list[_DockerEntry])


class Docker(Envelope):
    r"""`{"log":"TEXT\n","stream":"stdout","time":"2026-03-20T09:46:41.1Z"}`; text without \n continues."""

    name = "Docker json-file log"

    def detect(self, head: Head) -> bool:
        return "log" in head.keys and not head.keys.isdisjoint(_KEYS_WITH_LOG)

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        for number, line in numbered(chunks):
            try:
                entry = decode_entry(_ENTRY, line)
            except MALFORMED:
                yield from _listed(number, line)
            else:
                yield _inner(number, entry)

    def split(self, text: Buffer, start: int) -> Sequence[Part]:
        """Divide a list, which is a single line."""
        if text[start : start + 1] != b"[":
            return ()
        return [part._replace(number=1) for part in split_json(text, start, self.unwrap)]


def _listed(number: int, line: bytes) -> Iterator[InnerLine]:
    """Yield the entries of a list, which Fluent Bit writes, or any other line unchanged."""
    try:
        entries = decode_entry(_ENTRIES, line) if line[:1] == b"[" else []
    except MALFORMED:
        entries = []
    yield from (_inner(number, entry) for entry in entries)
    if not entries:
        yield InnerLine(number, line)


def _inner(number: int, entry: _DockerEntry) -> InnerLine:
    text = entry.log.encode("utf-8", "replace")
    when = str(entry.time or entry.date or "")
    if text.endswith(b"\n"):
        return InnerLine(number, text[:-1], entry.stream if entry.kubernetes is None else _stream(entry), when=when)
    return InnerLine(number, text, _stream(entry), _ends(entry), when=when)


def _ends(entry: _DockerEntry) -> bool:
    """Test whether an entry without a line end is a whole line, as those of all writers but Docker are."""
    if entry.logtag is not None:
        return entry.logtag != "P"
    return any(value is not None for value in (entry.kubernetes, entry.date, entry.container))


def _stream(entry: _DockerEntry) -> str:
    """Name the stream within the container; for Fluent Bit's records, within the pod."""
    if entry.kubernetes is None:
        return entry.stream
    names = (entry.kubernetes.get(key, "") for key in ("pod_name", "container_name"))
    return f"{entry.stream} {' '.join(map(str, names))}"


ENVELOPE = Docker()
