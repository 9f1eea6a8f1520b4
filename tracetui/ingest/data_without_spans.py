"""Cheap tests for large data that cannot hold spans, in any format: noise, and text that never names a span."""

from __future__ import annotations

import re
from typing import Final

from tracetui.ingest.source_bytes import Buffer

COLOUR: Final = re.compile(rb"\x1b\[[0-9;]*m")
"""Escape code that colours the output of a program."""
LARGE_DATA: Final = 1 << 20
"""Bytes above which data is tested before it is decoded; less is decoded fast enough."""
_WINDOWS: Final = 64
_CHUNK_WINDOWS: Final = 8
_BEGINS_JSON: Final = re.compile(rb"\s*[{\[]")
_WINDOW_BYTES: Final = 512
_FIRST_BYTES: Final = 128
"""Size of the first window: shorter than a span, as only a short beginning may be intact."""
_MIN_TEXT_RATIO: Final = 25
"""In text of any encoding fewer than one character in 25 is a control character; in random bytes, three times that."""
_CONTROLS: Final = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n\r\x1b")
_WORDS: Final = (b"span", b"trace", b"operationname", b"activity.")
"""Faster to find than the pattern, but random letters may contain them."""
_NAMES: Final = re.compile(
    rb"(?:trace|span)s?[^a-z0-9]{0,3}id|[\"'](?:trace|span)s?[\"']|(?:resource|scope|library).?spans"
    rb"|spancontext|spandata|\[tracer: |operationname|activity\."
)
_CHUNK: Final = 1 << 20
_LONGEST_NAME: Final = 32


def is_noise(data: Buffer) -> bool:
    """Test whether large data is binary from its first bytes to its last, as random or encrypted bytes are."""
    if len(data) <= LARGE_DATA:
        return False
    step = (len(data) - _WINDOW_BYTES) // (_WINDOWS - 1)
    positions = range(step, step * _WINDOWS, step)
    return _is_binary(data[:_FIRST_BYTES]) and all(_is_binary(data[at : at + _WINDOW_BYTES]) for at in positions)


def text_size(data: Buffer, size: int) -> int:
    """Return the size of a large JSON text without binary data at its end, which is recognised in whole MiB.

    size: size of the data to consider.
    """
    if size <= LARGE_DATA or not _BEGINS_JSON.match(data[:_FIRST_BYTES]):
        return size
    end = size
    while end > _CHUNK and all(
        _is_binary(data[at : at + _WINDOW_BYTES]) for at in range(end - _CHUNK, end, _CHUNK // _CHUNK_WINDOWS)
    ):
        end -= _CHUNK
    return end


def _is_binary(window: bytes) -> bool:
    return (len(window) - len(window.translate(None, _CONTROLS))) * _MIN_TEXT_RATIO > len(window)


def names_spans(data: Buffer, start: int = 0) -> bool:
    """Test whether a text contains one of the words that spans of every format contain; case is ignored."""
    for at in range(start, len(data), _CHUNK):
        chunk = data[at : at + _CHUNK + _LONGEST_NAME].lower()
        if any(_names_span(chunk, word) for word in _WORDS):
            return True
    return False


def _names_span(text: bytes, word: bytes) -> bool:
    at = text.find(word)
    while at >= 0:
        if _NAMES.search(text, max(at - _LONGEST_NAME, 0), at + _LONGEST_NAME):
            return True
        at = text.find(word, at + 1)
    return False
