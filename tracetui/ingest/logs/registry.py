"""Registry of the supported forms of log records.

To add one, write a module with a class that implements `LogForm` and list it here.
"""

from __future__ import annotations

from typing import Final

from tracetui.ingest.logs.collector_debug import CollectorDebug
from tracetui.ingest.logs.dotnet_console import DotnetConsole
from tracetui.ingest.logs.json_lines import JsonLines
from tracetui.ingest.logs.logfmt import Logfmt
from tracetui.ingest.logs.node_objects import NodeObjects
from tracetui.ingest.logs.otlp_json import OtlpJson
from tracetui.ingest.logs.otlp_protobuf import OtlpProtobuf
from tracetui.ingest.logs.plain_text import PlainText
from tracetui.ingest.logs.record import LineGroup, LogForm
from tracetui.ingest.logs.rust_stdout import RustStdout

_DOTNET, _COLLECTOR, _RUST = DotnetConsole(), CollectorDebug(), RustStdout()
FORMS: Final[tuple[LogForm, ...]] = (
    OtlpProtobuf(),
    OtlpJson(),
    JsonLines(),
    NodeObjects(),
    _DOTNET,
    _COLLECTOR,
    _RUST,
    Logfmt(),
    PlainText(),
)
"""The supported forms in the order of the checks: the more specific ones first."""

LINE_GROUPS: Final[tuple[LineGroup, ...]] = (_DOTNET, _COLLECTOR, _RUST)
"""Forms whose records have several lines of text."""
