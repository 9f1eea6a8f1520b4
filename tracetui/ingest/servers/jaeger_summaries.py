"""Trace summaries of Jaeger's v3 API, from version 2.19 on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from tracetui.ingest.servers.connection import Connection, Params
from tracetui.ingest.servers.readable_lists import readable_items
from tracetui.ingest.servers.request_errors import NO_JSON
from tracetui.model.search import Search


class _Summarised(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    old_trace_id: str = msgspec.field(name="traceID", default="")
    min_start_time_unix_nano: int = 0
    max_end_time_unix_nano: int = 0
    error_span_count: int = 0


class _Summaries(msgspec.Struct):
    summaries: list[msgspec.Raw] | None = None


_SUMMARISED: Final = msgspec.json.Decoder(_Summarised, strict=False)
_RESPONSE: Final = msgspec.json.Decoder(_Summaries, strict=False)


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """Summary of a trace, without its spans."""

    trace_id: str
    start_ns: int
    end_ns: int
    error_spans: int

    def meets(self, search: Search) -> bool:
        """Test the conditions of a search on whole traces."""
        slow = search.slower_ns is None or self.end_ns - self.start_ns > search.slower_ns
        return slow and (not search.failed or self.error_spans > 0)


def summaries_at(connection: Connection, path: str, params: Params) -> list[TraceSummary]:
    """Query summaries. Raises HttpError."""
    listed = connection.json(_RESPONSE, path, params).summaries or ()
    try:
        found = readable_items(_SUMMARISED.decode, listed, "trace summaries", connection.warn)
    except NO_JSON as error:
        raise connection.errors.unexpected_response_error(path, str(error)) from None
    return [
        TraceSummary(
            item.trace_id or item.old_trace_id,
            item.min_start_time_unix_nano,
            item.max_end_time_unix_nano,
            item.error_span_count,
        )
        for item in found
    ]
