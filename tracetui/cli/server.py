"""`tracetui server`: services, dependency graph and metrics of a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import msgspec
import typer

from tracetui.cli import options as o
from tracetui.cli.output import is_ascii, print_json, print_lines, width_of
from tracetui.cli.progress import servers_among
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.pool import ServerPool
from tracetui.ingest.servers.resolve import describe_profiles
from tracetui.model.errors import BackEndError, UsageError
from tracetui.model.json_decoding import encode_any
from tracetui.model.server_stats import ServerStats
from tracetui.model.times import parse_duration
from tracetui.render.services.server_stats import ServerStatsList, server_stats_title
from tracetui.render.text.ansi import ColourChoice
from tracetui.render.text.glyphs import glyphs_of
from tracetui.render.text.line import Line, Role

_LOOKBACK = "24h"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCommandOptions:
    """Server, services and output options."""

    source: Annotated[str, typer.Argument(metavar="SERVER", help="Address or profile of the server.")]
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE", help="Only these services: their calls and metrics.")
    ] = None
    time_range: Annotated[str, typer.Option("--time-range", metavar="DURATION", help="Time range before now.")] = (
        _LOOKBACK
    )
    json: o.JsonOption = False
    output: o.Output = None
    ascii: o.Ascii = False
    color: o.Color = ColourChoice.AUTO
    width: o.Width = None


def server(options: ServerCommandOptions, access: o.Servers) -> None:
    """Show a server's services, dependency graph and metrics."""
    lookback, output = parse_duration(options.time_range), options.output
    servers = servers_among([options.source], access.overrides())
    if not servers:
        raise UsageError(f"{without_secrets(options.source)}: neither an address nor a profile{describe_profiles()}")
    with closing(ServerPool(servers, access.overrides())) as pool:
        services = pool.back_end(servers[0]).services()
        server_stats = pool.server_stats(options.names or (), lookback)
    if options.names:
        named = set(options.names)
        calls = [one for one in server_stats.dependencies if named & {one.caller, one.callee}]
        server_stats = msgspec.structs.replace(server_stats, dependencies=calls)
    if options.json:
        answer = {"services": services, **msgspec.to_builtins(server_stats)}
        print_json(msgspec.json.format(encode_any(answer)) + b"\n", output, ascii_only=options.ascii)
    else:
        glyphs = glyphs_of(is_ascii(options.ascii) if output is None else options.ascii)
        lines = _text(services, server_stats, ServerStatsList(server_stats, None, glyphs), width_of(options.width))
        print_lines(lines, options.color, output, ascii_only=glyphs.ascii_only)
    if not services and not server_stats.dependencies:
        raise BackEndError(f"{servers[0].name}: no services")


def _text(services: list[str], server_stats: ServerStats, rows: ServerStatsList, width: int) -> Iterator[Line]:
    from tracetui.render.text.safe_text import safe

    yield Line([("Services  ", Role.TITLE), (", ".join(map(safe, services)) or "none", Role.PLAIN)])
    yield Line()
    yield from server_stats_title(server_stats)
    if len(rows):
        yield Line()
        yield rows.heading(width)
        yield from (rows.line(row, width) for row in range(len(rows)))
