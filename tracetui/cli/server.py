"""`tracetui server`: services, dependency graph and metrics of a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

import msgspec
import typer

from tracetui.cli import options as o
from tracetui.cli.output import glyphs_of, is_ascii, print_json, print_lines, width_of
from tracetui.cli.server_options import overrides, servers_among
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.pool import ServerPool
from tracetui.ingest.servers.resolve import describe_profiles
from tracetui.model.decoding import encode_any
from tracetui.model.errors import BackEndError, UsageError
from tracetui.model.server_stats import ServerStats
from tracetui.model.times import parse_duration
from tracetui.render.services.server_stats import ServerStatsList, server_stats_title
from tracetui.render.text.ansi import When
from tracetui.render.text.line import Line, Role

_LOOKBACK = "24h"


def server(
    source: Annotated[str, typer.Argument(metavar="SERVER", help="Address or profile of the server.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE", help="Services whose metrics to show.")
    ] = None,
    time_range: Annotated[
        str, typer.Option("--time-range", metavar="DURATION", help="Time range, back from now.")
    ] = _LOOKBACK,
    json: o.JsonOption = False,
    output: o.Output = None,
    ascii: o.Ascii = False,  # noqa: A002 - the option's name
    color: o.Color = When.AUTO,
    width: o.Width = None,
) -> None:
    """Show a server's services, dependency graph and metrics."""
    lookback = parse_duration(time_range)
    servers = servers_among([source])
    if not servers:
        raise UsageError(f"{without_secrets(source)}: neither an address nor a profile{describe_profiles()}")
    with closing(ServerPool(servers, overrides())) as asked:
        services = asked.back_end(servers[0]).services()
        server_stats = asked.server_stats(names or (), lookback)
    if json:
        answer = {"services": services, **msgspec.to_builtins(server_stats)}
        print_json(msgspec.json.format(encode_any(answer)) + b"\n", output, ascii_only=ascii)
    else:
        glyphs = glyphs_of(is_ascii(ascii) if output is None else ascii)
        lines = _text(services, server_stats, ServerStatsList(server_stats, None, glyphs), width_of(width))
        print_lines(lines, color, output, ascii_only=glyphs.ascii_only)
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
