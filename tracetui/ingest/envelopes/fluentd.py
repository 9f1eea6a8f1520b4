"""Files of Fluentd, and standard output of Fluent Bit: a time, a tag, and a record that contains the line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from tracetui.ingest.envelopes.envelope import InnerLine, Prefix, decode_entry
from tracetui.model.json_decoding import MALFORMED

_FILE: Final = rb"(?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))\t(?P<stream>[\w.*/-]+)\t(?=\{)"
_OUTPUT_OF_FLUENTD: Final = (
    rb"(?P<when_output>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4}) (?P<stream_output>[\w.*/-]+): (?=\{)"
)
_OUTPUT_OF_FLUENT_BIT: Final = (
    rb"\[\d+\] (?P<stream_tag>[\w.*/-]+): "
    rb"\[(?:\[(?P<when_pair>\d+\.\d+), \{.*?\}\]|(?P<when_alone>\d+\.\d+)), (?=\{)"
)


class _FluentdRecord(msgspec.Struct):
    log: str | None = None
    message: str | None = None
    logtag: Any = None


_RECORD: Final = msgspec.json.Decoder(_FluentdRecord)


class Fluentd(Prefix):
    r"""`2026-03-20T09:46:40Z\tkube.web\t{"log":"TEXT"}`, or `[0] kube.web: [[1774000000.1, {}], {"log":"TEXT"}]`."""

    name = "Fluentd or Fluent Bit output"
    pattern = re.compile(b"|".join((_FILE, _OUTPUT_OF_FLUENTD, _OUTPUT_OF_FLUENT_BIT)))

    def unwrap(self, chunks: Iterable[bytes]) -> Iterator[InnerLine]:
        """Yield the lines of the records, and records without a line unchanged."""
        for line in super().unwrap(chunks):
            text = line.text[:-1] if line.text[:1] == b"{" and line.text.endswith(b"}]") else line.text
            try:
                record = decode_entry(_RECORD, text)
            except MALFORMED:
                yield line
                continue
            inner = record.message if record.log is None else record.log
            if inner is None:
                yield line._replace(text=text)
            else:
                written = inner.removesuffix("\n").encode("utf-8", "replace")
                yield line._replace(text=written, ends=record.logtag != "P")
