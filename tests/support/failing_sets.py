"""Strategies for span sets with many errors."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.support.building import GivenSpan
from tests.support.strategies import ranked
from tracetui.model.span import Flag, Kind, Status

_FAILURES: tuple[dict[str, Any], ...] = (
    {"message": "card declined"},
    {"message": "call failed: card declined"},
    {"message": "row 17 is locked"},
    {"message": "row 4 is locked"},
    {"message": "context canceled"},
    {"message": "context deadline exceeded"},
    {"message": "CANCELLED after a timeout"},
    {"attributes": {"http.status_code": 503}},
    {"attributes": {"http.status_code": 499}},
    {"attributes": {"http.status_code": 504}},
    {"attributes": {"rpc.grpc.status_code": 1}},
    {"attributes": {"rpc.grpc.status_code": "4"}},
    {},
)
_ANSWERS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {},
    {"status": Status.OK},
    {"attributes": {"http.status_code": 200}},
    {"attributes": {"http.response.status_code": "404"}},
    {"attributes": {"rpc.grpc.status_code": 0}},
)
_KINDS = (Kind.INTERNAL, Kind.CLIENT, Kind.SERVER, Kind.PRODUCER, Kind.CONSUMER)
_TARGETS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"peer.service": "stripe"},
    {"peer.service": "cart"},
    {"db.system": "redis", "db.namespace": "0"},
    {"db.system": "redis", "db.namespace": "0", "db.statement": "GET a"},
    {"server.address": "example.org"},
    {"url.path": "/a", "server.address": "example.org"},
    {"url.path": "/a", "server.address": "example.com"},
)


@st.composite
def failing_sets(draw: st.DrawFn) -> list[GivenSpan]:
    """Draw one or two traces full of errors: with causes, attempts, cancellations, messages, skewed clocks and orphans.

    Times are multiples of 4 ms, so that spans outlast others within the tolerance or beyond it.
    """
    tick = 4_000_000
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(("1", "1", "1", "2")),
                st.sampled_from((0, 0, 0, 1, 1, 2, 3, 99, -1)),
                st.integers(-1, 6),
                # always shorter than its parent
                st.one_of(st.none(), st.integers(0, 12)),
                st.sampled_from(("api", "api", "cart", "db")),
                st.sampled_from(("", "", "", "h1", "h2")),
                st.sampled_from(("get", "put")),
                st.sampled_from((*_KINDS, Kind.CLIENT, Kind.SERVER, Kind.INTERNAL)),
                st.one_of(st.sampled_from(_FAILURES), st.sampled_from(_ANSWERS).map(lambda answer: {"ok": answer})),
                st.sampled_from(_TARGETS),
                st.sampled_from((Flag.NONE,) * 12 + (Flag.FOLLOWS_FROM, Flag.NO_DURATION)),
                st.sampled_from((False,) * 9 + (True,)),
                # delay of another, successful attempt
                st.sampled_from((None,) * 4 + (0, 2)),
            ),
            min_size=1,
            max_size=14,
        )
    )
    known: dict[str, list[GivenSpan]] = {}
    spans = []
    for number, (
        trace,
        pick,
        later,
        lasts,
        service,
        host,
        name,
        kind,
        outcome,
        target,
        flags,
        linked,
        again,
    ) in enumerate(drawn):
        others = known.setdefault(trace, [])
        parent = others[-1 - pick] if 0 <= pick < len(others) else None
        error = "ok" not in outcome
        words = dict(outcome if error else outcome["ok"])
        attributes = {**target, **words.pop("attributes", {})}
        start = (parent.start if parent else 400 * tick) + later * tick
        if lasts is None:
            lasts = max(0, (parent.start + parent.duration - start) // tick) if parent else 40
        spans.append(
            GivenSpan(
                ranked(number),
                start,
                0 if flags & Flag.NO_DURATION else lasts * tick,
                parent=parent.id if parent else "gone" if pick < 0 else "",
                trace=trace,
                service=service,
                resource={"host.name": host} if host else {},
                name=name,
                kind=kind,
                error=error,
                attributes=attributes,
                flags=flags,
                links=[("1", ranked(0))] if linked else [],
                **words,
            )
        )
        others.append(spans[-1])
        if again is not None:
            begin = start + spans[-1].duration + again * tick
            attempt = spans[-1].but(id=ranked(100 + number), start=begin, duration=tick, attributes=target, links=[])
            spans.append(attempt.but(error=False, message=""))
    return spans
