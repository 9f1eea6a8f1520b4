"""Registry of export formats, the default first.

To add one, write a module with its `EXPORTER` and list it here.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from tracetui.export import jaeger, otlp, protobuf, zipkin, zipkin_v1_json
from tracetui.export.exporter import Exporter
from tracetui.model.errors import UsageError

EXPORTERS: Final[tuple[Exporter, ...]] = (
    otlp.EXPORTER,
    protobuf.EXPORTER,
    jaeger.EXPORTER,
    zipkin.EXPORTER,
    zipkin_v1_json.EXPORTER,
)
DEFAULT: Final = EXPORTERS[0]

COMPRESSIONS: Final = (".gz", ".zst")
"""Suffixes of compressed files, after that of the format."""


def exporter_named(name: str) -> Exporter:
    """Find an exporter by name. Raises UsageError with the known names."""
    for exporter in EXPORTERS:
        if exporter.name == name:
            return exporter
    raise UsageError(f"unknown format {name!r}; formats: {', '.join(exporter.name for exporter in EXPORTERS)}")


def exporter_of(path: PurePath) -> Exporter:
    """Find the exporter for a file by its suffix; without one, the default exporter.

    Raises UsageError with the known suffixes.
    """
    name = path.name.lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression)
    suffixes = {suffix: exporter for exporter in EXPORTERS for suffix in exporter.suffixes}
    found = max((suffix for suffix in suffixes if name.endswith(suffix)), key=len, default=None)
    if found is not None:
        return suffixes[found]
    unknown = PurePath(name).suffix
    if not unknown:
        return DEFAULT
    known = "; ".join(f"{exporter.name}: {' '.join(exporter.suffixes)}" for exporter in EXPORTERS)
    raise UsageError(f"{path}: no format has the suffix {unknown}; suffixes: {known}, each also with .gz or .zst")
