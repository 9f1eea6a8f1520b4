"""Calls between services, inferred peers, service figures.

Interpretations where the definition leaves room:

- The chain of an inferred peer: the innermost CLIENT or PRODUCER, and those above it within the service, below its own
  SERVER or CONSUMER.
- A CLIENT or PRODUCER is answered if a span of another service is below it, or links to it as a PRODUCER.
- A span with links to PRODUCER spans makes one call for each of them, whatever its own kind.
- A call to a peer that is a service of the set is a call to that service. It has no entry span there, so it is not
  included in the calls of that service's own figures.
- An answered span, by a child or a link, is a call of its own, so the chain of an inferred peer ends below it. A client
  span that names only a host, below an answered one, is a layer of that call.
- If all spans of a chain name hosts only, the innermost names the peer. The host of a peer is that of the span that
  names it.
- A receive span of kind CLIENT is the incoming call, so its error is that call's.
- The call of a PRODUCER to a peer is asynchronous even without a CONSUMER.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import takewhile
from typing import Any
from urllib.parse import urlsplit

from tests.oracle.assembly import ancestors

Span = dict[str, Any]
Call = dict[str, Any]

CACHES = ("redis", "memcached", "valkey", "hazelcast", "couchbase")
SUFFIXES = (".svc", ".svc.cluster.local", ".local", ".internal", ".consul")


def is_named(span: Span) -> bool:
    return span["service"] not in ("", "unknown_service")


def caller_span(span: Span) -> Span | None:
    """Find the nearest named ancestor: spans without a service are transparent."""
    return next((above for above in ancestors(span) if is_named(above)), None)


def is_entry(span: Span) -> bool:
    """Test for an entry span: one without an ancestor, or below a span of another service."""
    above = caller_span(span)
    return is_named(span) and (above is None or above["service"] != span["service"])


def calls(traces: list[Span]) -> list[Call]:
    spans = [span for trace in traces for span in trace["spans"]]
    by_id: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for span in spans:
        by_id[span["trace"], span["id"]].append(span)
    services = {span["service"] for span in spans if is_named(span)}
    linked = linked_producers(spans, by_id)
    for span in spans:
        span["answered"] = is_answered(span)
    for _, producers in linked:
        for producer in producers:
            producer["answered"] = True
    found = [call for span in spans if (call := call_of_entry(span)) is not None]
    found += [call_by_link(span, producer) for span, producers in linked for producer in producers]
    for span in spans:
        if is_innermost_client(span):
            call = call_of_peer(span, services)
            if call is not None:
                found.append(call)
    return found


# Answered calls


def call_of_entry(span: Span) -> Call | None:
    """Return the call at an entry span, which is counted once."""
    above = caller_span(span)
    if not is_named(span) or above is None or above["service"] == span["service"]:
        return None
    half = callers_half(span)
    failed = span["status"] == "error" and (span["kind"] not in ("CLIENT", "PRODUCER") or is_receive(span))
    way = [span, *ancestors(span)]
    steps = way[: next(i for i, at in enumerate(way) if at is above)]
    asynchronous = any(step["follows"] and step["up"] is not None for step in steps)
    asynchronous |= span["kind"] == "CONSUMER" and half is not None and half["kind"] == "PRODUCER"
    return {
        "caller": above["service"],
        "callee": span["service"],
        "async": asynchronous,
        "error": failed or (half is not None and half["status"] == "error"),
        "span": span,
        "inferred": False,
    }


def callers_half(entry: Span) -> Span | None:
    """Find the nearest CLIENT or PRODUCER above the entry in the caller, below the caller's own SERVER or CONSUMER."""
    service = None
    for above in ancestors(entry):
        if not is_named(above):
            continue
        service = service or above["service"]
        if above["service"] != service or above["kind"] in ("SERVER", "CONSUMER"):
            return None
        if above["kind"] in ("CLIENT", "PRODUCER"):
            return above
    return None


# Calls by links


def linked_producers(spans: list[Span], by_id: dict[Any, list[Span]]) -> list[tuple[Span, list[Span]]]:
    """Find spans with the PRODUCER spans of other services that they link to and that are not their ancestors."""
    found = []
    for span in spans:
        producers: list[Span] = []
        for link in span["links"]:
            for other in by_id.get(link, []):
                above = any(other is ancestor for ancestor in ancestors(span))
                new = all(other is not seen for seen in producers)
                elsewhere = calling_service(other) not in ("", span["service"])
                if other["kind"] == "PRODUCER" and is_named(span) and elsewhere and not above and new:
                    producers.append(other)
        found.append((span, producers))
    return found


def call_by_link(span: Span, producer: Span) -> Call:
    failed = span["status"] == "error" and (span["kind"] not in ("CLIENT", "PRODUCER") or is_receive(span))
    return {
        "caller": calling_service(producer),
        "callee": span["service"],
        "async": True,
        "error": failed or producer["status"] == "error",
        "span": span,
        "inferred": False,
    }


# Inferred peers


def is_innermost_client(span: Span) -> bool:
    """Test for an unanswered CLIENT or PRODUCER without another call below it, or a leaf without a kind that names a
    peer.
    """
    if is_receive(span) or not is_outgoing(span):
        return False
    return not span["answered"] and not any(map(is_outgoing, spans_within_call(span)))


def is_outgoing(span: Span) -> bool:
    """Test for a CLIENT or PRODUCER, or a leaf without a kind that names a peer."""
    if span["kind"] is None:
        return not span["down"] and bool(db_system(span) or span["attrs"].get("peer.service"))
    return span["kind"] in ("CLIENT", "PRODUCER")


def is_receive(span: Span) -> bool:
    """Test for a receive span, which is no outgoing call."""
    what = span["attrs"].get("messaging.operation.type") or span["attrs"].get("messaging.operation")
    return span["kind"] == "CONSUMER" or (span["kind"] in ("CLIENT", "INTERNAL") and what in ("receive", "process"))


def call_of_peer(span: Span, services: set[str]) -> Call | None:
    chain = chain_of(span)
    unanswered = list(takewhile(lambda at: not at["answered"], chain))
    named = [at for at in unanswered if names_peer(at)]
    if not named and len(unanswered) < len(chain):
        return None
    said_by = named[-1] if named else next((at for at in unanswered if peer(at)[0]), span)
    name, kind = peer(said_by)
    caller = calling_service(span)
    if not name or not caller:
        return None
    hosts = name, host(said_by)
    known = next((service for service in services if any(is_host_of(at, service) for at in hosts)), None)
    if known == caller:
        return None
    return {
        "caller": caller,
        "callee": known or name,
        "async": said_by["kind"] == "PRODUCER",
        "error": span["status"] == "error",
        "span": span,
        "inferred": known is None,
        "type": None if known else kind,
    }


def calling_service(span: Span) -> str:
    """Return the service of a span, or of the nearest named ancestor of a span without one."""
    above = span if is_named(span) else caller_span(span)
    return above["service"] if above else ""


def chain_of(span: Span) -> list[Span]:
    """Return the span and the CLIENT and PRODUCER spans above it in its service, below its own SERVER or CONSUMER.

    Spans without a service are transparent, whatever their kind.
    """
    chain = [span]
    for above in ancestors(span):
        serves = is_named(above) and above["kind"] in ("SERVER", "CONSUMER")
        if calling_service(above) != calling_service(span) or serves:
            break
        if above["kind"] in ("CLIENT", "PRODUCER"):
            chain.append(above)
    return chain


def is_answered(span: Span) -> bool:
    return any(is_named(other) and other["service"] != calling_service(span) for other in spans_within_call(span))


def spans_within_call(span: Span) -> list[Span]:
    """List the spans below, except for the work of SERVER and CONSUMER spans of its own service."""
    found = []
    for child in span["down"]:
        own = is_named(child) and child["service"] == calling_service(span)
        if not own or child["kind"] not in ("SERVER", "CONSUMER"):
            found += [child, *spans_within_call(child)]
    return found


def names_peer(span: Span) -> bool:
    attrs = span["attrs"]
    keys = ("messaging.system", "service.peer.name", "peer.service", "rpc.system", "rpc.system.name")
    return bool(db_system(span)) or any(attrs.get(key) for key in keys)


def db_system(span: Span) -> str:
    return str(span["attrs"].get("db.system.name") or span["attrs"].get("db.system") or "")


def peer(span: Span) -> tuple[str, str]:
    """Return name and type of a peer, by the first of its attributes that names one."""
    attrs = span["attrs"]
    system, queue = db_system(span), attrs.get("messaging.system") or span["kind"] == "PRODUCER"
    kind = ("cache" if system in CACHES else "database") if system else "queue" if queue else "external"
    named = attrs.get("service.peer.name") or attrs.get("peer.service")
    if named:
        return named, kind
    if system:
        namespace = attrs.get("db.namespace") or attrs.get("db.name")
        if namespace:
            return f"{system}:{namespace}", kind
        return (f"{system}@{host(span)}" if host(span) else system), kind
    if queue:
        destination = attrs.get("messaging.destination.name") or attrs.get("messaging.destination")
        return destination or attrs.get("messaging.system") or host(span), kind
    if attrs.get("rpc.system") or attrs.get("rpc.system.name"):
        return attrs.get("rpc.service") or host(span), kind
    return host(span), kind


def host(span: Span) -> str:
    attrs = span["attrs"]
    url = attrs.get("url.full") or attrs.get("http.url") or ""
    return attrs.get("server.address") or attrs.get("net.peer.name") or urlsplit(url).hostname or ""


def is_host_of(name: str, service: str) -> bool:
    """Test for the bare name of a service, or the name with the suffix of a cluster."""
    return name == service or (name.startswith(service + ".") and name.endswith(SUFFIXES))


# Figures


def edges(found: list[Call]) -> dict[tuple[str, str, bool], Span]:
    groups: dict[tuple[str, str, bool], list[Call]] = defaultdict(list)
    for call in found:
        groups[call["caller"], call["callee"], call["async"]].append(call)
    return {
        key: {
            "call_count": len(group),
            "error_count": sum(call["error"] for call in group),
            "durations": sorted(c["span"]["length"] for c in group if c["span"]["length"] is not None),
        }
        for key, group in groups.items()
    }


def services(traces: list[Span], found: list[Call]) -> dict[str, Span]:
    """Compute service figures: from entry spans, for an inferred peer from its calls."""
    groups: dict[str, list[Span]] = defaultdict(list)
    for trace in traces:
        for span in trace["spans"]:
            if is_entry(span):
                groups[span["service"]].append(span)
    inferred = {call["callee"]: call.get("type") for call in found if call["inferred"]}
    for call in found:
        if call["inferred"]:
            groups[call["callee"]].append(call["span"])
    return {
        name: {
            "call_count": len(spans),
            "error_count": sum(span["status"] == "error" for span in spans),
            "durations": sorted(span["length"] for span in spans if span["length"] is not None),
            "inferred": name in inferred,
            "type": inferred.get(name),
        }
        for name, spans in groups.items()
    }
