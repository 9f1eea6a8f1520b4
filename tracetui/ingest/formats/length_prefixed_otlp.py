"""Files of length-prefixed OTLP requests, as the OpenTelemetry collector's file exporter writes them.

A record is a length (4 bytes, big-endian) and a request in protobuf or JSON, which may be compressed with zstd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import zstandard

from tracetui.ingest.formats.otlp_detection import consists_of_resources, looks_like_request
from tracetui.ingest.limits import decoding_cost, decoding_limit, unpacked_limit
from tracetui.ingest.source_bytes import ZSTD

_TRIED_RECORDS = 16
_TRIED_EMPTY = 1_000
_PIECE = 1 << 20
_LARGEST = 1 << 30
_TEXT = bytes([9, 10, 13, *range(32, 127)])


_BEGINS = re.compile(rb"[\0-\x3f][\0-\xff]{3}(?=\x0a|\{\"|%b)" % re.escape(ZSTD), re.DOTALL)
"""Length of a record that is no larger than `_LARGEST`, before the beginning of a request."""
_MAX_CANDIDATES = 10_000
"""Largest number of positions at which the record behind a damaged length is searched for."""


class RecordReader:
    """Iterator over the records of a file: the position and uncompressed request of each.

    largest: size limit of a request in bytes. `warnings` collects positions and faults during iteration. `cut`:
    position and request of a truncated last record, after iteration.
    """

    def __init__(self, data: bytes | memoryview, largest: int = _LARGEST) -> None:
        self.warnings: list[tuple[int, str]] = []
        self.cut: tuple[int, bytes] | None = None
        self._data = memoryview(data)
        self._largest = largest

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        at, size = 0, len(self._data)
        while at < size:
            end = at + 4 + int.from_bytes(self._data[at : at + 4], "big")
            if at + 4 > size:
                self.warnings.append((at, f"cut off within the length of a record; {size - at} bytes not read"))
                return
            if end > size:
                following = self._next_record(at + 1)
                if following:
                    self.warnings.append((at, f"the length of a record is damaged; {following - at:,} bytes skipped"))
                    at = following
                    continue
                self.warnings.append((at, f"cut off within a record: {end - size} of its {end - at - 4} bytes missing"))
            request = self._plain(at, bytes(self._data[at + 4 : end]))
            if end > size:
                self.cut = (at, request) if request else None
            elif request:
                yield at, request
            at = end

    def _next_record(self, at: int) -> int:
        """Find the next record that holds spans from a position on; 0 if there is none."""
        for found in islice(_BEGINS.finditer(self._data, at), _MAX_CANDIDATES):
            start = found.end()
            end = start + int.from_bytes(found[0], "big")
            if start < end <= len(self._data):
                payload = bytes(self._data[start:end])
                if looks_like_request(payload) or payload[-1:] == b"}" or payload.startswith(ZSTD):
                    return found.start()
        return 0

    def _plain(self, at: int, payload: bytes) -> bytes:
        if not payload.startswith(ZSTD):
            return payload
        pieces: list[bytes] = []
        size = cost = 0
        largest, max_cost = min(self._largest, unpacked_limit(len(payload))), decoding_limit(len(payload))
        try:
            with zstandard.ZstdDecompressor().stream_reader(payload, read_across_frames=True) as reader:
                while piece := reader.read(_PIECE):
                    pieces.append(piece)
                    size += len(piece)
                    cost += decoding_cost(piece)
                    if size > largest:
                        self.warnings.append((at, f"record skipped: more than {largest:,} bytes unpacked"))
                        return b""
                    if cost > max_cost:
                        self.warnings.append((at, "record skipped: more values than any traces of its size"))
                        return b""
        except MemoryError as error:
            self.warnings.append((at, f"record skipped: {error}"))
            return b""
        except zstandard.ZstdError as error:
            kept = f"; {size:,} bytes before that were read" if size else ""
            self.warnings.append((at, f"record {'damaged' if size else 'skipped'}: {error}{kept}"))
        return b"".join(pieces)


def looks_like_records(data: bytes | memoryview) -> bool:
    """Test whether the bytes begin with length-prefixed requests, some of which may be damaged.

    Lengths that lead from request to request are evidence enough. The last record may be cut off.
    """
    data = memoryview(data)
    at = count = requests = 0
    # empty records prove nothing: a file of zeros is full of them
    for _ in range(_TRIED_EMPTY):
        if at + 4 >= len(data) or count >= _TRIED_RECORDS:
            break
        length = int.from_bytes(data[at : at + 4], "big")
        if length > len(data) and not bytes(data[at : at + 4]).translate(None, _TEXT):
            # a word, not the length of a record that is cut off
            count += 1
            break
        if length:
            count += 1
            requests += _looks_like_payload(data[at + 4 : at + 4 + length], length)
        at += 4 + length
    ends_with_a_record = at == len(data)
    return requests > 1 or (requests > 0 and (ends_with_a_record or 2 * requests >= count))


def _looks_like_payload(payload: memoryview, length: int) -> bool:
    start = bytes(payload[:16])
    if start[:1] != b"\x0a":
        return start.startswith(ZSTD) or start.lstrip()[:2] in (b'{"', b"{}", b"{")
    return looks_like_request(payload) if len(payload) < length else consists_of_resources(bytes(payload))
