"""Syslog messages with their length before each (octet counting, RFC 6587), several of them on one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from tracetui.ingest.envelopes.envelope import Envelope, Head, InnerLine, Part
from tracetui.ingest.envelopes.parts import PART_BYTES, between
from tracetui.ingest.envelopes.syslog import ENVELOPE as SYSLOG
from tracetui.ingest.source_bytes import Buffer

_LENGTH: Final = re.compile(rb"\s*(\d{1,7}) (?=<\d{1,3}>)")
_NEXT: Final = re.compile(rb"(?:\A|(?<=[^\d]))\d{1,7} <\d{1,3}>(?=1 |[A-Z][a-z]{2} )")
_MORE: Final = re.compile(rb"\S")
_LONGEST_HEADER: Final = 32


class SyslogFrames(Envelope):
    """`71 <30>1 2026-03-20T09:46:40.1Z HOST APP PID - - TEXT68 <30>1 ...`."""

    name = "octet-counted syslog"
    unit = "message"
    by_lines = False

    def detect(self, head: Head) -> bool:
        found = _LENGTH.match(head.data)
        if found is None:
            return False
        end = found.end() + int(found[1])
        return _LENGTH.match(head.data, end) is not None or not head.data[end:].strip()

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        for number, message in enumerate(_messages(chunks), start=1):
            for line in SYSLOG.unwrap((message,)):
                yield line._replace(number=number)

    def split(self, text: Buffer, start: int) -> Sequence[Part]:
        parts = list[Part]()
        at = begin = start
        number = first = 1
        while at < len(text) and (found := _LENGTH.match(text, at)):
            at = min(found.end() + int(found[1]), len(text))
            number += 1
            if at - begin > PART_BYTES or at == len(text):
                parts.append(Part(first, partial(between, text, begin, at)))
                begin, first = at, number
        return parts if begin == len(text) else ()


def _messages(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the messages without their lengths; after a wrong length, from the next message on."""
    rest, held, at = iter(chunks), b"", 0
    is_last = False
    while True:
        found = _LENGTH.match(held, at)
        end = found.end() + int(found[1]) if found else at + _LONGEST_HEADER
        if not is_last and end + _LONGEST_HEADER > len(held):
            chunk = next(rest, None)
            is_last = chunk is None
            held, at = held[at:] + (chunk or b""), 0
            continue
        if not _MORE.search(held, at):
            return
        begin = found.end() if found else at
        # the rest is not sliced, as that would copy it for each message
        if found is None or (not _LENGTH.match(held, end) and _MORE.search(held, end)):
            following = _NEXT.search(held, begin + 1)
            end = following.start() if following else len(held)
        yield held[begin:end]
        at = end


ENVELOPE = SyslogFrames()
