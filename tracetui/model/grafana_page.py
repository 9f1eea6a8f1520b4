"""Addresses of Grafana's pages: the traces they show, their searches, and their data sources.

Explore stores its state as JSON: in `panes` from 10.0 on, before that in `left`, an object or a list of from, to, data
source and query. Traces Drilldown has `traceId` and `var-filters`, and dashboards have variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from tracetui.model.json_decoding import MALFORMED
from tracetui.model.search import Search, combined, search_from
from tracetui.model.times import UNITS, find_duration, find_moment

_EXPLORE: Final = re.compile(r"(?P<base>.*?)/explore/?")
_DRILLDOWN: Final = re.compile(r"(?P<base>.*?)/a/grafana-exploretraces-app(?:/.*)?")
_DASHBOARD: Final = re.compile(r"(?P<base>.*?)/d(?:-solo)?/[^/]+(?:/[^/]*)?")
_SHORT: Final = re.compile(r"(?P<base>.*?)/goto/[\w-]+")
_OF_DASHBOARDS: Final = re.compile(r"orgId|from|var-.*|viewPanel")
_AGO: Final = re.compile(r"now-(\d{1,5})([smhdw])(?:/[a-z]+)?")
_UNITS: Final = {**UNITS, "w": 7 * UNITS["d"]}
_TRACE_ID_FIELD: Final = "trace:id"
_TRACEQL: Final = re.compile(r"\s*[({]")
_DURATION: Final = re.compile(r"\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?|true|false")
_WORDS: Final = frozenset(("error", "ok", "unset", "server", "client", "producer", "consumer", "internal", "nil"))
"""Values that TraceQL writes without quotes."""
_ANY_VALUE: Final = ("", "all", "All", "$__all")


@dataclass(frozen=True, slots=True)
class GrafanaPage:
    """Contents of a Grafana page."""

    base: str
    """Address of Grafana."""
    texts: tuple[str, ...] = ()
    """Texts that may name traces: queries and variables."""
    search: Search | None = None
    """Its search; None if unknown."""
    data_source: str = ""
    """Uid of its data source; '' if unknown."""
    is_short: bool = False
    """True for a short link, which contains no state."""

    @property
    def proxy(self) -> str:
        """Address at which Grafana forwards requests to the data source; '' if unknown."""
        return f"{self.base}/api/datasources/proxy/uid/{quote(self.data_source)}" if self.data_source else ""


def grafana_page(text: str) -> GrafanaPage | None:
    """Parse the address of a Grafana page; None for other text."""
    if not text[:8].lower().startswith(("http://", "https://")):
        return None
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    if not host or parts.username or parts.password:
        return None
    origin, query = f"{parts.scheme}://{parts.netloc}", parse_qs(parts.query)
    if (found := _EXPLORE.fullmatch(parts.path)) and query.keys() & {"panes", "left", "right"}:
        return _explore_page(origin + found["base"], query)
    if found := _DRILLDOWN.fullmatch(parts.path):
        return _drilldown_page(origin + found["base"], query)
    if (found := _SHORT.fullmatch(parts.path)) and "orgId" in query:
        return GrafanaPage(origin + found["base"], is_short=True)
    if (found := _DASHBOARD.fullmatch(parts.path)) and any(map(_OF_DASHBOARDS.fullmatch, query)):
        texts = [text for key, values in query.items() if key.startswith("var-") for text in values]
        return GrafanaPage(origin + found["base"], tuple(texts))
    return None


def _explore_page(base: str, query: Mapping[str, Sequence[str]]) -> GrafanaPage:
    panes = list(_panes(query))
    queries = [one for pane in panes for one in pane.queries]
    texts = [
        text
        for one in queries
        for key in ("query", "expr")
        # other values in TraceQL may look like ids
        if isinstance(text := one.get(key), str)
        and (key == "expr" or not _TRACEQL.match(text) or _TRACE_ID_FIELD in text)
    ]
    if not panes:
        # perhaps truncated: use the text as it is
        texts = [text for key in ("panes", "left", "right") for text in query.get(key, ())]
    for pane in panes:
        for one in pane.queries:
            search = _query_search(one)
            if search is not None:
                return GrafanaPage(base, tuple(texts), combined(pane.window, search), pane.data_source)
    source = next((pane.data_source for pane in panes if pane.data_source), "")
    return GrafanaPage(base, tuple(texts), None, source)


@dataclass(frozen=True, slots=True)
class _Pane:
    """State of one of Explore's panes."""

    data_source: str
    queries: Sequence[Mapping[str, Any]]
    window: Search


def _panes(query: Mapping[str, Sequence[str]]) -> Iterator[_Pane]:
    for text in query.get("panes", ()):
        found = _decoded(text)
        for pane in found.values() if isinstance(found, dict) else ():
            yield from _pane(pane)
    for key in ("left", "right"):
        for text in query.get(key, ()):
            yield from _pane(_decoded(text))


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except MALFORMED:
        return None


def _pane(pane: Any) -> Iterator[_Pane]:
    if isinstance(pane, list):
        # from, to, data source, queries and display options
        queries = [one for one in pane[3:] if isinstance(one, dict) and not one.keys() & {"ui", "mode"}]
        begin, end, source = [*pane, "", "", ""][:3]
    elif isinstance(pane, dict):
        listed = pane.get("queries")
        queries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        window = pane.get("range")
        begin, end = (window.get("from"), window.get("to")) if isinstance(window, dict) else ("", "")
        source = pane.get("datasource")
    else:
        return
    named = [one["datasource"] for one in queries if isinstance(one.get("datasource"), dict)]
    uid = named[0].get("uid", source) if named else source
    yield _Pane(uid if isinstance(uid, str) else "", queries, _window(begin, end))


def _window(begin: object, end: object) -> Search:
    """Read the time range of a page, such as `now-1h` or absolute times."""
    ago = _AGO.fullmatch(str(begin))
    if ago is not None:
        return Search(lookback_ns=int(ago[1]) * _UNITS[ago[2]])
    return Search(start_ns=find_moment(str(begin)), end_ns=find_moment(str(end)))


def _query_search(query: Mapping[str, Any]) -> Search | None:
    """Read the search of a Tempo, Jaeger or Zipkin query; None for a single trace, a metric or logs."""
    text, filters = query.get("query"), query.get("filters")
    found = Search()
    if isinstance(text, str) and _TRACEQL.match(text):
        found = Search(expression=text.strip())
    elif isinstance(filters, list) and (traceql := _traceql([one for one in filters if isinstance(one, dict)])):
        found = Search(expression=traceql)
    else:
        named: dict[str, Any] = {
            name: value
            for name, keys in (("service", ("service", "serviceName")), ("operation", ("operation", "spanName")))
            for key in keys
            if isinstance(value := query.get(key), str) and value not in _ANY_VALUE
        }
        lengths = {
            name: find_duration(value)
            for name, key in (("least_ns", "minDuration"), ("most_ns", "maxDuration"))
            if isinstance(value := query.get(key), str) and value
        }
        found = search_from({**named, **lengths})
    if found == Search():
        return None
    limit = query.get("limit")
    return combined(found, Search(limit=limit)) if isinstance(limit, int) and limit > 0 else found


def _traceql(filters: Sequence[Mapping[str, Any]]) -> str:
    """Convert the filters of Grafana's query builder to TraceQL; '' for none."""
    conditions = []
    for one in filters:
        tag, scope, operator, given = (one.get(key) for key in ("tag", "scope", "operator", "value"))
        values = [
            value for value in (given if isinstance(given, list) else [given]) if isinstance(value, str) and value
        ]
        if not isinstance(tag, str) or not tag or not values:
            continue
        name = f"{scope}.{tag}" if scope in ("resource", "span") else tag if scope == "intrinsic" else f".{tag}"
        alternatives = [f"{name}{operator or '='}{_literal(value)}" for value in values]
        conditions.append(alternatives[0] if len(alternatives) == 1 else f"({' || '.join(alternatives)})")
    return f"{{{' && '.join(conditions)}}}" if conditions else ""


def _drilldown_page(base: str, query: Mapping[str, Sequence[str]]) -> GrafanaPage:
    window = _window(*(query.get(key, [""])[0] for key in ("from", "to")))
    conditions = []
    for text in query.get("var-filters", ()):
        key, _, rest = text.partition("|")
        operator, _, value = rest.partition("|")
        if key and operator and value:
            conditions.append(f"{key}{operator}{_literal(value.partition(',')[0])}")
    search = combined(window, Search(expression=f"{{{' && '.join(conditions)}}}")) if conditions else None
    return GrafanaPage(base, tuple(query.get("traceId", ())), search, query.get("var-ds", [""])[0])


def _literal(value: str) -> str:
    """Format a value in TraceQL; text that is not a keyword is quoted."""
    plain = value in _WORDS or _NUMBER.fullmatch(value) or _DURATION.fullmatch(value)
    return value if plain else msgspec.json.encode(value).decode()
