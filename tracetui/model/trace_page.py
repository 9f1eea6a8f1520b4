"""Web pages of traces: those of a back end, those of Grafana, and those that the config file names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from tracetui.model.errors import UsageError

ID: Final = "{id}"
"""Placeholder for the trace id in a template."""
_PART: Final = r"[^\x00-\x20\x7f-\U0010ffff<>\"'`|\\^{}]"
_TEMPLATE: Final = re.compile(rf"(?i:https?)://{_PART}+{{id}}{_PART}*")
_GRAFANA_PROXY: Final = re.compile(r"(?P<base>.*)/api/datasources/proxy/uid/(?P<uid>[^/]+)(?:/.*)?")
_QUERIES: Final = {"tempo": ("traceql", "query"), "jaeger": (None, "query"), "zipkin": ("traceID", "query")}
"""Type of query, and key of the trace id, in Explore; by the kind of data source."""


def check_template(template: str) -> None:
    """Raise UsageError for an unusable template; '' is usable."""
    if template and not _TEMPLATE.fullmatch(template):
        raise UsageError(f"ui is not an address with {ID}, such as https://jaeger.example.com/trace/{ID}")


def template_at(base: str, path: str) -> str:
    """Return the template for pages at a path below a server's address, with the id last; '' without a path."""
    template = f"{base}{path}/{ID}" if path else ""
    return template if _TEMPLATE.fullmatch(template) else ""


def grafana_template(base: str, kind: str) -> str:
    """Return the template for pages in Explore if Grafana forwards requests to the server at `base`; else ''.

    kind: of data source: "tempo", "jaeger" or "zipkin". The format is that of Grafana 10 and later.
    """
    found = _GRAFANA_PROXY.fullmatch(base)
    if found is None or kind not in _QUERIES:
        return ""
    query_type, key = _QUERIES[kind]
    source = unquote(found["uid"])
    query = {"refId": "A", "datasource": {"type": kind, "uid": source}, key: "\0"}
    if query_type is not None:
        query["queryType"] = query_type
    panes = {"a": {"datasource": source, "queries": [query], "range": {"from": "now-1h", "to": "now"}}}
    encoded = quote(msgspec.json.encode(panes).decode())
    template = f"{found['base']}/explore?schemaVersion=1&orgId=1&panes={encoded.replace(quote(_NUL), ID)}"
    return template if _TEMPLATE.fullmatch(template) else ""


_NUL: Final = msgspec.json.encode("\0").decode().strip('"')


def page_of(template: str, trace_id: str) -> str:
    """Return the address of a trace's page; '' without a template."""
    return template.replace(ID, quote(trace_id, safe="")) if template else ""


def common_template(templates: Sequence[str], sources: int) -> str:
    """Return the template of all traces; '' if it is not known which of several sources has a trace.

    templates: those of the servers that were searched; sources: number of all sources, as some may be files.
    """
    return templates[0] if len(templates) >= sources and len(set(templates)) == 1 else ""


@dataclass(frozen=True, slots=True)
class TraceLinks:
    """Ways to the same trace elsewhere, for texts that leave the program; '' for unknown ones."""

    page: str = ""
    """Address of its web page."""
    command: str = ""
    """Command that shows it; may be from outside."""
