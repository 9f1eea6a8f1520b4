"""`tracetui SOURCE...`: open sources."""

from __future__ import annotations

from tracetui.cli import options as o
from tracetui.cli.analyze import analyze


def open_sources(sources: o.Sources) -> None:
    """Open traces: the report of everything in them."""
    analyze(sources)
