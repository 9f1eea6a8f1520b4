"""JSON output of stern, which follows the logs of several pods (`stern -o json`)."""

from __future__ import annotations

from typing import Final

from tracetui.ingest.envelopes.json_envelope import JsonEnvelope, read_records

ENVELOPE: Final = JsonEnvelope(
    "stern log",
    lambda head: head.keys >= {"message", "podName", "containerName"},
    read_records("message", "", ("namespace", "podName", "containerName")),
)
"""`{"message":"TEXT","nodeName":"n1","namespace":"shop","podName":"web-1","containerName":"app"}`."""
