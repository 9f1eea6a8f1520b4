"""Registry of envelopes: the wrappers that log drivers and log stores put around the lines of a program's output.

To add one, write a module with an `ENVELOPE`, most often a `Prefix` or a `JsonEnvelope`, and list it in `ENVELOPES`.
"""

from __future__ import annotations

from typing import Final

from tracetui.ingest.envelopes import (
    azure,
    cloudwatch,
    cloudwatch_text,
    compose,
    cri,
    csv_download,
    datadog,
    docker,
    elastic,
    fluentd,
    google_cloud,
    grafana,
    journald,
    journald_export,
    json_strings,
    kubernetes,
    line_prefix,
    loki,
    splunk,
    stern,
    syslog,
    syslog_frames,
    vector,
)
from tracetui.ingest.envelopes.envelope import Envelope, Head
from tracetui.ingest.source_bytes import Buffer

ENVELOPES: Final[tuple[Envelope, ...]] = (
    elastic.ENVELOPE,
    docker.ENVELOPE,
    cri.ENVELOPE,
    loki.ENVELOPE,
    grafana.ENVELOPE,
    google_cloud.ENVELOPE,
    cloudwatch.ENVELOPE,
    azure.ENVELOPE,
    journald.ENVELOPE,
    vector.ENVELOPE,
    splunk.ENVELOPE,
    datadog.ENVELOPE,
    stern.ENVELOPE,
    json_strings.ENVELOPE,
    csv_download.ENVELOPE,
    journald_export.ENVELOPE,
    fluentd.ENVELOPE,
    cloudwatch_text.ENVELOPE,
    syslog_frames.ENVELOPE,
    syslog.ENVELOPE,
    kubernetes.ENVELOPE,
    compose.ENVELOPE,
    line_prefix.ENVELOPE,
)
"""The supported envelopes in the order of the checks: the more specific ones first."""

_MAX_CUT: Final = 4
"""Number of lines that are searched for the first whole one: a rotated log may begin within a line."""


def find_envelope(data: Buffer, start: int = 0) -> Envelope | None:
    """Detect the envelope of a text by its beginning at `start`; None if it has none."""
    head = Head(data, start)
    found = _of_head(head)
    if found is None and not head.is_json:
        whole = next((line for line in head.lines[1:_MAX_CUT] if line[:1] == b"{"), b"")
        found = _of_head(Head(whole)) if whole else None
    return found


def _of_head(head: Head) -> Envelope | None:
    return next((envelope for envelope in ENVELOPES if envelope.detect(head)), None)
