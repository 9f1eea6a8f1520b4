"""`tracetui demo` and `tracetui samples`: the bundled traces."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from tracetui.cli import options as o
from tracetui.cli.open import OpenOptions, open_sources
from tracetui.cli.open_screen import has_screen
from tracetui.cli.plain_output import print_plain
from tracetui.model.errors import InputError, UsageError

_DEMO = Path("incident", "before.json")


def sample_folder() -> Path:
    """Find the folder of the bundled samples: in the package if installed, next to it in a checkout."""
    package = Path(str(files("tracetui")))
    for folder in (package / "sample_traces", package.parent / "sample_traces"):
        if (folder / _DEMO).is_file():
            return folder
    raise InputError("the sample traces are not installed")


def demo(look: o.ScreenLook) -> None:
    """Open the bundled incident.

    The traces show a page that is slow and sometimes fails.
    """
    sources = [str(sample_folder() / _DEMO)]
    open_sources(o.Selection(), OpenOptions(sources=sources), look, o.Servers())
    if has_screen():
        # the terminal may be gone
        with contextlib.suppress(UsageError):
            print_plain(_next_steps(_command()))


def _command() -> str:
    """Return what starts this program: its name if the shell finds it by that, otherwise its path."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m tracetui"
    found = shutil.which(program.name)
    if found is not None and os.path.realpath(found) == os.path.realpath(program):
        return program.name
    return shlex.quote(str(program))


def _next_steps(command: str) -> str:
    steps = [
        ("traces.json", "a file"),
        ("http://localhost:16686", "a server: Jaeger, Zipkin, Tempo"),
        ("--resume", "continue where you left off"),
        ("--help", "all commands"),
    ]
    width = max(len(arguments) for arguments, _ in steps)
    return "\n".join(["Open your own traces:", *(f"  {command} {a:{width}}  {what}" for a, what in steps)])


def samples() -> None:
    """Print the folder of the bundled sample traces.

    The README.md in it describes them.
    """
    print_plain(str(sample_folder()))
