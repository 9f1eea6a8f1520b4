"""The trace that a text is about: an id, a `traceparent` or other header, a page's address, a log line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_HEX: Final = r"[0-9a-fA-F]"


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to write the id of a trace, and perhaps of a span with it."""

    pattern: re.Pattern[str]
    before: bytes = b""
    after: bytes = b""
    """Bytes of which one stands before and after some run of hex digits, b"" for whatever: a cheap first check."""
    digits: int = 0
    """How many digits that run has, 0 for any number."""
    word: bytes = b""
    """What the text holds, in lower case."""


_WAYS: Final = (
    # W3C Trace Context
    _Way(
        re.compile(rf"(?<![\w-]){_HEX}{{2}}-(?P<trace>{_HEX}{{32}})-(?P<span>{_HEX}{{16}})-{_HEX}{{2}}(?![\w-])"),
        before=b"-",
        after=b"-",
        digits=32,
    ),
    # B3 in one header, and Jaeger's uber-trace-id
    _Way(
        re.compile(
            rf"(?<![\w-])(?P<trace>{_HEX}{{32}}|{_HEX}{{16}})-(?P<span>{_HEX}{{16}})(?:-[01dD](?:-{_HEX}{{16}})?)?(?![\w-])"
        ),
        before=b"-",
        digits=16,
    ),
    _Way(
        re.compile(
            rf"(?<![\w:])(?P<trace>{_HEX}{{9,32}}):(?P<span>{_HEX}{{1,16}}):{_HEX}{{1,16}}:{_HEX}{{1,2}}(?![\w:])"
        ),
        after=b":",
    ),
    # AWS X-Ray
    _Way(re.compile(rf"(?<![\w-])1-(?P<trace>{_HEX}{{8}}-{_HEX}{{24}})(?![\w-])"), before=b"-", digits=24),
    # pages and requests of Jaeger, Zipkin and Tempo
    _Way(re.compile(rf"/(?:traces?|trace)/(?P<trace>{_HEX}{{16,32}})(?!\w)"), before=b"/"),
    # service, trace and span in brackets, as Spring Cloud Sleuth writes them
    _Way(
        re.compile(rf"\[[^][,\s]*,\s?(?P<trace>{_HEX}{{32}}|{_HEX}{{16}})[,-]\s?(?P<span>{_HEX}{{16}})(?:,\w*)*\]"),
        after=b",-",
    ),
    # fields of log lines; Datadog's ids are decimal
    _Way(re.compile(r"(?i)\bdd[._]trace_id\W{1,6}(?P<trace>[0-9]{1,20})(?!\w)"), word=b"dd"),
    _Way(re.compile(rf"(?i)trace[\s_.-]?id\W{{1,6}}(?P<trace>{_HEX}{{16,32}})(?!\w)"), word=b"trace"),
    _Way(re.compile(rf"(?<!\w)(?P<trace>{_HEX}{{32}})(?!\w)"), digits=32),
)
"""In the order in which they are looked for: the more specific first."""
_SPAN: Final = re.compile(rf"(?i)(?<!parent)(?<!parent[\s_.-])span[\s_.-]?id\W{{1,6}}(?P<span>{_HEX}{{1,20}})(?!\w)")
_XRAY_PARENT: Final = re.compile(rf"Parent=(?P<span>{_HEX}{{16}})(?!\w)")
_ALONE: Final = re.compile(rf"{_HEX}{{16}}|{_HEX}{{32}}")
_CLASSES: Final = bytes(ord("h") if chr(byte) in "0123456789abcdefABCDEF" else ord(".") for byte in range(256))
_RUN: Final = re.compile(rb"hhhhhhhhhh*")
_MOST_RUNS: Final = 100


def trace_id_in(text: str) -> str:
    """The id of the trace that a text is about, '' where it names none."""
    return ids_in(text)[0]


def ids_in(text: str) -> tuple[str, str]:
    """The ids of the trace and the span that a text is about, '' for what it does not name."""
    text = text.strip()
    if _ALONE.fullmatch(text):
        return text, ""
    plain = unquote(text)
    raw = plain.encode("utf-8", "replace")
    lower = raw.lower()
    runs = _runs(raw)
    for way in _WAYS:
        if way.word not in lower or not (way.word or _has_run(runs, way)):
            continue
        found = way.pattern.search(plain)
        if found is not None and found["trace"].strip("0-"):
            return found["trace"].replace("-", ""), found.groupdict().get("span") or _span_id_in(plain)
    return "", ""


def may_name_trace(line: bytes) -> bool:
    """Tell, in a microsecond, whether a line may name a trace or a span: it has 16 hex digits, or "trace"."""
    return b"hhhhhhhhhhhhhhhh" in line.translate(_CLASSES) or b"trace" in line.lower()


def _runs(text: bytes) -> set[tuple[bytes, int, bytes]]:
    """The runs of nine and more hex digits: what stands before, how many they are, what stands after."""
    found = set()
    for number, run in enumerate(_RUN.finditer(text.translate(_CLASSES))):
        start, stop = run.span()
        found.add((text[max(start - 1, 0) : start], stop - start, text[stop : stop + 1]))
        if number == _MOST_RUNS:
            break
    return found


def _has_run(runs: set[tuple[bytes, int, bytes]], way: _Way) -> bool:
    # plainly written, as every line of a log comes by here several times
    for before, digits, after in runs:
        if way.digits and way.digits != digits:
            continue
        if way.before and not (before and before in way.before):
            continue
        if not way.after or (after and after in way.after):
            return True
    return False


def _span_id_in(text: str) -> str:
    found = _SPAN.search(text) or _XRAY_PARENT.search(text)
    return found["span"] if found else ""
