"""JSON values on a line of text in other notations: with text after them, in quotes, printed by Python."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from tracetui.ingest.data_without_spans import LARGE_DATA
from tracetui.ingest.formats.node_inspect import inspected
from tracetui.model.json_decoding import MalformedError, encode_any

_MAX_TRIES: Final = 8
_HOLDS_SPAN: Final = re.compile(
    rb'[\[\s]*\{(?=.*"(?:trace_?id|resource_?spans|scope_?spans)"\s*:)(?=.*"(?:start|end|duration|timestamp)\w*"\s*:)',
    re.IGNORECASE | re.DOTALL,
)
JSON_BEGINS: Final = re.compile(rb'\{\s*"|\[\s*[{\[]')
"""Beginning of an object with a member, or of a list of objects or lists."""
QUOTED: Final = re.compile(rb'"[{\[]\s*\\"(?:[^"\\]|\\.)*+"')
"""JSON value in quotes, as logfmt has it."""
PYTHON: Final = re.compile(rb"[{\[]+'(?:resourceSpans|resource_spans|scopeSpans|traceId|trace_id|traceID|name|data)': ")
"""Beginning of a dictionary that Python printed."""
_DECODER: Final = json.JSONDecoder()


def embedded_values(text: bytes) -> Iterator[bytes]:
    """Yield the values with spans on a line in other notations: with text after them, in quotes, printed by Python.

    A damaged value may have intact parts, which are not yielded.
    """
    # a cheap test first, as most lines of a log hold none
    if len(text) <= LARGE_DATA and (b"race" in text or b"pans" in text):
        yield from (value for value in _candidates(text) if _HOLDS_SPAN.match(value))


def _candidates(text: bytes) -> Iterator[bytes]:
    found = JSON_BEGINS.search(text)
    if found is not None:
        decoded = text[found.start() :].decode("utf-8", "replace")
        try:
            _, end = _DECODER.raw_decode(decoded)
            yield decoded[:end].encode("utf-8", "replace")
        except (ValueError, RecursionError):
            pass
    for quoted in islice(QUOTED.finditer(text), _MAX_TRIES):
        try:
            yield str(_DECODER.decode(quoted[0].decode("utf-8", "replace"))).encode("utf-8", "replace")
        except (ValueError, RecursionError):
            continue
    printed = PYTHON.search(text)
    if printed is not None:
        try:
            yield encode_any(inspected(text[printed.start() :].decode("utf-8", "replace")).value)
        except MalformedError:
            return
