"""Strategies for arbitrary span sets, from valid trees to nonsense.

Times, ids and names come from small pools so that collisions are frequent: equal starts, touching neighbours, duplicate
ids, parent cycles. Every choice shrinks towards a single plain span.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.support.building import GivenSpan
from tracetui.model.span import UNKNOWN_SERVICE, Flag, Kind

unhurried = settings(deadline=None)
"""Settings for property tests whose results do not depend on the speed of the machine."""


def examples(times: int) -> settings:
    """Return settings for central definitions: this many times as many examples as other property tests."""
    assert settings.default is not None
    return settings(deadline=None, max_examples=times * settings.default.max_examples)


_SERVICES = ("api", "cart", "db", "mail")
_OPERATIONS = ("get", "put", "list")
_MESSAGES = ("", "timeout", "row 17 is locked", "row 4 is locked")
_KINDS = (
    Kind.INTERNAL,
    Kind.CLIENT,
    Kind.SERVER,
    Kind.PRODUCER,
    Kind.CONSUMER,
    Kind.UNSPECIFIED,
    Kind.PRODUCER,
    Kind.CONSUMER,
)
_SCALES = (1, 1_000, 1 << 56)
"""Nanoseconds per tick. With the last one, times of several groups do not fit into 64 bits together."""
_TICKS = 24

TRACE_IDS = (
    "1",
    "0000000000000000000000000000000a",
    "A",
    "00a",
    "trace-1",
    "ffffffffffffffffffffffffffffffff0",
)
"""Three traces in five spellings, and two ids that are not hex or too long for it."""
SPAN_IDS = (
    "0000000000000001",
    "1",
    "0000000000000002",
    "2",
    "3",
    "000000ab00000004",
    "000000AB00000004",
    "000000cd00000004",
    "span-5",
    "",
)
"""Some ids in several spellings, two that differ only above their low 40 bits, an opaque one, and none."""
PARENT_IDS = ("", *SPAN_IDS, "0000000000000000", "00000000000000ff", "gone")
"""The same, and missing parents."""

_ticks = st.integers(1, _TICKS)
_details = st.sampled_from(
    (
        {},
        {"peer.service": "stripe"},
        {"peer.service": "cart"},
        {"db.system": "redis", "db.namespace": "0"},
        {"server.address": "example.org"},
        {"messaging.destination.name": "orders"},
    )
)


def _spans(
    span_id: st.SearchStrategy[str],
    parent: st.SearchStrategy[str],
    trace: st.SearchStrategy[str],
    start: st.SearchStrategy[int],
    duration: st.SearchStrategy[int],
) -> st.SearchStrategy[GivenSpan]:
    plain = st.builds(
        GivenSpan,
        id=span_id,
        start=start,
        duration=duration,
        parent=parent,
        trace=trace,
        service=st.sampled_from(_SERVICES),
        name=st.sampled_from(_OPERATIONS),
        kind=st.sampled_from(_KINDS),
        error=st.booleans(),
        attributes=_details,
    )
    links = st.lists(
        st.tuples(st.sampled_from(("", *TRACE_IDS)), st.sampled_from(SPAN_IDS)),
        max_size=2,
        unique=True,
    )
    flags = st.sampled_from((Flag.NONE, Flag.NONE, Flag.FOLLOWS_FROM, Flag.SHARED))
    return st.builds(
        lambda span, flags, links, message: span.but(
            flags=flags,
            # only the server half of a call states that it shares its id
            kind=Kind.SERVER if flags & Flag.SHARED else span.kind,
            links=links if span.kind == Kind.CONSUMER else (),
            message=message if span.error else "",
        ),
        plain,
        flags,
        links,
        st.sampled_from(_MESSAGES),
    )


@st.composite
def rough_sets(draw: st.DrawFn) -> list[GivenSpan]:
    """Draw unrelated spans: several traces, orphans, cycles, self-parents, duplicate ids, exact duplicates, missing
    starts, negative durations.
    """
    spans = draw(
        st.lists(
            _spans(
                st.sampled_from(SPAN_IDS),
                st.sampled_from(PARENT_IDS),
                st.sampled_from(TRACE_IDS),
                st.one_of(_ticks, _ticks, st.sampled_from((0, -1, -7))),
                st.one_of(st.integers(0, _TICKS), st.sampled_from((0, -1, -9))),
            ),
            max_size=14,
        )
    )
    repeats = draw(st.lists(st.integers(0, len(spans) - 1), max_size=3)) if spans else []
    return spans + [spans[i] for i in repeats]


def ranked(number: int) -> str:
    """Return the id of the span with this number in a tree."""
    return f"{number + 1:016x}"


@st.composite
def trees(draw: st.DrawFn) -> list[GivenSpan]:
    """Draw spans of one or two traces, in any order, whose parents come before them; children may lie outside their
    parents.
    """
    some = st.just("")
    given_spans = draw(
        st.lists(
            st.tuples(
                _spans(some, some, st.sampled_from(("1", "1", "2")), _ticks, st.integers(0, _TICKS)),
                st.integers(0, 30),
            ),
            min_size=1,
            max_size=24,
        )
    )
    earlier: dict[str, list[str]] = {}
    spans = []
    for number, (given_span, pick) in enumerate(given_spans):
        known = earlier.setdefault(given_span.trace, [])
        # 0, the simplest, is the span before; beyond all of them is another root
        parent = known[-1 - pick] if pick < len(known) else ""
        known.append(ranked(number))
        spans.append(given_span.but(id=ranked(number), parent=parent))
    return draw(st.permutations(spans)) if draw(st.booleans()) else spans


@st.composite
def nested(draw: st.DrawFn) -> list[GivenSpan]:
    """Draw a valid trace: every child lies within its parent; a chain, a fan or anything between."""
    count = draw(st.integers(1, 20))
    width = draw(st.integers(1, 8))
    some = st.just("")
    spans: list[GivenSpan] = []
    for number in range(count):
        given_span = draw(_spans(some, some, st.just("1"), st.just(1), st.just(1 << 10)))
        parent = ""
        if number:
            above = spans[(number - 1) // width]
            start = draw(st.integers(0, above.duration))
            end = draw(st.integers(start, above.duration))
            parent = above.id
            given_span = given_span.but(start=above.start + start, duration=end - start)
        spans.append(given_span.but(id=ranked(number), parent=parent))
    return spans


@st.composite
def span_sets(draw: st.DrawFn) -> list[GivenSpan]:
    """Draw any of the above, in a narrow or very wide time range."""
    spans = draw(st.one_of(nested(), trees(), rough_sets()))
    if max((given_span.duration for given_span in spans), default=0) > 2 * _TICKS:
        return spans
    scale = draw(st.sampled_from(_SCALES))
    return [
        given_span.but(start=given_span.start * scale, duration=given_span.duration * scale) for given_span in spans
    ]


def chain(count: int) -> list[GivenSpan]:
    """Make spans that are each the child of the one before, and a nanosecond shorter at both ends."""
    return [GivenSpan(ranked(i), 1 + i, 2 * (count - i) - 1, parent=ranked(i - 1) if i else "") for i in range(count)]


def fan(count: int) -> list[GivenSpan]:
    """Make a root and its children of 2 ns, one after the other with 1 ns between them."""
    root = GivenSpan(ranked(0), 1, 3 * count - 3)
    return [root, *(GivenSpan(ranked(i), 3 * i - 1, 2, parent=root.id) for i in range(1, count))]


_CALLERS = ("api", "cart", "db", "mail", "ship")
_CALLED: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"peer.service": "stripe"},
    {"peer.service": "cart"},
    {"db.system": "redis"},
    {"messaging.destination.name": "orders"},
)


@st.composite
def service_sets(draw: st.DrawFn) -> list[GivenSpan]:
    """Draw calls between services in a few small traces: in both directions, by messages and links, also to peers, with
    errors, orphans, and inconsistent times. Ids are unique.
    """
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(("1", "1", "a", "b")),
                # 0, the simplest, is below the span before; beyond all is a root, -1 an orphan
                st.sampled_from((0, 0, 0, 1, 1, 2, 3, 99, -1)),
                st.integers(-3, 9),
                st.integers(0, 14),
                st.sampled_from(_CALLERS),
                st.sampled_from(_OPERATIONS[:2]),
                st.sampled_from(_KINDS[:5]),
                st.sampled_from((False, False, True)),
                st.sampled_from(_CALLED),
                st.sampled_from((Flag.NONE, Flag.NONE, Flag.NONE, Flag.FOLLOWS_FROM)),
                st.lists(st.integers(0, 20), max_size=2, unique=True),
            ),
            min_size=1,
            max_size=14,
        )
    )
    known: dict[str, list[GivenSpan]] = {}
    spans: list[GivenSpan] = []
    for number, (trace, pick, later, duration, service, name, kind, error, called, flags, links) in enumerate(drawn):
        others = known.setdefault(trace, [])
        parent = others[-1 - pick] if 0 <= pick < len(others) else None
        linked = sorted({link % len(drawn) for link in links})
        spans.append(
            GivenSpan(
                ranked(number),
                max((parent.start if parent else 20) + later, 1),
                duration,
                parent=parent.id if parent else "gone" if pick < 0 else "",
                trace=trace,
                service=service,
                name=name,
                kind=Kind.CONSUMER if links else kind,
                error=error,
                attributes=called,
                flags=flags,
                links=[(drawn[link][0], ranked(link)) for link in linked],
            )
        )
        others.append(spans[-1])
    return draw(st.permutations(spans)) if draw(st.booleans()) else spans


_LAYERS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"server.address": "cart"},
    {"server.address": "db.default.svc"},
    {"server.address": "api.example.org:443"},
    {"peer.service": "stripe"},
    {"peer.service": "mail"},
    {"db.system": "redis", "server.address": "cache-1"},
    {"db.system.name": "postgresql", "db.namespace": "shop"},
    {"peer.service": "redis", "db.system": "redis"},
    {"messaging.system": "kafka", "messaging.destination.name": "orders"},
    {"messaging.system": "kafka", "messaging.operation": "receive"},
    {"messaging.operation.type": "process"},
    {"messaging.operation.type": "send", "server.address": "broker"},
    {"rpc.system": "grpc", "rpc.service": "shop.Cart", "server.address": "cart.shop.svc.cluster.local"},
    {"rpc.system": "aws-api", "rpc.service": "S3"},
    {"network.peer.address": "10.0.0.1"},
)


@st.composite
def layered_sets(draw: st.DrawFn) -> list[GivenSpan]:
    """Draw calls with layers between their halves: nested spans of few services, or without a service, of any kind,
    which name any call targets and link to any others.
    """
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(("1", "1", "1", "2")),
                st.sampled_from((0, 0, 0, 0, 1, 2, 99, -1)),
                st.sampled_from(("api", "api", "cart", "db", UNKNOWN_SERVICE)),
                st.sampled_from((Kind.INTERNAL, Kind.CLIENT, Kind.CLIENT, *Kind)),
                st.sampled_from(_LAYERS),
                st.booleans(),
                st.sampled_from((Flag.NONE, Flag.NONE, Flag.NONE, Flag.FOLLOWS_FROM)),
                st.lists(st.integers(0, 14), max_size=2, unique=True),
                st.integers(0, 9),
            ),
            min_size=1,
            max_size=14,
        )
    )
    known: dict[str, list[str]] = {}
    spans = []
    for number, (trace, pick, service, kind, attributes, error, flags, links, duration) in enumerate(drawn):
        others = known.setdefault(trace, [])
        parent = others[-1 - pick] if 0 <= pick < len(others) else "gone" if pick < 0 else ""
        others.append(ranked(number))
        spans.append(
            GivenSpan(
                ranked(number),
                1 + number,
                duration,
                parent=parent,
                trace=trace,
                service=service,
                kind=kind,
                error=error,
                attributes=attributes,
                flags=flags,
                links=[(drawn[link][0], ranked(link)) for link in sorted({link % len(drawn) for link in links})],
            )
        )
    return draw(st.permutations(spans)) if draw(st.booleans()) else spans


@st.composite
def incomplete_sets(draw: st.DrawFn) -> list[GivenSpan]:
    """Any spans, of which some are orphans, and some lack their start or their end."""
    spans = draw(span_sets())
    states = draw(st.lists(st.sampled_from((0, 0, 0, 0, 1, 2, 3, 4)), min_size=len(spans), max_size=len(spans)))
    made = []
    for given_span, state in zip(spans, states, strict=True):
        if state == 1:
            made.append(given_span.but(start=0, flags=given_span.flags | Flag.START_REPAIRED))
        elif state == 2:
            made.append(given_span.but(duration=0, flags=given_span.flags | Flag.NO_DURATION))
        elif state == 3:
            made.append(given_span.but(parent="00000000000000ff"))
        else:
            made.append(given_span)
    return made
