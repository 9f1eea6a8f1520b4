"""The forms of log records that are read.

To add one, write a module with a class that meets `LogForm` and name it here.
"""

from __future__ import annotations

from typing import Final

from tracetui.ingest.logs.json_lines import JsonLines
from tracetui.ingest.logs.logfmt import Logfmt
from tracetui.ingest.logs.otlp_json import OtlpJson
from tracetui.ingest.logs.otlp_protobuf import OtlpProtobuf
from tracetui.ingest.logs.record import LogForm
from tracetui.ingest.logs.text import PlainText

FORMS: Final[tuple[LogForm, ...]] = (
    OtlpProtobuf(),
    OtlpJson(),
    JsonLines(),
    Logfmt(),
    PlainText(),
)
"""In the order in which they are asked: the more specific first."""
