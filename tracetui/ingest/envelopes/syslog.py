"""Lines of syslog (RFC 3164 and RFC 5424) and of `journalctl`, whose default output looks the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tracetui.ingest.envelopes.envelope import InnerLine, Prefix

_PRIORITY = rb"<\d{1,3}>"
_CLOCK = rb"\d\d:\d\d:\d\d(?:[.,]\d+)?"
_ISO = rb"\d{4}-\d\d-\d\d[T ]" + _CLOCK + rb"(?: ?(?:Z|[A-Z]{3,4}|[+-]\d\d:?\d\d))?"
_TIME = rb"(?:(?:[A-Z][a-z]{2} )?(?:[A-Z][a-z]{2} [ \d]\d %b|%b)|\d{9,}\.\d{6}|\[ *\d+\.\d+\])" % (_CLOCK, _ISO)
_TAG = rb"[^\s:\[\]{}\"]+"
_PROCESS = rb"\[[^\]\s]*\]"
_LEVEL = rb"(?i:trace|debug|info|notice|warn|warning|error|severe|critical|fatal)\b"
"""Log level: between the time and the logger, it is a sign of a program's own line, not one of syslog."""
_WRITER = rb"(?:(?!%b)(?P<stream_host>[^\s:\[\]{}'\"]+) (?P<stream_tag>%b(?:%b)?)|(?P<stream_task>%b%b)):(?: |$)" % (
    _LEVEL,
    *(_TAG, _PROCESS),
    *(_TAG, _PROCESS),
)
_DATA = rb"(?:-|(?P<fields>(?:\[[^\]\s]+(?: [^=\s]+=\"(?:[^\"\\]|\\.)*\")*\])+))"
_STRUCTURED = (
    rb"(?:\d+ )?%b\d (?P<when_structured>-|%b) (?P<stream_source>\S+) (?P<stream_app>\S+)"
    rb" (?P<stream_process>\S+) \S+ %b(?: |$)(?:\xef\xbb\xbf)?" % (_PRIORITY, _ISO, _DATA)
)
_FIELD = re.compile(r' ([^=\s"\]]+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r'\\(["\\\]])')
_TABS = re.compile(rb"(?:#011)+")
_BLOB = re.compile(rb"\[[\d.]+[BKMG] blob data\]$")
_OMITTED = "journalctl omits long and binary messages; run it with --all to include them"


def _fields(text: bytes) -> Mapping[str, Any]:
    """Read the structured data of RFC 5424."""
    found = _FIELD.findall(text.decode("utf-8", "replace"))
    return {name: _ESCAPED.sub(r"\1", value) for name, value in found}


def _as_written(lines: Iterable[InnerLine]) -> Iterator[InnerLine]:
    for line in lines:
        if line.text.startswith(b"#011"):
            # rsyslog escapes control characters this way, including the tabs of indented JSON
            tabs = _TABS.match(line.text)
            yield line._replace(text=line.text.replace(b"#011", b"\t", (tabs.end() if tabs else 0) // 4))
        elif line.text.endswith(b" blob data]") and _BLOB.match(line.text):
            yield line._replace(text=b"", lost=_OMITTED)
        else:
            yield line


ENVELOPE = Prefix(
    "syslog",
    re.compile(rb"(?:%b|(?:%b)?(?P<when>%b) %b)" % (_STRUCTURED, _PRIORITY, _TIME, _WRITER)),
    fields=_fields,
    refine=_as_written,
)
"""`<30>Mar 20 09:46:40 HOST APP[PID]: TEXT`, with or without the priority, or RFC 5424's fields before the text."""
