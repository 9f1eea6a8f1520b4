"""`tracetui SOURCE...`: open sources on the screen, or print a report without a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from tracetui.cli import options as o
from tracetui.cli.open_screen import open_on_screen


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOptions:
    """Sources, and the initial state of the screen."""

    sources: Annotated[list[str] | None, typer.Argument(metavar="SOURCE", help=o.SOURCES_HELP)] = None
    resume: Annotated[bool, typer.Option("--resume", help="Return to where the last session ended.")] = False
    logs: o.Logs = None


def open_sources(selection: o.Selection, options: OpenOptions, look: o.ScreenLook, servers: o.Servers) -> None:
    """Open traces on the screen; without a terminal, print the report."""
    code = open_on_screen(
        options.sources or [],
        resume=options.resume,
        selection=selection,
        logs=options.logs or (),
        ascii_only=look.ascii,
        local_time=look.local_time,
        theme=look.theme,
        mouse=not look.no_mouse,
        overrides=servers.overrides(),
    )
    if code:
        raise typer.Exit(code)
