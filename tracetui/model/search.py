"""Search of a back end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import msgspec

from tracetui.model.times import format_duration, parse_duration

LOOKBACK_NS = parse_duration("1h")
LIMIT = 100
MORE = 4
"""Factor by which a search that found too few traces is widened, in traces or in time."""
_SHORTEST_NS = 1_000_000
_MICROSECOND = 1_000
_MAX_NAMED = 3
_MIN_PER_SERVICE = 10
LAST_NS = 9 * 10**18
"""A time in 2255, the latest that servers accept."""
_MAX_LIMIT = 10**9


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Search for traces on a server. All conditions on spans must hold for a single span, as servers evaluate them.

    Durations are nanoseconds, times nanoseconds since the epoch.
    """

    service: str = ""
    services: tuple[str, ...] = ()
    """At least one of these takes part; used without `service`. A server that searches by service is queried for each.
    """
    every_service: bool = False
    """True to query such a server for all its services, however many, if none is named."""
    operation: str = ""
    attributes: dict[str, str] = {}
    errors: bool = False
    """The span is an error by the server's rule."""
    failed: bool = False
    """Some span of the trace is an error, not necessarily the one that meets the other conditions."""
    slower_ns: int | None = None
    """The whole trace lasts longer than this."""
    least_ns: int | None = None
    most_ns: int | None = None
    """Longest duration of the span."""
    start_ns: int | None = None
    end_ns: int | None = None
    lookback_ns: int | None = None
    """Time range before the end, used without a start; None for the default."""
    limit: int | None = None
    """Largest number of traces, None for the default; if there are more, the server selects, usually the newest."""
    trace_ids: tuple[str, ...] = ()
    """Only these traces, regardless of the other conditions."""
    expression: str = ""
    """Additional condition in the server's language (TraceQL)."""

    def window(self, now_ns: int | None = None) -> tuple[int, int]:
        """Return the time range in which a trace may start, in nanoseconds; the end is always after the start."""
        end = self.end_ns if self.end_ns is not None else now_ns if now_ns is not None else time.time_ns()
        start = self.start_ns if self.start_ns is not None else end - (self.lookback_ns or LOOKBACK_NS)
        # no trace has other times, and servers reject them
        start = min(max(start, 0), LAST_NS)
        return start, max(min(end, LAST_NS), start + _SHORTEST_NS)

    @property
    def max_traces(self) -> int:
        """Largest number of traces, within the limits of servers."""
        return min(max(self.limit or LIMIT, 1), _MAX_LIMIT)


# the decoder prepares the type, see tracetui.model.json_decoding
_FIELDS: Final = msgspec.json.Decoder(Search)


def search_from(fields: Mapping[str, object]) -> Search:
    """Build a search from values by field. Raises msgspec.ValidationError for a value of another type."""
    return msgspec.convert(fields, _FIELDS.type)


def combined(base: Search, more: Search) -> Search:
    """Add the conditions of `more` to `base`; those of `more` take precedence."""
    given = {
        field.name: value
        for field in msgspec.structs.fields(Search)
        if (value := getattr(more, field.name)) != getattr(NOTHING, field.name)
    }
    if "attributes" in given:
        given["attributes"] = {**base.attributes, **more.attributes}
    return msgspec.structs.replace(base, **given)


NOTHING = Search()
"""No conditions, with the default limit and lookback."""


def traces_per_service(limit: int, services: int) -> int:
    """Compute the limit per service for a search of several services with a total limit."""
    return max(-(-2 * limit // max(services, 1)), _MIN_PER_SERVICE)


def describe(search: Search, *, alone: bool = False) -> str:
    """Describe a search: "service cart, a span of 500ms or more, the last 1h, at most 100".

    alone: without time and limit.
    """
    if search.trace_ids:
        return f"trace {', '.join(search.trace_ids)}"
    words = []
    for name, value in (("service", search.service), ("operation", search.operation)):
        if value:
            words.append(f"{name} {value}")
    if search.services and not search.service:
        named = search.services[:_MAX_NAMED]
        more = f" or {len(search.services) - len(named):,} more" if len(search.services) > len(named) else ""
        words.append(f"service {' or '.join(named)}{more}")
    words += [f"{key} = {value}" for key, value in search.attributes.items()]
    if search.errors:
        words.append("a span in error")
    if search.failed:
        words.append("with errors")
    if search.slower_ns is not None:
        words.append(f"slower than {format_duration(search.slower_ns)}")
    if search.least_ns is not None:
        # "above 5 ms" is stored as a shortest duration of 5 ms + 1 ns
        above, is_above = format_duration(search.least_ns - 1), search.least_ns % _MICROSECOND == 1
        least = format_duration(search.least_ns)
        words.append(f"a span over {above}" if is_above else f"a span of {least} or more")
    if search.most_ns is not None:
        words.append(f"a span of {format_duration(search.most_ns)} or less")
    if search.expression:
        words.append(search.expression)
    if alone:
        return ", ".join(words)
    return ", ".join([*words, describe_window(search), f"at most {search.max_traces:,}"])


def describe_window(search: Search) -> str:
    """Describe the time range of a search: "the last 1h", or "from 2026-11-20 14:02:10Z to now"."""
    if search.start_ns is None and search.end_ns is None:
        return f"the last {format_duration(search.lookback_ns or LOOKBACK_NS)}"
    start, end = (_moment(ns) for ns in search.window())
    return f"from {start} to {end if search.end_ns is not None else 'now'}"


def _moment(ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(ns // 1_000_000_000))
