"""Registry of envelopes: the wrappers that log drivers and log stores put around the lines of a program's output.

To add one, write a module with a subclass of `Envelope` and name an instance in `ENVELOPES`.
"""

from __future__ import annotations

from typing import Final

from tracetui.ingest.envelopes.azure import Azure
from tracetui.ingest.envelopes.cloudwatch import CloudWatch
from tracetui.ingest.envelopes.cloudwatch_text import CloudWatchText
from tracetui.ingest.envelopes.compose import Compose
from tracetui.ingest.envelopes.cri import Cri
from tracetui.ingest.envelopes.csv_download import CsvDownload
from tracetui.ingest.envelopes.datadog import Datadog
from tracetui.ingest.envelopes.docker import Docker
from tracetui.ingest.envelopes.elastic import Elastic
from tracetui.ingest.envelopes.envelope import Envelope, Head
from tracetui.ingest.envelopes.fluentd import Fluentd
from tracetui.ingest.envelopes.google_cloud import GoogleCloud
from tracetui.ingest.envelopes.grafana import Grafana
from tracetui.ingest.envelopes.journald import Journald
from tracetui.ingest.envelopes.journald_export import JournaldExport
from tracetui.ingest.envelopes.json_strings import JsonStrings
from tracetui.ingest.envelopes.kubernetes import Kubernetes
from tracetui.ingest.envelopes.line_prefix import LinePrefix
from tracetui.ingest.envelopes.loki import Loki
from tracetui.ingest.envelopes.splunk import Splunk
from tracetui.ingest.envelopes.stern import Stern
from tracetui.ingest.envelopes.syslog import Syslog
from tracetui.ingest.envelopes.syslog_frames import SyslogFrames
from tracetui.ingest.envelopes.vector import Vector
from tracetui.ingest.source_bytes import Buffer

ENVELOPES: Final[tuple[Envelope, ...]] = (
    Elastic(),
    Docker(),
    Cri(),
    Loki(),
    Grafana(),
    GoogleCloud(),
    CloudWatch(),
    Azure(),
    Journald(),
    Vector(),
    Splunk(),
    Datadog(),
    Stern(),
    JsonStrings(),
    CsvDownload(),
    JournaldExport(),
    Fluentd(),
    CloudWatchText(),
    SyslogFrames(),
    Syslog(),
    Kubernetes(),
    Compose(),
    LinePrefix(),
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
