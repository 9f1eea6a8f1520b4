"""Lines as JSON strings: in a list, as from `aws logs --query 'events[].message'`, or one per line, as from `jq`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from tracetui.ingest.envelopes.envelope import Head, InnerLine, decode_entry
from tracetui.ingest.envelopes.json_envelope import JsonEnvelope
from tracetui.ingest.envelopes.rows import Entry, values
from tracetui.ingest.json_blocks import STRING
from tracetui.model.json_decoding import MALFORMED

_BEGINS: Final = re.compile(rb'\s*\[\s*"(?!\s*\])|\s*"(?:[^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"[ \t\r]*(?:\n|\Z)')
_EXAMINED: Final = 8
_OF_LINES: Final = re.compile(rb"\{|\w \w|: |\w,\w")
"""Found in lists of log lines, but not in lists of names."""
_STRINGS: Final = msgspec.json.Decoder(list[str] | str)


def _detect(head: Head) -> bool:
    return _BEGINS.match(head.data) is not None and any(
        _OF_LINES.search(string[0]) for string in islice(STRING.finditer(head.data), _EXAMINED)
    )


def _entries(chunks: Iterable[bytes]) -> Iterator[Entry]:
    number = 0
    for _, text in values(chunks):
        try:
            found = decode_entry(_STRINGS, text)
        except MALFORMED:
            found = text.decode("utf-8", "replace")
        for line in [found] if isinstance(found, str) else found:
            number += 1
            yield Entry("", [InnerLine(number, line.encode("utf-8", "replace"))])


ENVELOPE: Final = JsonEnvelope("list of JSON strings", _detect, _entries)
r"""`["TEXT","TEXT"]`, or one `"TEXT"` per line."""
