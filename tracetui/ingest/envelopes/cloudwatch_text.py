r"""Text output of the AWS command line: `aws logs tail`, and events of `aws logs` with `--output text`.

The columns of `--output text` are sorted by name, so that each line ends with a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tracetui.ingest.envelopes.envelope import InnerLine, Prefix

_SECOND = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_TAIL = rb"(?P<when>%b\.\d{6}\+00:00) (?P<stream>[^\s{}\"]*/[^\s{}\"]*)(?: |$)|(?P<when_short>%b)(?: |$)" % (
    _SECOND,
    _SECOND,
)
_EVENTS = rb"EVENTS\t(?:\d{20,}\t\d{13}\t(?P<stream_events>[^\t]+)|\d{13})\t"
_END = re.compile(rb"\t\d{13}\s*$")


def _without_time(lines: Iterable[InnerLine]) -> Iterator[InnerLine]:
    """Yield the lines without the column after their text."""
    for line in lines:
        end = _END.search(line.text, max(len(line.text) - 16, 0))
        yield line._replace(text=line.text[: end.start()]) if end else line


ENVELOPE = Prefix("CloudWatch log as text", re.compile(rb"%b|%b" % (_TAIL, _EVENTS)), refine=_without_time)
r"""`2026-03-20T09:46:40.100000+00:00 web/app/1 TEXT`, or `EVENTS\tID\tTIME\tSTREAM\tTEXT\tTIME`."""
