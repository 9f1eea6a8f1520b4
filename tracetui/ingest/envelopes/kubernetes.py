"""Output of `kubectl logs` with the pod's name (`--prefix`), the time (`--timestamps`) or both before each line.

Kail and stern write the pod and the container before each line, too.
"""

from __future__ import annotations

import re

from tracetui.ingest.envelopes.envelope import Prefix

_POD = rb"\[(?P<stream>(?:pod/)?[a-z0-9][a-z0-9.-]*(?:/| )[a-z0-9][a-z0-9.-]*)\]"
_STERN = rb"(?P<stream_pod>[a-z0-9][a-z0-9.-]*-(?:[a-z0-9]{5}|\d+) [a-z0-9][a-z0-9-]*)"
_KAIL = rb"(?P<stream_kail>[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9.-]*\[[a-z0-9][a-z0-9-]*\]):"
_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)(?! std(?:out|err) [PF])"
"""Timestamp written by kubectl, not one that begins a CRI log line."""


ENVELOPE = Prefix(
    "kubectl log",
    re.compile(rb"(?:%b(?: (?P<when>%b))?|(?P<when_alone>%b)|%b|%b)(?: |$)" % (_POD, _TIME, _TIME, _KAIL, _STERN)),
)
"""`[pod/NAME/CONTAINER] 2026-03-20T09:46:40.100000000Z TEXT`."""
