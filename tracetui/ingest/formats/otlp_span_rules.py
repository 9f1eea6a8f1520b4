"""Rules for OTLP spans in either encoding: status, links, dropped parts, missing times and ids."""

from __future__ import annotations

import base64
import binascii

from tracetui.ingest.formats.error_rule import decide_status
from tracetui.model.span import FLAG_SHIFT, STATUS_SHIFT, Flag, Kind, Link, Status, Value, pack_state

JAEGER_WARNINGS = "@jaeger@warnings"
"""Attribute in which Jaeger's v3 API sends its warnings on a span."""


def state_of_otlp(attributes: dict[str, Value], native: int) -> int:
    """Compute the packed state of a span from its attributes and its packed kind and status."""
    kind = Kind(native & 7)
    status, error = decide_status(kind, Status(native >> STATUS_SHIFT), attributes)
    flags = Flag.SOURCE_WARNING if attributes.get(JAEGER_WARNINGS) else Flag.NONE
    return pack_state(kind, status, error, flags)


def link_with_kind(trace_id: str, span_id: str, attributes: dict[str, Value]) -> Link:
    """Build a link; its kind in Jaeger is in an attribute of OpenTelemetry's OpenTracing mapping."""
    kind = attributes.get("opentracing.ref_type")
    if kind in ("child_of", "follows_from"):
        del attributes["opentracing.ref_type"]
        return Link(trace_id, span_id, str(kind).upper(), attributes)
    return Link(trace_id, span_id, "", attributes)


def dropped_warnings(attributes: int, events: int, links: int) -> list[str]:
    """List the warnings for a span whose SDK dropped parts to stay within its limits."""
    counts = {"attribute": attributes, "event": events, "link": links}
    return [
        f"{count} {what}{'s' if count > 1 else ''} dropped by the SDK" for what, count in counts.items() if count > 0
    ]


def mark_missing_times(starts: list[int], ends: list[int], durations: list[int], states: list[int]) -> None:
    """Flag spans without a start or an end, which are 0 in OTLP. An end without a start is copied to `starts`."""
    if min(starts) > 0 and min(ends) > 0:
        return
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if start > 0 and end > 0:
            continue
        durations[i] = 0
        if end <= 0:
            states[i] |= Flag.NO_DURATION << FLAG_SHIFT
        if start <= 0:
            starts[i] = max(end, 0)
            states[i] |= (Flag.START_REPAIRED if end <= 0 else Flag.START_REPAIRED | Flag.END_KNOWN) << FLAG_SHIFT


def hex_id(text: str, digits: int) -> str:
    """Convert an id to hex. Text that has the length of a base64 id and decodes is converted; other text stays."""
    unpadded = (digits * 4 + 5) // 6
    padding = -unpadded % 4
    if len(text) not in (unpadded, unpadded + padding):
        return text
    bare = text.rstrip("=")
    try:
        data = base64.b64decode(bare + "=" * padding, validate=True)
    except (ValueError, binascii.Error):
        return text
    # hex of that length can also be valid base64, but rarely with zeros in the unused bits of the last digit
    return data.hex() if base64.b64encode(data).decode().rstrip("=") == bare else text
