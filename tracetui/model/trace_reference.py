"""References to traces in text: ids, `traceparent` and other headers, addresses of pages, log lines."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from tracetui.model.grafana_page import grafana_page

_HEX: Final = r"[0-9a-fA-F]"


@dataclass(frozen=True, slots=True)
class _Notation:
    """Notation for the id of a trace, and optionally of a span."""

    pattern: re.Pattern[str]
    before: bytes = b""
    after: bytes = b""
    """`before`, `after`: one of these bytes is next to a run of hex digits, b"" for any; a cheap first check."""
    digits: int = 0
    """Number of digits in that run; 0 for any."""
    word: bytes = b""
    """Word that the text contains, in lower case; b"" for none."""


_NOTATIONS: Final = (
    # W3C Trace Context
    _Notation(
        re.compile(rf"(?<![\w-]){_HEX}{{2}}-(?P<trace>{_HEX}{{32}})-(?P<span>{_HEX}{{16}})-{_HEX}{{2}}(?![\w-])"),
        before=b"-",
        after=b"-",
        digits=32,
    ),
    # B3 in one header, and Jaeger's uber-trace-id
    _Notation(
        re.compile(
            rf"(?<![\w-])(?P<trace>{_HEX}{{32}}|{_HEX}{{16}})-(?P<span>{_HEX}{{16}})(?:-[01dD](?:-{_HEX}{{16}})?)?(?![\w-])"
        ),
        before=b"-",
        digits=16,
    ),
    _Notation(
        re.compile(
            rf"(?<![\w:])(?P<trace>{_HEX}{{9,32}}):(?P<span>{_HEX}{{1,16}}):{_HEX}{{1,16}}:{_HEX}{{1,2}}(?![\w:])"
        ),
        after=b":",
    ),
    # AWS X-Ray
    _Notation(re.compile(rf"(?<![\w-])1-(?P<trace>{_HEX}{{8}}-{_HEX}{{24}})(?![\w-])"), before=b"-", digits=24),
    # pages and requests of Jaeger, Zipkin and Tempo
    _Notation(re.compile(rf"/(?:traces?|trace)/(?P<trace>{_HEX}{{16,32}})(?!\w)"), before=b"/"),
    # Spring Cloud Sleuth: service, trace and span in brackets
    _Notation(
        re.compile(rf"\[[^][,\s]*,\s?(?P<trace>{_HEX}{{32}}|{_HEX}{{16}})[,-]\s?(?P<span>{_HEX}{{16}})(?:,\w*)*\]"),
        after=b",-",
    ),
    # fields of log lines; Datadog's ids are decimal
    _Notation(re.compile(r"(?i)\bdd[._]trace_id\W{1,6}(?P<trace>[0-9]{1,20})(?!\w)"), word=b"dd"),
    _Notation(re.compile(rf"(?i)trace[\s_.-]?id\W{{1,6}}(?P<trace>{_HEX}{{16,32}})(?!\w)"), word=b"trace"),
    _Notation(re.compile(rf"(?<!\w)(?P<trace>{_HEX}{{32}})(?!\w)"), digits=32),
)
"""Notations in the order of the search, the more specific ones first."""
_SPAN: Final = re.compile(rf"(?i)(?<!parent)(?<!parent[\s_.-])span[\s_.-]?id\W{{1,6}}(?P<span>{_HEX}{{1,20}})(?!\w)")
_XRAY_PARENT: Final = re.compile(rf"Parent=(?P<span>{_HEX}{{16}})(?!\w)")
_UUID: Final = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_BASE64: Final = r"[0-9A-Za-z+/_-]{22}=="
"""128-bit id in protobuf's JSON."""
_PASTED_ALONE: Final = re.compile(rf"(?:0[xX])?({_HEX}{{32}}|{_HEX}{{16}})|({_UUID})|({_BASE64})")
_PASTED: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # Jaeger's page of two traces
        rf"/trace/({_HEX}{{9,32}})\.\.\.({_HEX}{{9,32}})(?!\w)",
        # AWS X-Ray, where a load balancer may put its own id before that of the trace
        rf"Root=1-({_HEX}{{8}}-{_HEX}{{24}})(?![\w-])",
        rf"(?i)trace[\s_.-]?id\W{{1,6}}0x({_HEX}{{32}}|{_HEX}{{16}})(?!\w)",
        rf"(?i)trace[\s_.-]?id\W{{1,6}}({_UUID}|{_BASE64})",
    )
)
"""Further notations, which are too expensive to search for in each log line."""
_ALONE: Final = re.compile(rf"{_HEX}{{16}}|{_HEX}{{32}}")
_CLASSES: Final = bytes(ord("h") if chr(byte) in "0123456789abcdefABCDEF" else ord(".") for byte in range(256))
_RUN: Final = re.compile(rb"hhhhhhhhhh*")
_MAX_RUNS: Final = 100


def trace_ids_in(text: str) -> tuple[str, ...]:
    """List the distinct trace ids in a pasted text; two for a page that compares traces."""
    text = text.strip()
    alone = _PASTED_ALONE.fullmatch(text)
    if alone is not None:
        return _nonzero_ids([next(filter(None, alone.groups()))])
    page = grafana_page(text)
    if page is not None:
        # other parts of the address, such as data sources, may look like ids
        return tuple(dict.fromkeys(found for part in page.texts for found in trace_ids_in(part)))
    plain = unquote(text)
    for pattern in _PASTED:
        found = pattern.search(plain)
        if found is not None and (ids := _nonzero_ids(found.groups())):
            return ids
    return _nonzero_ids([ids_in(text)[0]])


def _nonzero_ids(texts: Sequence[str]) -> tuple[str, ...]:
    """Convert ids to digits; those of all zeros are dropped."""
    found = dict.fromkeys(_digits(text) for text in texts)
    return tuple(text for text in found if text.strip("0"))


def _digits(text: str) -> str:
    if re.fullmatch(_UUID, text):
        return uuid.UUID(text).hex
    if re.fullmatch(_BASE64, text):
        return base64.b64decode(text.replace("-", "+").replace("_", "/")).hex()
    return text.replace("-", "")


def ids_in(text: str) -> tuple[str, str]:
    """Find the ids of a trace and a span in a text; '' for missing ones."""
    text = text.strip()
    if _ALONE.fullmatch(text):
        return text, ""
    plain = unquote(text)
    raw = plain.encode("utf-8", "replace")
    lower = raw.lower()
    runs = _runs(raw)
    for notation in _NOTATIONS:
        if notation.word not in lower or not (notation.word or _has_run(runs, notation)):
            continue
        found = notation.pattern.search(plain)
        if found is not None and found["trace"].strip("0-"):
            return found["trace"].replace("-", ""), found.groupdict().get("span") or _span_id_in(plain)
    return "", ""


def may_name_trace(line: bytes) -> bool:
    """Test in a microsecond whether a line may name a trace or a span: it contains 16 hex digits, or "trace"."""
    return b"hhhhhhhhhhhhhhhh" in line.translate(_CLASSES) or b"trace" in line.lower()


def _runs(text: bytes) -> set[tuple[bytes, int, bytes]]:
    """List the runs of nine or more hex digits: byte before, number of digits, byte after."""
    found = set()
    for number, run in enumerate(_RUN.finditer(text.translate(_CLASSES))):
        start, stop = run.span()
        found.add((text[max(start - 1, 0) : start], stop - start, text[stop : stop + 1]))
        if number == _MAX_RUNS:
            break
    return found


def _has_run(runs: set[tuple[bytes, int, bytes]], notation: _Notation) -> bool:
    # an explicit loop is fastest; this is called several times for every log line
    for before, digits, after in runs:
        if notation.digits and notation.digits != digits:
            continue
        if notation.before and not (before and before in notation.before):
            continue
        if not notation.after or (after and after in notation.after):
            return True
    return False


def _span_id_in(text: str) -> str:
    found = _SPAN.search(text) or _XRAY_PARENT.search(text)
    return found["span"] if found else ""
