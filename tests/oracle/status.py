"""Error rule and message of one record.

Interpretations where the definition leaves room:

- gRPC: the server's list of codes applies to a SERVER, the client's to every other kind.
- A code whose text is neither a number nor a gRPC name counts as missing.
- The last fallback for the message is the deciding code: the gRPC name, or `HTTP <code>`.
- The text of a tag `error` has the precedence of Zipkin's.
"""

from __future__ import annotations

from typing import Any

Span = dict[str, Any]

GRPC = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED "
    "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS "
    "UNAUTHENTICATED"
).split()
GRPC_KEYS = (
    "rpc.status_code",
    "rpc.response.status_code",
    "rpc.grpc.status_code",
    "grpc.status_code",
    "grpc-status",
)
HTTP_KEYS = ("http.response.status_code", "http.status_code")
SERVER_FAULTS = {2, 4, 12, 13, 14, 15}


def status_of(span: Span) -> str:
    """Return "error", "ok" (only if the status itself states it) or "unset", by the first deciding attribute."""
    code = span["code"] or str(span["attrs"].get("otel.status_code", "")).lower()
    if code in ("ok", "error"):
        return str(code)
    if "error" in span["attrs"]:
        value = str(span["attrs"]["error"]).strip().lower()
        return "unset" if value in ("false", "0", "") else "error"
    code = grpc_code(span)
    if code is not None:
        faulty = code in SERVER_FAULTS if span["kind"] == "SERVER" else code != 0
        return "error" if faulty else "unset"
    code = http_code(span)
    if code is not None:
        return "error" if code >= 500 else "unset"
    return "error" if span["attrs"].get("error.type") else "unset"


def grpc_code(span: Span) -> int | None:
    for key in GRPC_KEYS:
        text = str(span["attrs"].get(key, "")).strip().upper()
        if text in GRPC:
            return GRPC.index(text)
        if text.isdigit():
            return int(text)
    return None


def http_code(span: Span) -> int | None:
    for key in HTTP_KEYS:
        text = str(span["attrs"].get(key, "")).strip()
        if text.isdigit():
            return int(text)
    return None


def message(span: Span) -> str:
    """Return the first message that is not empty."""
    attrs = span["attrs"]
    code = [span["message"], attrs.get("otel.status_description", "")]
    tag = attrs.get("error", "")
    if isinstance(tag, str) and tag.strip().lower() not in ("true", "1", "yes", "false", "0", ""):
        code.append(tag)
    for name, event in reversed(span["events"]):
        if name == "exception":
            parts = [event.get("exception.type", ""), event.get("exception.message", "")]
            code.append(": ".join(part for part in parts if part))
            break
    for _, event in span["events"]:
        if event.get("event") == "error":
            code += [event.get(key, "") for key in ("error.object", "message", "error.kind", "stack")]
    code += [attrs.get(key, "") for key in ("error.message", "error.msg", "exception.message")]
    code += [attrs.get(key, "") for key in ("http.status_text", "http.status_message", "error.type")]
    grpc, http = grpc_code(span), http_code(span)
    if grpc:
        code.append(GRPC[grpc])
    if http is not None:
        code.append(f"HTTP {http}")
    return next((str(text) for text in code if str(text).strip()), "")
