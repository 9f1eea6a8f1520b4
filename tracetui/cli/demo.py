"""`tracetui demo` and `tracetui samples`: the bundled traces."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from tracetui.cli import options as o
from tracetui.cli.open import OpenOptions, open_sources
from tracetui.cli.plain_output import print_plain
from tracetui.model.errors import InputError

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


def samples() -> None:
    """Print the folder of the bundled sample traces.

    The README.md in it describes them.
    """
    print_plain(str(sample_folder()))
