r"""Output of the console exporter of OpenTelemetry's C++ SDK (`OStreamSpanExporter`).

A span is a block in braces of lines `  name          : GET /x`; attributes, events, links and the resource follow on
lines that begin with a tab. Times are nanoseconds. The source is opentelemetry-cpp's `exporters/ostream`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.format import TextFormat
from tracetui.ingest.formats.numbers import whole_number
from tracetui.ingest.formats.plain_span import PlainSpan, SpanSink, real_id
from tracetui.ingest.formats.printed_values import printed_value
from tracetui.model.json_decoding import MalformedError
from tracetui.model.span import Event, Link, Value

_MEMBER: Final = re.compile(r"  (\w[\w -]*?) *: ?(.*)")
_INNER_MEMBER: Final = re.compile(r"\t  (\w+) *: ?(.*)")
_ATTRIBUTE: Final = re.compile(r"\t{1,2}([^\s:{}][^:]*): ?(.*)")
_MEMBERS: Final = frozenset(
    (
        *("name", "trace_id", "span_id", "tracestate", "parent_span_id", "start", "duration", "description"),
        *("span kind", "status", "attributes", "events", "links", "resources", "instr-lib", "trace_flags"),
    )
)


@dataclass(slots=True)
class _Part:
    """Members and attributes of the span, or of one of its events or links."""

    members: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, Value]:
        return {key: printed_value(text) for key, text in self.attributes.items()}


def _read(text: bytes, context: DecodeContext, sink: SpanSink) -> None:
    span, resource = _Part(), _Part()
    inner: dict[str, list[_Part]] = {"events": [], "links": []}
    section = ""
    last: tuple[dict[str, str], str] | None = None
    for line in text.decode("utf-8", "replace").split("\n")[1:]:
        line = line.rstrip("\r")
        found = _MEMBER.fullmatch(line)
        part = inner[section][-1] if inner.get(section) else resource if section == "resources" else span
        if found and found[1] in _MEMBERS and found[1] not in span.members:
            section = found[1]
            last = span.members, section
            span.members[section] = found[2]
        elif section in inner and line == "\t{":
            inner[section].append(_Part())
        elif section in inner and (found := _INNER_MEMBER.fullmatch(line)):
            last = part.members, found[1]
            part.members[found[1]] = found[2]
        elif section in ("attributes", "resources", *inner) and (found := _ATTRIBUTE.fullmatch(line)):
            last = part.attributes, found[1]
            part.attributes[found[1]] = found[2]
        elif last is not None and line not in ("\t}", "}"):
            # a value with line breaks
            held, key = last
            held[key] += f"\n{line}"
    members = span.members
    if "name" not in members or "span_id" not in members:
        raise MalformedError("not a span of the C++ SDK")
    start, length = whole_number(members.get("start")), whole_number(members.get("duration"))
    scope, _, version = members.get("instr-lib", "").partition("-")
    sink.add(
        PlainSpan(
            trace_id=real_id(members.get("trace_id")),
            span_id=real_id(members.get("span_id")),
            parent_id=real_id(members.get("parent_span_id")),
            name=members["name"],
            kind=members.get("span kind"),
            start_ns=start,
            end_ns=None if start is None or length is None else start + length,
            status=members.get("status"),
            message=members.get("description", ""),
            attributes=span.values(),
            resource=resource.values(),
            scope_name=scope,
            scope_version=version,
            events=[
                Event(whole_number(one.members.get("timestamp")) or 0, one.members.get("name", ""), one.values())
                for one in inner["events"]
            ],
            links=[
                Link(real_id(one.members.get("trace_id")), real_id(one.members.get("span_id")), "", one.values())
                for one in inner["links"]
            ],
        ),
        context,
    )


FORMAT: Final = TextFormat(
    name="output of OpenTelemetry's console exporter for C++",
    block=rb"\{\s*\n[ \t]+name +: [^\n]*\n[ \t]+trace_id +: ",
    read_block=_read,
    needs=(b"trace_id      : ", b"span_id       : "),
    signs=(b"parent_span_id: ", b"instr-lib     : "),
)
