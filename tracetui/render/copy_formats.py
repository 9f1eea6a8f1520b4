"""Formats of the copy menu: a span as JSON or as a curl command, and a waterfall as text, Markdown or for Slack."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import numpy as np

from tracetui.analysis.critical_path import critical_paths
from tracetui.analysis.error_messages import error_message
from tracetui.analysis.network import network_times
from tracetui.model.secrets import names_secret
from tracetui.model.span import Attributes, Span, Value
from tracetui.model.trace_page import TraceLinks
from tracetui.model.traces import TraceSet
from tracetui.render.report.markdown import trace_markdown
from tracetui.render.report.slack_message import trace_slack
from tracetui.render.text.attributes import plain, to_json
from tracetui.render.text.glyphs import Glyphs
from tracetui.render.waterfall.document import waterfall_text
from tracetui.render.waterfall.waterfall import Waterfall

_WATERFALL_WIDTH = 100
_WATERFALL_ROWS = 200
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_METHOD = ("http.request.method", "http.method")
_URL = ("url.full", "http.url")
_SCHEME = ("url.scheme", "http.scheme")
_HOST = ("http.host", "server.address", "net.peer.name", "net.host.name")
_PORT = ("server.port", "net.peer.port", "net.host.port")
_PATH = ("url.path", "http.target", "http.route")


def span_json(span: Span) -> str:
    """Return the whole span as JSON."""
    document: dict[str, Any] = asdict(span)
    document["kind"], document["status"] = span.kind.name.lower(), span.status.name.lower()
    document["events"] = [plain(event) for event in span.events]
    document["links"] = [plain(link) for link in span.links]
    del document["flags"]
    return to_json(document, indent=2)


def curl_line(attributes: Attributes) -> str | None:
    """Format the span's HTTP request as a shell command; None if its URL is unknown.

    Headers that look like secrets are omitted; query parameters that look like secrets are redacted.
    """
    url = _url(attributes)
    if url is None:
        return None
    words = ["curl"]
    method = _first(attributes, _METHOD).upper()
    if method == "HEAD":
        words.append("--head")
    elif method != "GET" and method.isalpha() and method.isascii():
        words += ["-X", method]
    if any(character in url for character in "[]{}"):
        words.append("--globoff")
    for key, value in sorted(attributes.items()):
        name = key.removeprefix("http.request.header.").replace("_", "-").lower()
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        if name == key or not isinstance(text, str) or not _TOKEN.fullmatch(name):
            continue
        if not names_secret(name) and not _CONTROLS.search(text) and "\n" not in text:
            words += ["-H", f"{name}: {text}"]
    return " ".join(map(shlex.quote, [*words, url]))


def _url(attributes: Attributes) -> str | None:
    url = _first(attributes, _URL)
    if not url:
        host, path = _first(attributes, _HOST), _first(attributes, _PATH)
        if not host or not path:
            return None
        port = _first(attributes, _PORT)
        if port.isdecimal() and ":" not in host and port not in ("80", "443"):
            host = f"{host}:{port}"
        query = _first(attributes, ("url.query",))
        url = f"{_first(attributes, _SCHEME) or 'http'}://{host}/{path.lstrip('/')}"
        if query and "?" not in url:
            url += f"?{query.removeprefix('?')}"
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    query = parts.query
    if any(names_secret(name) for name, _ in parse_qsl(query, keep_blank_values=True)):
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(name, "REDACTED" if names_secret(name) else value) for name, value in pairs])
    host = parts.netloc.rpartition("@")[2]
    clean = urlunsplit((parts.scheme, host, parts.path, query, ""))
    return quote(clean, safe="!#$%&'()*+,/:;=?@[]~{}|", errors="replace")


def _first(attributes: Mapping[str, Value], keys: tuple[str, ...]) -> str:
    values = (attributes.get(key) for key in keys)
    return next((str(value) for value in values if isinstance(value, (str, int)) and value != ""), "")


class TraceForm(Enum):
    """Form of a copied trace."""

    TEXT = "text"
    MARKDOWN = "Markdown"
    SLACK = "Slack"


def trace_copy(
    traces: TraceSet, trace: int, form: TraceForm, glyphs: Glyphs, *, local_time: bool, links: TraceLinks
) -> str:
    """Return the waterfall of a trace in a form for other programs."""
    paths = critical_paths(traces.select(np.array([trace])))
    spans, starts, ends = paths.sections_of(0)
    view = Waterfall(
        traces,
        trace,
        sections=(spans + int(traces.first[trace]), starts, ends),
        glyphs=glyphs,
        message_of=lambda span: error_message(traces, span),
        network=network_times(traces),
    )
    match form:
        case TraceForm.MARKDOWN:
            return trace_markdown(view, _WATERFALL_WIDTH, _WATERFALL_ROWS, local_time, links)
        case TraceForm.SLACK:
            return trace_slack(view, local_time, links)
    lines = waterfall_text(
        view,
        _WATERFALL_WIDTH,
        max_rows=_WATERFALL_ROWS,
        local_time=local_time,
        hint="tracetui show --all shows every span",
    )
    return "\n".join(line.text.rstrip() for line in lines) + "\n"
