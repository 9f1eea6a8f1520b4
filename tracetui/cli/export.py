"""`tracetui export`: traces in a format of other tools."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tracetui.cli import options as o
from tracetui.cli.filtered_session import open_filtered
from tracetui.cli.output import print_message, print_pieces, print_reader_awaited
from tracetui.export.exporter import Losses
from tracetui.export.registry import DEFAULT, EXPORTERS, exporter_named, exporter_of
from tracetui.export.save import describe_losses, save
from tracetui.model.errors import UsageError
from tracetui.render.text.numbers import counted
from tracetui.session import LoadOptions

_NAMES = [exporter.name for exporter in EXPORTERS]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """Sources, and the form of the output."""

    sources: o.Sources
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help=f"Format (default: by the suffix of the file, or {DEFAULT.name}).",
            rich_help_panel=o.OUTPUT,
            autocompletion=lambda: _NAMES,
        ),
    ] = None
    output: o.Output = None
    verbose: o.Verbose = False
    adjust_skew: o.AdjustSkew = False


def export(selection: o.Selection, options: ExportOptions, servers: o.Servers) -> None:
    output = options.output
    if options.format is not None:
        exporter = exporter_named(options.format)
    else:
        exporter = DEFAULT if output is None else exporter_of(output)
    on_terminal = output is None and sys.stdout is not None and sys.stdout.isatty()
    if exporter.is_binary and on_terminal:
        raise UsageError(f"{exporter.name} is binary: name a file with --output, or use a pipe")
    session = open_filtered(
        options.sources,
        selection.filters(),
        LoadOptions(overrides=servers.overrides(), adjust_skew=options.adjust_skew, exact_names=selection.exact_names),
        verbose=options.verbose,
    )
    traces = session.analysis.traces
    if not traces.trace_count:
        print_message("no trace matches; the output is empty")
    if output is not None:
        lost = save(traces, output, exporter, replace=True, streams=True, on_wait=lambda: print_reader_awaited(output))
    else:
        losses = Losses()
        print_pieces(exporter.encode(traces, losses), is_json=not exporter.is_binary)
        lost = describe_losses(traces, losses)
    if traces.trace_count:
        counts = f"{counted(traces.trace_count, 'trace')}, {counted(len(traces), 'span')}"
        where = f" to {output}" if output is not None else ""
        print_message(f"wrote {counts}{where} as {exporter.name}")
    for text in lost:
        print_message(f"not exported: {text}")


def _formats() -> str:
    width = max(map(len, _NAMES))
    lines = ["\b", "Formats:"]
    for exporter in EXPORTERS:
        lines.append(f"  {exporter.name:<{width}}  {exporter.description} ({' '.join(exporter.suffixes)})")
        if exporter.losses:
            lines += textwrap.wrap(f"without {exporter.losses}", **_page(width + 4))
    return "\n".join(lines)


def _page(indent: int) -> dict[str, Any]:
    """Layout of text that is indented on a help page of 80 columns."""
    return {"width": 76, "initial_indent": " " * indent, "subsequent_indent": " " * indent}


export.__doc__ = f"""Export traces for other tools.

A file name that ends with .gz or .zst is compressed.

{_formats()}
"""
