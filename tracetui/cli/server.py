"""`tracetui server`: what servers themselves say of their services, as a second opinion beside their traces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

import msgspec
import typer

from tracetui.cli import options as o
from tracetui.cli.output import is_ascii, marks_of, print_json, print_lines, width_of
from tracetui.cli.reach import overrides, servers_among
from tracetui.ingest.asked import Servers
from tracetui.ingest.sources.address import without_secrets
from tracetui.ingest.sources.served import how_to_name_servers
from tracetui.model.any_text import encode_any
from tracetui.model.opinion import Opinion
from tracetui.model.problems import BackEndError, UsageError
from tracetui.model.times import parse_duration
from tracetui.render.ansi import When
from tracetui.render.line import Line, Role
from tracetui.render.opinion_list import OpinionList, opinion_title

_LOOKBACK = "24h"


def server(
    source: Annotated[str, typer.Argument(metavar="SERVER", help="An address, or a profile's name.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE", help="Services to show the metrics of.")
    ] = None,
    time_range: Annotated[
        str, typer.Option("--time-range", metavar="DURATION", help="How far back, counted from now.")
    ] = _LOOKBACK,
    json: o.Json = False,
    output: o.Output = None,
    ascii: o.Ascii = False,  # noqa: A002 - the option's name
    color: o.Color = When.AUTO,
    width: o.Width = None,
) -> None:
    """Ask a server for its services, its own graph of who calls whom, and its metrics, where it has them."""
    lookback = parse_duration(time_range)
    servers = servers_among([source])
    if not servers:
        raise UsageError(f"{without_secrets(source)}: no address and no profile{how_to_name_servers()}")
    with closing(Servers(servers, overrides())) as asked:
        services = asked.back_end(servers[0]).services()
        opinion = asked.opinion(names or (), lookback)
    if json:
        answer = {"services": services, **msgspec.to_builtins(opinion)}
        print_json(msgspec.json.format(encode_any(answer)) + b"\n", output, ascii_only=ascii)
    else:
        marks = marks_of(is_ascii(ascii) if output is None else ascii)
        lines = _text(services, opinion, OpinionList(opinion, None, marks), width_of(width))
        print_lines(lines, color, output, ascii_only=marks.ascii_only)
    if not services and not opinion.dependencies:
        raise BackEndError(f"{servers[0].name}: knows no service")


def _text(services: list[str], opinion: Opinion, rows: OpinionList, width: int) -> Iterator[Line]:
    from tracetui.render.safe_text import safe

    yield Line([("Services  ", Role.TITLE), (", ".join(map(safe, services)) or "none", Role.PLAIN)])
    yield Line()
    yield from opinion_title(opinion)
    if len(rows):
        yield Line()
        yield rows.heading(width)
        yield from (rows.line(row, width) for row in range(len(rows)))
