"""The pod, instance or host of a service on which a problem occurs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tracetui.model.traces import TraceSet

_KEYS: Final = ("k8s.pod.name", "service.instance.id", "host.name", "container.id")
_MIN_SHARE: Final = 0.8
"""Smallest share of the abnormal spans on one instance to name it."""
_MIN_RATIO: Final = 1.3
"""Smallest ratio of that share to the instance's share of all spans, unless it has them all."""


def affected_instance(traces: TraceSet, spans: np.ndarray) -> str:
    """Name the pod, instance or host on which nearly all abnormal spans ran; '' for none. spans: int64[k]"""
    if not len(spans):
        return ""
    names = [_name(resource.codec.attributes(resource.raw)) for resource in traces.resources]
    distinct = sorted(set(names))
    code = np.array([distinct.index(name) for name in names], np.int64)[traces.resource]
    abnormal = np.bincount(code[spans], minlength=len(distinct))
    of_services = np.isin(traces.service, np.unique(traces.service[spans]))
    total = np.bincount(code[of_services], minlength=len(distinct))
    most = int(abnormal.argmax())
    share, expected = abnormal[most] / abnormal.sum(), total[most] / total.sum()
    is_over_represented = expected == 1.0 or share >= _MIN_RATIO * expected
    return distinct[most] if share >= _MIN_SHARE and is_over_represented else ""


def _name(attributes: Mapping[str, object]) -> str:
    return next((str(attributes[key]) for key in _KEYS if attributes.get(key)), "")
