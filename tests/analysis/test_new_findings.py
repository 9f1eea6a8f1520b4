"""Findings of traces that arrive while following."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.building import GivenSpan, build, span
from tracetui.analysis.new_findings import find_new_findings


@pytest.mark.parametrize("known_id", ["t10", "user_42", "job7", "u-17", "10"])
def test_error_with_another_id_is_not_new(known_id: str) -> None:
    def failed(number: int, message: str) -> GivenSpan:
        return span(str(number), 0, 5, trace=str(number), error=True, message=message)

    other_id = known_id.replace("1", "3").replace("7", "9").replace("4", "5")
    traces = build(
        failed(1, f"quota exceeded for tenant {known_id}"),
        failed(2, f"quota exceeded for tenant {other_id}"),
        failed(3, "card declined"),
    )
    is_new = np.array([text.lstrip("0") != "1" for text in traces.trace_ids])
    assert [message for _, message in find_new_findings(traces, is_new).patterns] == ["card declined"]
