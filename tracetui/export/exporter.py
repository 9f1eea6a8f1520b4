"""Definition of an export format: name, file name suffixes, and encoding of a trace set.

`export.registry` lists every exporter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tracetui.model.traces import TraceSet

Losses = Counter[str]
"""Number of lost parts by description, such as "link{}"; {} stands for the plural ending."""

NESTED: Final = "value{} nested too deeply"


@dataclass(frozen=True, slots=True, eq=False)
class Exporter:
    """Export format.

    name: name on the command line.
    description: name of the format for users.
    suffixes: file name suffixes in lower case that choose this format. Among all exporters, the longest match wins.
    encode: encodes the traces of a set one at a time, as pieces to be written in order, and adds what the format cannot
    represent to the `Losses`. The same set gives the same bytes.
    losses: parts of spans that the format cannot represent, for display; '' for none.
    is_binary: True if the output is not text.
    is_readable: True if this program reads the format.
    """

    name: str
    description: str
    suffixes: tuple[str, ...]
    encode: Callable[[TraceSet, Losses], Iterator[bytes]]
    losses: str = ""
    is_binary: bool = False
    is_readable: bool = True
