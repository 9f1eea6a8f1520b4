"""Resolve addresses and profile names to servers, connect to them, and run searches."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from tracetui.config import Overrides, Profile, config_path, load_config, profile_named
from tracetui.ingest.servers.address import COMPARISON, Address, is_address, parse_address, without_secrets
from tracetui.model.errors import UsageError
from tracetui.model.grafana_page import GrafanaPage, grafana_page
from tracetui.model.search import LAST_NS, Search, combined
from tracetui.model.times import format_duration, parse_duration
from tracetui.model.trace_reference import trace_ids_in

if TYPE_CHECKING:
    # HTTP modules are slow to import, and not needed for files
    from tracetui.ingest.servers.back_end import BackEnd, Warn


_MINUTE = 60
PROFILE_NAME = re.compile(r"[\w.-]{1,64}")
_HOST_AND_PORT = re.compile(r"(?:[\w.-]+|\[[\da-fA-F:.%]+\]):\d{1,5}(?:[/?].*)?")
_MAX_NAMED = 8
_LONGEST_SHOWN = 100
_PATH = re.compile(
    r"~?\.{0,2}/\S*|\S+\.(?:jsonl?|ndjson|gz|zst|pb|bin|otlp|txt|log|csv)|(?![0-9a-fA-F]{32}/|\S*==$)[\w.-]+/\S*"
)
"""Text that looks like a path, even if its name contains an id."""


@dataclass(frozen=True, slots=True)
class Server:
    """Server as a source."""

    name: str
    """Name for display, without secrets."""
    address: Address
    profile: Profile

    def is_unsafe(self, overrides: Overrides) -> bool:
        """Test whether certificates are not verified; for http:// this matters after a redirect."""
        return (overrides.insecure or self.profile.insecure) and not self.address.socket

    @property
    def secret_command(self) -> str:
        """First word of the command that prints the token or the password; '' for none."""
        words = (self.profile.token_command or self.profile.password_command).split(maxsplit=1)
        return words[0] if words else ""

    def search(self, wanted: Search) -> Search:
        """Build the search to run: conditions of the caller, then of the address, then of the profile."""
        profile, shown = self.profile, self.address.search or Search()
        base = Search(
            lookback_ns=parse_duration(profile.lookback) if profile.lookback else None, limit=profile.limit or None
        )
        found = combined(combined(base, shown), wanted)
        if wanted.lookback_ns is not None and wanted.start_ns is None:
            # a requested time range overrides the page's window
            found = msgspec.structs.replace(found, start_ns=None, end_ns=wanted.end_ns)
        if found.start_ns is not None and found.end_ns is not None and found.start_ns >= found.end_ns:
            # one end was requested, and it lies beyond the page's other end
            found = msgspec.structs.replace(found, start_ns=wanted.start_ns, end_ns=wanted.end_ns)
        return found


def server_at(source: str) -> Server | None:
    """Find the server that a source names by address or by a profile of the config file; None for a path.

    Raises UsageError for an unusable address or profile.
    """
    if is_address(source):
        address = parse_address(source)
        return Server(address.shown, address, Profile())
    if not PROFILE_NAME.fullmatch(source) or Path(source).exists():
        return None
    profile = profile_named(source)
    if profile is None:
        return None
    try:
        if not is_address(profile.url):
            raise UsageError("url is not a server address such as http://host:port or unix:/path")
        for duration in filter(None, (profile.lookback, profile.timeout)):
            parse_duration(duration)
        if profile.kind:
            # HTTP modules are slow to import
            from tracetui.ingest.servers.registry import check_kind

            check_kind(profile.kind)
        return Server(source, parse_address(profile.url), profile)
    except UsageError as error:
        raise UsageError(f"{config_path()}: the profile {source}: {error}") from None


@dataclass(frozen=True, slots=True)
class ParsedSources:
    """Paths, servers and trace ids among the sources."""

    paths: list[str]
    servers: list[Server]
    trace_ids: tuple[str, ...] = ()
    """Ids in pasted texts; if there are any, only these traces are loaded, from all servers and files."""
    shows: str = ""
    """Kind of page if there is only one source, as in `Address.shows`."""

    @property
    def colour(self) -> str:
        """Colour of the first profile that has one; '' for none."""
        return next((server.profile.colour for server in self.servers if server.profile.colour), "")

    @property
    def opened_ids(self) -> tuple[str, ...]:
        """Ids of the traces to open: from pasted texts, or from a page that is the only source."""
        if self.trace_ids or self.paths or len(self.servers) != 1:
            return self.trace_ids
        search = self.servers[0].address.search
        return search.trace_ids if search is not None else ()


def parse_sources(sources: Sequence[str]) -> ParsedSources:
    """Sort sources into paths, servers and pasted texts with trace ids (headers, Grafana pages, log lines).

    Raises UsageError for a server with unusable settings, and for a pasted text without a server or file.
    """
    paths, servers, pasted = [], [], []
    for source in sources:
        if _is_pasted(source):
            pasted.append(source)
        elif (server := server_at(source)) is not None:
            servers.append(server)
        else:
            paths.append(source)
    wanted, shows = Search(), ""
    for source in pasted:
        page = grafana_page(source)
        ids = trace_ids_in(source)
        if page is not None and not ids and (page.search is None or not servers):
            raise UsageError(_grafana_error(source, page, bool(servers or paths)))
        if not servers and not paths:
            raise UsageError(_grafana_error(source, page, False) if page is not None else _no_source_error(source, ids))
        if ids:
            wanted = combined(wanted, Search(trace_ids=tuple(dict.fromkeys([*wanted.trace_ids, *ids]))))
            shows = COMPARISON if len(ids) == 2 and len(pasted) == 1 else ""
        elif page is not None and page.search is not None:
            wanted = combined(wanted, page.search)
    if wanted != Search():
        servers = [
            replace(one, address=replace(one.address, search=combined(one.address.search or Search(), wanted)))
            for one in servers
        ]
    elif len(sources) == 1 and servers:
        shows = servers[0].address.shows
    return ParsedSources(paths, servers, wanted.trace_ids, shows)


def _is_pasted(source: str) -> bool:
    """Test whether a source is pasted text with trace ids or a Grafana page, not a file or server."""
    if is_address(source):
        return grafana_page(source) is not None
    if _PATH.fullmatch(source) or not trace_ids_in(source):
        return False
    try:
        return not Path(source).exists()
    except (OSError, ValueError):
        # a log line may be longer than any path
        return True


def _no_source_error(source: str, ids: Sequence[str]) -> str:
    """Return the error for a trace id without a server or file to find it in."""
    return (
        f"{_shortened(source)}: a trace ID without a source; add a server or a file, such as"
        f" tracetui http://jaeger:16686 {ids[0]}{_profiles()}"
    )


def _grafana_error(source: str, page: GrafanaPage, has_others: bool) -> str:
    """Return the error for a Grafana page, which is not a trace server."""
    name = f"{urlsplit(page.base).netloc}: a Grafana page"
    if page.is_short:
        return f"{name} (short link); open it in a browser and copy the full address"
    if not trace_ids_in(source) and page.search is None:
        return f"{name} without a trace or a trace search; open a trace there and copy its address"
    by_proxy = f"; or use {page.proxy}, with a token in TRACETUI_TOKEN" if page.proxy else ""
    if has_others:
        return f"{name} with a TraceQL search, which files do not support; add the address of its Tempo{by_proxy}"
    # imported late, as most sources are files
    from tracetui.ingest.servers.registry import kind_titles

    what = f"trace {trace_ids_in(source)[0]}" if trace_ids_in(source) else "a search"
    return (
        f"{name} with {what}; Grafana itself stores no traces: add the address of its {kind_titles()}, such as"
        f" tracetui http://tempo:3200 'ADDRESS'{by_proxy}"
    )


def _shortened(source: str) -> str:
    return source if len(source) <= _LONGEST_SHOWN else source[:_LONGEST_SHOWN] + "..."


def _profiles() -> str:
    names = list(load_config().profiles)
    return f", or a profile ({', '.join(names[:_MAX_NAMED])})" if names else ""


def suggest_source(source: str) -> str:
    """Return a hint for a source that is neither a path nor a server, to follow "no such file"."""
    if _HOST_AND_PORT.fullmatch(source):
        return f"; did you mean http://{without_secrets(source)}?"
    is_name = PROFILE_NAME.fullmatch(source) and not Path(source).suffix
    return f" or profile{describe_profiles()}" if is_name else ""


def describe_profiles() -> str:
    """List the known profiles and the form of a server's address, to follow "no such profile"."""
    names = list(load_config().profiles)
    named = ", ".join(names[:_MAX_NAMED]) + (f" and {len(names) - _MAX_NAMED} more" if names[_MAX_NAMED:] else "")
    known = f"; known profiles: {named}" if names else ""
    return f"{known}; write a server as http://host:port"


def servers_of(sources: Sequence[str]) -> list[Server]:
    """Return the servers among sources. Raises UsageError as `parse_sources` and `check_credentials` do."""
    servers = parse_sources(sources).servers
    check_credentials(servers)
    return servers


def check_credentials(servers: Sequence[Server]) -> None:
    """Raise UsageError if the credentials in the environment would be sent to several servers.

    They do not name their server, so they could be sent to the wrong one.
    """
    if len({server.address.origin for server in servers}) < 2:
        return
    # HTTP modules are slow to import
    from tracetui.ingest.servers.access import unrestricted_variable

    sent: dict[str, str] = {}
    variable = ""
    for server in servers:
        if found := unrestricted_variable(server.profile):
            variable = variable or found
            sent.setdefault(server.address.origin, server.name)
    if len(sent) > 1:
        raise UsageError(
            f"{variable} would be sent to {' and '.join(sent.values())}; use a profile for each server, with token-env,"
            " or user and password-env (see docs/servers.md)"
        )


def open_back_end(server: Server, overrides: Overrides, warn: Warn) -> BackEnd:
    """Connect to a server and detect its kind. Raises BackEndError and UsageError.

    `warn` is called for deviations from requests and for unreadable data. The caller closes the back end.
    """
    from tracetui.ingest.servers.access import access_to
    from tracetui.ingest.servers.connection import Connection
    from tracetui.ingest.servers.registry import back_end_at

    access = access_to(server.address, server.profile, overrides)
    if access.netrc_fault:
        warn(access.netrc_fault)
    connection = Connection(server.address, access)
    try:
        return back_end_at(connection, server.profile.kind, warn)
    except BaseException:
        connection.close()
        raise


def documents(back_end: BackEnd, search: Search) -> Generator[bytes]:
    """Yield the documents that a back end sends for a search. Raises BackEndError, even after some documents."""
    if search.trace_ids:
        return back_end.traces(search.trace_ids)
    # span times are close to the server's clock: a window by a slow local clock would exclude the newest
    ahead = back_end.connection.clock_ahead
    if abs(ahead) >= _MINUTE:
        difference = format_duration(round(abs(ahead) / _MINUTE) * _MINUTE * 10**9)
        where = "ahead of" if ahead > 0 else "behind"
        back_end.warn(f"the server's clock is {difference} {where} the local clock; the search uses the server's time")
    start, end = search.window(time.time_ns() + round(ahead * 1e9))
    # servers reject times outside this range
    start, end = max(start, 0), min(end, LAST_NS)
    return back_end.search(msgspec.structs.replace(search, start_ns=min(start, end), end_ns=end))


def download(server: Server, overrides: Overrides, warn: Warn) -> bytes:
    """Download the file at an address; `warn` is called if it is incomplete. Raises BackEndError and UsageError."""
    from tracetui.ingest.servers.access import access_to
    from tracetui.ingest.servers.connection import Connection
    from tracetui.ingest.servers.request_errors import CutOffError

    address = server.address
    origin = Address("/".join(address.file.split("/", 3)[:3]), address.socket)
    connection = Connection(origin, access_to(address, server.profile, overrides))
    data = bytearray()
    try:
        for piece in connection.stream(address.file.removeprefix(origin.base)):
            data += piece
    except CutOffError as error:
        if not data:
            raise
        warn(str(error))
    finally:
        connection.close()
    return bytes(data)
