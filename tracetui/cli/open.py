"""`tracetui SOURCE...`: open sources on the screen, or report on them where there is no screen."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import Annotated

import typer

from tracetui.cli import options as o
from tracetui.model.problems import UsageError


def open_sources(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE", help="Files, directories, patterns, or - for standard input."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Come back to where you were.")] = False,
    ascii: o.Ascii = False,  # noqa: A002 - the option's name
    local_time: o.LocalTime = False,
    theme: Annotated[
        str, typer.Option("--theme", metavar="NAME", help="textual-dark, textual-light, ansi-dark or high-contrast.")
    ] = "",
    no_mouse: Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")] = False,
) -> None:
    """Open traces: the screen on a terminal, the report anywhere else."""
    found = sources or []
    if not found and not resume:
        raise UsageError("nothing to open: name a file, a directory, a pattern or -")
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        if resume and not found:
            raise UsageError("--resume needs a terminal")
        from tracetui.cli.analyze import analyze

        analyze(found, ascii=ascii, local_time=local_time)
        return
    from tracetui.tui.run import run_app
    from tracetui.tui.settings import load_resume, load_settings

    settings = load_settings()
    settings = dataclasses.replace(
        settings,
        theme=theme or settings.theme,
        ascii_only=ascii or settings.ascii_only or not (sys.stdout.encoding or "").lower().startswith("utf"),
        local_time=local_time or settings.local_time,
        mouse=settings.mouse and not no_mouse,
    )
    last = load_resume() if resume else None
    code = run_app(found or (last.sources if last else []), settings, last)
    if code:
        raise typer.Exit(code)
