"""Files and standard output of Fluentd and Fluent Bit: a time, a tag, and a record that contains the line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from tracetui.ingest.envelopes.envelope import InnerLine, Prefix, decode_entry
from tracetui.ingest.envelopes.rows import OBJECT
from tracetui.model.json_decoding import MALFORMED

_TIMES: Final = frozenset(("timestamp", "@timestamp", "time", "ts"))
_FILE: Final = rb"(?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))\t(?P<stream>[\w.*/-]+)\t(?=\{)"
_OUTPUT_OF_FLUENTD: Final = (
    rb"(?P<when_output>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4}) (?P<stream_output>[\w.*/-]+): (?=\{)"
)
_OUTPUT_OF_FLUENT_BIT: Final = (
    rb"\[\d+\] (?P<stream_tag>[\w.*/-]+): "
    rb"\[(?:\[(?P<when_pair>\d+\.\d+), \{.*?\}\]|(?P<when_alone>\d+\.\d+)), (?=\{)"
)
_FILE_OF_FLUENT_BIT: Final = rb"(?P<stream_file>[\w.*/-]+): \[(?P<when_file>\d+\.\d+), (?=\{)"
_PRINTED_END: Final = b"}]"
_PRINTED: Final = re.compile(
    rb'(?>.*?"(?:log|message)"=>")(?P<text>.*?)"(?:, "[\w@.-]+"=>.*)?%b$' % re.escape(_PRINTED_END)
)
"""Line in a record that Fluent Bit prints without escaping it.

If the end is tested before, and only one beginning is tried, it is found or missed in linear time.
"""


def _lines_within(records: Iterable[InnerLine]) -> Iterator[InnerLine]:
    """Yield the lines of the records, and records without a line unchanged."""
    for line in records:
        text = line.text[:-1] if line.text[:1] == b"{" and line.text.endswith(b"}]") else line.text
        try:
            fields = decode_entry(OBJECT, text)
        except MALFORMED:
            found = _PRINTED.match(line.text) if line.text.endswith(_PRINTED_END) else None
            yield line._replace(text=found["text"].removesuffix(b"\n")) if found else line
            continue
        key = next((key for key in ("log", "message") if isinstance(fields.get(key), str)), "")
        if key:
            written = fields.pop(key).removesuffix("\n").encode("utf-8", "replace")
            # the collector's time has whole seconds only
            when = "" if not _TIMES.isdisjoint(fields) else line.when
            yield line._replace(text=written, ends=fields.get("logtag") != "P", when=when, fields=fields)
        else:
            yield line._replace(text=text)


ENVELOPE = Prefix(
    "Fluentd or Fluent Bit output",
    re.compile(b"|".join((_FILE, _OUTPUT_OF_FLUENTD, _OUTPUT_OF_FLUENT_BIT, _FILE_OF_FLUENT_BIT))),
    refine=_lines_within,
)
r"""`2026-03-20T09:46:40Z\tkube.web\t{"log":"TEXT"}`, or `[0] kube.web: [[1774000000.1, {}], {"log":"TEXT"}]`."""
