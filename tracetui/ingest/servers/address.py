"""Addresses of back ends and of their web pages: the server, and the search that a page shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from tracetui.model.errors import UsageError
from tracetui.model.json_decoding import MALFORMED
from tracetui.model.search import Search, search_from
from tracetui.model.times import find_duration, find_moment

_SCHEMES: Final = re.compile(r"(https?://|unix:)", re.IGNORECASE)
_UNIX: Final = re.compile(r"unix:(?://)?(?P<socket>/[^:?#]+)(?::(?P<rest>/[^#]*))?", re.IGNORECASE)
_FILE: Final = re.compile(r".+\.(?:jsonl?|ndjson|gz|zst|pb|bin|otlp)", re.IGNORECASE)
_ID: Final = r"[0-9A-Za-z+_=%-]+"
_PAGES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<base>.*?)/zipkin/traces/(?P<ids>{_ID})",
        rf"(?P<base>.*?)/zipkin/api/v[12]/trace/(?P<ids>{_ID})",
        rf"(?P<base>.*?)/api/v2/trace/(?P<ids>{_ID})",
        rf"(?P<base>.*?)/api/(?:v[23]/)?traces/(?P<ids>{_ID})",
        rf"(?P<base>.*?)/trace/(?P<ids>(?:{_ID}|\.\.\.)+)",
        r"(?P<base>.*?)/(?:zipkin/)?api/(?:v[123]/)?(?:traces|trace-summaries|services|search|dependencies|operations)",
        r"(?P<base>.*?)/api(?:/v[123])?",
        r"(?P<base>.*?)/zipkin(?:/(?:(?P<page>dependency)|api(?:/v2)?))?",
        r"(?P<base>.*?)/(?P<page>search|dependencies|monitor|compare|system-architecture)",
        r"(?P<base>.*?)",
    )
)
"""Paths of pages and requests. The first match wins, and the text before it is the server's address."""
COMPARISON, SERVICES = "comparison", "services"
_PAGE_KINDS: Final = {
    "compare": COMPARISON,
    "dependency": SERVICES,
    "dependencies": SERVICES,
    "system-architecture": SERVICES,
}
"""Kinds of pages other than traces."""
_TEXTS: Final = msgspec.json.Decoder(dict[str, str])
_NS: Final = {"us": 1_000, "ms": 1_000_000}
_SEARCH_PARAMETERS: Final = {
    "service": ("service", "serviceName", "query.serviceName", "query.service_name"),
    "operation": ("operation", "spanName", "query.operationName", "query.operation_name"),
    "limit": ("limit", "query.searchDepth", "query.num_traces"),
    "least_ns": ("minDuration", "query.durationMin", "query.duration_min"),
    "most_ns": ("maxDuration", "query.durationMax", "query.duration_max"),
    "expression": ("q",),
    "start_ns": ("start", "startTs", "startTime", "query.startTimeMin", "query.start_time_min"),
    "end_ns": ("end", "endTs", "endTime", "query.startTimeMax", "query.start_time_max"),
    "lookback_ns": ("millis", "lookback"),
    "attributes": ("tags", "query.attributes", "tag", "annotationQuery"),
    "trace_ids": ("cohort", "traceID"),
}
"""Query parameters that describe a search, by field."""
_KEYS: Final = frozenset(key for keys in _SEARCH_PARAMETERS.values() for key in keys)
_LOGFMT: Final = re.compile(r'([^\s="]+)=(?:"([^"]*)"|([^\s"]+))')
_SECRET_KEY: Final = re.compile(
    r"token|secret|passw|pwd|key|auth|sig|cred|session|jwt|cookie|policy|code|^pass$|^sid$", re.IGNORECASE
)
_LONGEST_HARMLESS: Final = 8
"""Longest value that is considered harmless if its key does not suggest a secret."""
_PATH_PARAMETER: Final = re.compile(r";([^;/?#]+)")
_HIDDEN: Final = "***"


@dataclass(frozen=True, slots=True)
class Address:
    """A server, and the page or search that the address points to."""

    base: str
    """`https://host:port/path`, without a slash at the end."""
    socket: str = ""
    """Path of a Unix socket, '' for none; with a socket the host of `base` is meaningless."""
    search: Search | None = None
    """Search of the page; None if it has none."""
    file: str = ""
    """The whole address, if it looks like that of a file."""
    shows: str = ""
    """Kind of page: COMPARISON of two traces, or SERVICES for a service graph; '' for traces."""

    @property
    def host(self) -> str:
        return urlsplit(self.base).hostname or ""

    @property
    def origin(self) -> str:
        """Address without a path, which identifies the server."""
        return self.socket or "/".join(self.base.split("/", 3)[:3])

    @property
    def shown(self) -> str:
        if not self.socket:
            return _without_parameters(self.base)
        path = self.base.removeprefix("http://localhost")
        return f"unix:{self.socket}" + (f":{path}" if path else "")


def is_address(source: str) -> bool:
    """Test whether a source is an address, not a path."""
    return _SCHEMES.match(source) is not None


def parse_address(text: str) -> Address:
    """Parse an address. Raises UsageError for an unusable one; the message contains no secrets."""
    text = text.strip()
    socket = ""
    if text[:5].lower() == "unix:":
        found = _UNIX.fullmatch(text)
        if found is None:
            raise UsageError("write a Unix socket as unix:/path/to/socket, followed by :/path for a base path")
        socket, text = found["socket"], "http://localhost" + (found["rest"] or "")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"{without_secrets(text)}: not a server address") from None
    if parts.username or parts.password:
        raise UsageError(
            "a password in an address is visible to every user of this machine; remove it and set TRACETUI_USER and"
            " TRACETUI_PASSWORD or TRACETUI_TOKEN, or use ~/.netrc or a profile (see docs/servers.md)"
        )
    if not parts.hostname:
        raise UsageError(f"{without_secrets(text)}: no host in this address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origin = f"{parts.scheme.lower()}://{host}" + (f":{port}" if port is not None else "")
    path = parts.path.rstrip("/")
    page = next(found for pattern in _PAGES if (found := pattern.fullmatch(path)))
    named = page.groupdict("")
    ids, shows = named.get("ids", ""), _PAGE_KINDS.get(named.get("page", ""), "")
    if ids:
        search: Search | None = Search(trace_ids=tuple(filter(None, unquote(ids).split("..."))))
        shows = COMPARISON if "..." in ids else ""
    else:
        search = _search(parse_qs(parts.query), is_zipkin="zipkin" in path or path.endswith("/api/v2/traces"))
        if search and search.start_ns is not None and search.end_ns is not None and search.start_ns > search.end_ns:
            raise UsageError(f"{without_secrets(text)}: the page's time range ends before it begins")
    file = text if _FILE.fullmatch(path) and not ids else ""
    if file and _HIDDEN in file:
        raise UsageError(f"{file}: the value shown as {_HIDDEN} may be a secret and was not saved; enter it again")
    return Address(origin + page["base"], socket, search, file, shows)


def without_secrets(source: str) -> str:
    """Make a source safe to show and save: parts of an address that may be secrets become ***."""
    try:
        parts = urlsplit(source)
        is_valid = bool(parts.hostname and parts.username is None) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        # a password may contain characters that otherwise end the host
        source = re.sub(r"//.*@", f"//{_HIDDEN}@", source, flags=re.DOTALL)
        source = re.sub(r"^[^/:]+:[^/]+@", f"{_HIDDEN}@", source)
    base, separator, query = re.split(r"([?#])", source, maxsplit=1) if re.search(r"[?#]", source) else (source, "", "")
    shown = [piece if at % 2 or not _secret_in(piece) else _hidden(piece) for at, piece in enumerate(_pieces(query))]
    return _without_parameters(base) + separator + "".join(shown)


def _without_parameters(base: str) -> str:
    """Hide the parameters of a path that may be secrets: `/jaeger;jsessionid=...`."""
    return _PATH_PARAMETER.sub(lambda found: ";" + (_hidden(found[1]) if _secret_in(found[1]) else found[1]), base)


def secrets_in(source: str) -> list[str]:
    """List the secrets that `without_secrets` removes from the query of an address, also in decoded form."""
    query = re.split(r"[?#]", source, maxsplit=1)[1:]
    found = [secret for piece in _pieces("".join(query))[::2] if (secret := _secret_in(piece))]
    return [*found, *map(unquote, found)]


def _pieces(query: str) -> list[str]:
    """Split a query into its pieces and the separators between them."""
    return re.split(r"([?&#;])", query)


def _secret_in(piece: str) -> str:
    """Return the part of `key=value` that may be a secret; '' for none."""
    key, has_value, value = piece.partition("=")
    name = unquote(key)
    if name in _KEYS:
        return ""
    if not has_value:
        key, value = "", piece
    return value if len(value) > _LONGEST_HARMLESS or (key and _SECRET_KEY.search(name)) else ""


def _hidden(piece: str) -> str:
    key, has_value, _ = piece.partition("=")
    return key + has_value + _HIDDEN if has_value else _HIDDEN


def _search(query: dict[str, list[str]], *, is_zipkin: bool) -> Search | None:
    """Read the search from the query of a page or a request of Jaeger, Zipkin or Tempo."""
    if not query:
        return None
    found: dict[str, object] = {}

    def set_from(name: str, read: Callable[[str], object]) -> None:
        text = next((query[key][0] for key in _SEARCH_PARAMETERS[name] if query.get(key)), "")
        value = read(text) if text else None
        if value not in (None, "", {}):
            found[name] = value

    set_from("service", str)
    set_from("operation", str)
    if found.get("service") == "all":
        del found["service"]
    if found.get("operation") == "all":
        del found["operation"]
    set_from("limit", lambda text: _number(text, 1) or None)
    for name in ("least_ns", "most_ns"):
        set_from(name, lambda text: _number(text, _NS["us"]) if is_zipkin and text.isdigit() else find_duration(text))
    set_from("expression", str)
    set_from("start_ns", find_moment)
    set_from("end_ns", find_moment)
    if "start_ns" not in found:
        set_from("lookback_ns", lambda text: _number(text, _NS["ms"]) or find_duration(text))
    attributes = _attributes(query)
    for name, key in (("service", "service.name"), ("operation", "name")):
        # names in Tempo's pages and requests
        if key in attributes and "tags" in query and not found.get(name):
            found[name] = attributes.pop(key)
    if attributes.get("error") in ("", "true"):
        found["errors"] = True
        del attributes["error"]
    if attributes:
        found["attributes"] = attributes
    trace_ids = [text for key in _SEARCH_PARAMETERS["trace_ids"] for text in query.get(key, ()) if text]
    if trace_ids:
        found["trace_ids"] = trace_ids
    return search_from(found) if found else None


def _number(text: str, unit: int) -> int | None:
    return int(text) * unit if text.isdigit() and len(text) < 20 else None


def _attributes(query: dict[str, list[str]]) -> dict[str, str]:
    """Read the attribute conditions of Jaeger, Zipkin or Tempo; '' as a value means that the key must exist."""
    found: dict[str, str] = {}
    for text in (*query.get("tags", ()), *query.get("query.attributes", ())):
        try:
            found |= _TEXTS.decode(text)
        except MALFORMED:
            # Tempo's form: key=value key="a value"
            found |= {key: value or quoted for key, quoted, value in _LOGFMT.findall(text)}
    found |= dict(text.split(":", 1) for text in query.get("tag", ()) if ":" in text)
    for text in query.get("annotationQuery", ()):
        pairs = (part.partition("=") for part in text.split(" and "))
        found |= {key.strip(): value.strip() for key, _, value in pairs if key.strip()}
    return found
