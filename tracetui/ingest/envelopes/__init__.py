"""Envelopes: what wraps the lines of a program's output on its way into a file, and the registry of them.

To add one, write a module with a subclass of `Envelope` and name an instance in `ENVELOPES`.
"""

from __future__ import annotations

from typing import Final

from tracetui.ingest.buffers import Buffer
from tracetui.ingest.envelopes.azure import Azure
from tracetui.ingest.envelopes.cloudwatch import CloudWatch
from tracetui.ingest.envelopes.compose import Compose
from tracetui.ingest.envelopes.cri import Cri
from tracetui.ingest.envelopes.docker import Docker
from tracetui.ingest.envelopes.envelope import Envelope, Head
from tracetui.ingest.envelopes.google_cloud import GoogleCloud
from tracetui.ingest.envelopes.grafana import Grafana
from tracetui.ingest.envelopes.journald import Journald
from tracetui.ingest.envelopes.kubernetes import Kubernetes
from tracetui.ingest.envelopes.loki import Loki
from tracetui.ingest.envelopes.syslog import Syslog

ENVELOPES: Final[tuple[Envelope, ...]] = (
    Docker(),
    Cri(),
    Loki(),
    Grafana(),
    GoogleCloud(),
    CloudWatch(),
    Azure(),
    Journald(),
    Syslog(),
    Kubernetes(),
    Compose(),
)
"""The envelopes that are read, in the order in which they are tried: the more specific first."""


def find_envelope(data: Buffer, start: int = 0) -> Envelope | None:
    """Return the envelope of a text, told by how the text begins at `start`; None if it has none."""
    head = Head(data, start)
    return next((envelope for envelope in ENVELOPES if envelope.detect(head)), None)
