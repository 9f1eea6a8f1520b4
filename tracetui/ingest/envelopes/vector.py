"""Records that Vector makes from a program's output (`source_type` names the source)."""

from __future__ import annotations

from typing import Final

from tracetui.ingest.envelopes.json_envelope import JsonEnvelope, read_records

ENVELOPE: Final = JsonEnvelope(
    "Vector log",
    lambda head: head.keys >= {"message", "source_type"},
    read_records("message", "timestamp", ("host", "kubernetes", "container_name", "file", "stream")),
)
"""`{"message":"TEXT","source_type":"file","timestamp":"2026-03-20T09:46:40.1Z"}`."""
