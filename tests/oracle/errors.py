"""Causes, roles, outcomes, patterns and failed requests.

Interpretations where the definition leaves room:

- An empty message shares no template with any other.
- (a) "the work went on" needs no span between: it also applies to U itself; "after" includes equal times, as in (c).
  The peer of a CLIENT, a PRODUCER, a span with a database or a span without a kind and with `peer.service` is its name
  as an inferred peer; of another span, its service below a span of another service; a span without a
  service is transparent here, too. A child without a peer calls nothing, and a failed span without one has none to
  share. L and its ancestors are not such work.
- "No time test across skewed hosts" holds for every test of the cause rule. A test that may not be made fails: (b) does
  not exclude a cause, (d) does not make a explained.
- (d) "no asynchronous step between" holds for the path from L up to the ancestor, and down to the branch that failed.
- An asynchronous step by a link is a root, other than the main one, with a link.
- "Up to the first that coped" excludes the span that coped; "up to the topmost error it reaches" includes that error.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any
from urllib.parse import urlsplit

from tests.oracle.assembly import MS, ancestors, descendants
from tests.oracle.calls import caller_span, db_system, is_named, peer
from tests.oracle.operations import template
from tests.oracle.status import grpc_code, http_code

Span = dict[str, Any]


def classify_errors(trace: Span) -> None:
    """Set `role`, `causes`, `outcome` and `retried` of every error span, and `request`, `failed` of the trace."""
    spans = trace["spans"]
    errors = [span for span in spans if span["status"] == "error"]
    skewed = skewed_hosts(spans)
    for span in errors:
        span["causes"] = []
        span["explained"] = is_consequence(span, skewed)
    for span in errors:
        for above in ancestors(span):
            if above["status"] == "error" and is_cause(span, above, skewed):
                above["causes"].append(span)
    for span in errors:
        span["role"] = "cancelled" if span["explained"] else "propagated" if span["causes"] else "origin"
    trace["request"], trace["failures"] = failures(trace["main"])
    for span in errors:
        span["reaches"] = propagated_errors(span, errors)
    for span in errors:
        if span["role"] == "origin":
            span["outcome"] = outcome(span, trace, skewed)


# The request


def request_span(main: Span) -> Span:
    """Find the request span: the main root, or the only shallowest SERVER below it if it is no SERVER or CONSUMER and
    its status is unset.
    """
    if main["kind"] in ("SERVER", "CONSUMER") or main["status"] != "unset":
        return main
    level = main["down"]
    while level:
        servers = [span for span in level if span["kind"] == "SERVER"]
        if servers:
            return servers[0] if len(servers) == 1 else main
        level = [child for span in level for child in span["down"]]
    return main


def failures(main: Span) -> tuple[Span, list[Span]]:
    """Return the errors that failed the request: those from the request span up to the main root."""
    request = request_span(main)
    chain = [request, *ancestors(request)]
    return request, [span for span in chain if span["status"] == "error"]


# Causes


def is_cause(low: Span, high: Span, skewed: set[frozenset[str]]) -> bool:
    """Test whether the error `low` is a cause of the error `high` above it: none of (a) to (d) holds."""
    between = spans_between(low, high)
    return not (
        any(coped(span) for span in between)
        or work_went_on(low, high, between, skewed)
        or any(span["async_step"] for span in [low, *between])
        or outlived(low, high, skewed)
        or (not shares_template(low, high) and any(later_attempt(span) for span in [low, *between]))
        or low["explained"]
    )


def spans_between(low: Span, high: Span) -> list[Span]:
    found: list[Span] = []
    for span in ancestors(low):
        if span is high:
            return found
        found.append(span)
    raise ValueError("not an ancestor")


def coped(span: Span) -> bool:
    """Test (a): an explicit OK; or no error, and HTTP below 400 or gRPC 0 of its own."""
    if span["status"] == "error":
        return False
    http = http_code(span)
    return span["status"] == "ok" or (http is not None and http < 400) or grpc_code(span) == 0


def work_went_on(low: Span, high: Span, between: list[Span], skewed: set[frozenset[str]]) -> bool:
    """Test the last part of (a): a call to another peer began after `low` ended, below `high` or an unset span."""
    if shares_template(low, high) or not high["message"] or any(span["status"] == "error" for span in between):
        return False
    if low["length"] is None:
        return False
    wanted = call_target(low)
    for span in [high, *(span for span in between if span["status"] == "unset")]:
        for child in span["down"]:
            if any(child is step for step in [low, *between]) or frozenset((child["host"], low["host"])) in skewed:
                continue
            if child["start"] >= low["end"] and call_target(child) not in ("", wanted):
                return True
    return False


def call_target(span: Span) -> str:
    """Return the target of a call: the name of its peer, else its service if a span of another service called it."""
    if span["kind"] in ("CLIENT", "PRODUCER") or db_system(span):
        name = peer(span)[0]
    else:
        name = span["attrs"].get("peer.service", "") if span["kind"] is None else ""
    above = caller_span(span)
    other = span["up"] is not None and (above is None or above["service"] != span["service"])
    if not name and is_named(span) and other:
        return str(span["service"])
    return str(name)


def outlived(low: Span, high: Span, skewed: set[frozenset[str]]) -> bool:
    """Test (b): `low` ended after `high` by more than max(10 ms, 5 % of its duration), on comparable clocks."""
    if low["length"] is None or high["length"] is None or frozenset((low["host"], high["host"])) in skewed:
        return False
    return bool(low["end"] - high["end"] > max(10 * MS, low["length"] / 20))


def skewed_hosts(spans: list[Span]) -> set[frozenset[str]]:
    """Find pairs of hosts for (b): a SERVER begins before the CLIENT that called it, or not before its end."""
    found = set()
    for span in spans:
        client = span["up"]
        if span["kind"] != "SERVER" or client is None or client["kind"] != "CLIENT":
            continue
        late = client["length"] is not None and span["start"] >= client["end"]
        if span["host"] != client["host"] and (span["start"] < client["start"] or late):
            found.add(frozenset((span["host"], client["host"])))
    return found


def later_attempt(span: Span) -> bool:
    """Test (c): a sibling of the same service, raw name and logical target began later and is no error."""
    if span["up"] is None or span["length"] is None:
        return False
    return any(
        other is not span
        and other["service"] == span["service"]
        and other["name"] == span["name"]
        and target(other) == target(span)
        and other["start"] >= span["end"]
        and other["status"] != "error"
        for other in span["up"]["down"]
    )


def target(span: Span) -> tuple[str, ...]:
    attrs = span["attrs"]
    path = attrs.get("url.path") or urlsplit(attrs.get("url.full") or attrs.get("http.url") or "").path
    return (
        attrs.get("peer.service", ""),
        attrs.get("db.namespace") or attrs.get("db.name") or "",
        attrs.get("db.query.text") or attrs.get("db.statement") or "",
        path,
    )


def shares_template(low: Span, high: Span) -> bool:
    """Test whether two spans share a message template: equal, or one contains the other."""
    a, b = template(low["message"]), template(high["message"])
    return bool(a and b) and (a in b or b in a)


def is_consequence(span: Span, skewed: set[frozenset[str]]) -> bool:
    """Test (d): a cancellation that is explained by an ancestor or another branch."""
    if not is_cancellation(span):
        return False
    branch = span
    for above in ancestors(span):
        if branch["async_step"]:
            return False
        if above["status"] == "error" and is_timeout(above):
            return True
        if comparable(span, above, skewed) and span["end"] > above["end"]:
            return True
        for child in above["down"]:
            if child is not branch and any(
                explains(other, span, above, skewed) for other in [child, *descendants(child)]
            ):
                return True
        branch = above
    return False


def explains(other: Span, span: Span, above: Span, skewed: set[frozenset[str]]) -> bool:
    """Test for an error of another branch, not a cancellation, that ended no later than the cancelled span."""
    return (
        other["status"] == "error"
        and not is_cancellation(other)
        and not any(step["async_step"] for step in [other, *spans_between(other, above)])
        and comparable(span, other, skewed)
        and other["end"] <= span["end"]
    )


def comparable(a: Span, b: Span, skewed: set[frozenset[str]]) -> bool:
    """Test whether the ends of two spans are known, on clocks that agree."""
    return None not in (a["length"], b["length"]) and frozenset((a["host"], b["host"])) not in skewed


def is_cancellation(span: Span) -> bool:
    text = span["message"].lower()
    if names_timeout(text):
        return False
    return grpc_code(span) == 1 or http_code(span) == 499 or "canceled" in text or "cancelled" in text


def is_timeout(span: Span) -> bool:
    return grpc_code(span) == 4 or http_code(span) in (504, 408) or names_timeout(span["message"].lower())


def names_timeout(text: str) -> bool:
    return any(word in text for word in ("deadline exceeded", "deadline_exceeded", "timed out", "timeout"))


# Outcomes


def propagated_errors(span: Span, errors: list[Span]) -> list[Span]:
    """Collect the errors that an error caused, directly and indirectly."""
    found: list[Span] = []
    waiting = [span]
    while waiting:
        at = waiting.pop()
        for other in errors:
            if any(cause is at for cause in other["causes"]) and all(other is not seen for seen in found):
                found.append(other)
                waiting.append(other)
    return found


def outcome(span: Span, trace: Span, skewed: set[frozenset[str]]) -> str:
    """Return the first outcome that applies; "retried" is a sub-case of "handled"."""
    way = [span, *ancestors(span)]
    reaches = [span, *span["reaches"]]
    if any(failure is other for failure in trace["failures"] for other in reaches):
        return "failed the request"
    if way[-1]["orphan"]:
        return "unknown"
    topmost = max(i for i, above in enumerate(way) if any(above is other for other in reaches))
    for i, above in enumerate(way):
        linked = above["up"] is None and above is not trace["main"] and above["links"]
        if above["async_step"] or linked:
            return "background"
        if i <= topmost and above["up"] is not None and outlived(above, above["up"], skewed):
            return "background"
    for i, above in enumerate(way):
        if coped(above):
            break
        if later_attempt(above) and not any(shares_template(span, u) for u in way[i + 1 :] if u["status"] == "error"):
            return "retried"
    return "handled"


# Patterns


def patterns(found: list[Span]) -> dict[tuple[str, str], Span]:
    """Group origins of one service with the same message template."""
    groups: dict[tuple[str, str], list[tuple[Span, Span]]] = defaultdict(list)
    for trace in found:
        for span in trace["spans"]:
            if span.get("role") == "origin":
                groups[span["service"], template(span["message"])].append((trace, span))
    total = sum(len(group) for group in groups.values())
    return {key: pattern(group, total) for key, group in groups.items()}


def pattern(group: list[tuple[Span, Span]], total: int) -> Span:
    reached_spans = {(t["id"], s["order"]): s for t, o in group for s in o["reaches"] if s["role"] == "propagated"}
    outcomes = Counter(span["outcome"] for _, span in group)
    return {
        "count": len(group),
        "percent": 100 * len(group) / total,
        "operations": {span["name"] for _, span in group},
        "trace_count": len({trace["id"] for trace, _ in group}),
        "failed_request_count": len({t["id"] for t, span in group if span["outcome"] == "failed the request"}),
        "propagated_to": Counter(span["service"] for span in reached_spans.values()),
        "propagated_count": len(reached_spans),
        "swallowed_count": outcomes["handled"] + outcomes["retried"],
        "retried_count": outcomes["retried"],
        "unknown_count": outcomes["unknown"],
        "background_count": outcomes["background"],
    }
