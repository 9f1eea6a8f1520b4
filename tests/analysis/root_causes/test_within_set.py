"""Causes within one set, whose traces are all of the incident."""

from __future__ import annotations

import pytest

from tests.support.incidents import incident
from tracetui.analysis.root_causes import find_causes_within
from tracetui.analysis.root_causes.evidence import EvidenceKind


@pytest.mark.parametrize("seed", [1, 9, 17])
def test_network_that_is_slow_all_the_time_is_suspected_at_both_ends_of_its_calls(seed: int) -> None:
    generated = incident(seed)
    assert generated.fault == "network"
    causes = find_causes_within(generated.after)
    assert causes.baseline == "all but the slowest 10 % of requests"
    by_service = {cause.service: cause for cause in causes.found.causes}
    cause = by_service[generated.service]
    assert cause.rank <= 3
    assert cause.kind is EvidenceKind.NETWORK
    assert cause.propagation_path[-1] == generated.service
    assert not causes.found.is_confident
    assert [one.rank for one in causes.found.causes] == list(range(1, len(causes.found.causes) + 1))
    assert len(by_service) == len(causes.found.causes)
