"""`tracetui SOURCE...`: open sources on the screen, or print a report without a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from tracetui.cli import options as o
from tracetui.cli.screen import open_on_screen
from tracetui.cli.server_options import overrides
from tracetui.config import Overrides


def open_sources(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help=o.SOURCES_HELP,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Return to where the last session ended.")] = False,
    query: o.QueryText = None,
    exact_names: o.ExactNames = False,
    logs: o.Logs = None,
    ascii: o.Ascii = False,  # noqa: A002 - the option's name
    local_time: o.LocalTime = False,
    theme: o.ThemeOption = "",
    no_mouse: o.NoMouse = False,
) -> None:
    """Open traces on the screen; without a terminal, print the report."""
    code = open_on_screen(
        sources or [],
        resume=resume,
        query=query,
        exact_names=exact_names,
        logs=logs or (),
        ascii_only=ascii,
        local_time=local_time,
        theme=theme,
        mouse=not no_mouse,
        overrides=overrides() if overrides() != Overrides() else None,
    )
    if code:
        raise typer.Exit(code)
