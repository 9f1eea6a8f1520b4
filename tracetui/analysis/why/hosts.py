"""The instance of a service that shows the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tracetui.model.traces import TraceSet

_KEYS: Final = ("k8s.pod.name", "service.instance.id", "host.name", "container.id")
_MOST: Final = 0.8
"""Least share of the evidence on one instance to name it."""
_FACTOR: Final = 1.3
"""Factor by which that share exceeds the instance's share of all spans, unless it has them all."""


def host_of(traces: TraceSet, spans: np.ndarray) -> str:
    """Name the pod, instance or host on which nearly all of these spans ran; '' for none. spans: int64[k]"""
    if not len(spans):
        return ""
    names = [_name(resource.codec.attributes(resource.raw)) for resource in traces.resources]
    distinct = sorted(set(names))
    code = np.array([distinct.index(name) for name in names], np.int64)[traces.resource]
    shown = np.bincount(code[spans], minlength=len(distinct))
    usual = np.bincount(code[np.isin(traces.service, np.unique(traces.service[spans]))], minlength=len(distinct))
    best = int(shown.argmax())
    share, of_all = shown[best] / shown.sum(), usual[best] / usual.sum()
    return distinct[best] if share >= _MOST and (of_all == 1.0 or share >= _FACTOR * of_all) else ""


def _name(attributes: Mapping[str, object]) -> str:
    return next((str(attributes[key]) for key in _KEYS if attributes.get(key)), "")
