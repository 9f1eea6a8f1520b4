"""Tests of the numbers that determine the colours of services."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import build, span
from tests.support.paths import SHOP
from tracetui.model.service_slots import SLOTS
from tracetui.model.traces import TraceSet
from tracetui.session import Session


def of_services(*traces: list[str]) -> TraceSet:
    return build(
        *(
            span(f"{number}{place}", 0, 10, trace=str(number), service=service)
            for number, services in enumerate(traces)
            for place, service in enumerate(services)
        )
    )


def slots_of(*traces: list[str]) -> dict[str, int]:
    found = of_services(*traces)
    return dict(zip(found.services, found.service_slots, strict=True))


NAMES = st.lists(st.text(max_size=5), min_size=1, unique=True, max_size=30)


@given(st.lists(NAMES, min_size=1, max_size=4), st.randoms())
def test_slots_do_not_depend_on_the_order(traces: list[list[str]], rng: random.Random) -> None:
    slots = slots_of(*traces)
    rng.shuffle(traces)
    for services in traces:
        rng.shuffle(services)
    assert slots_of(*traces) == slots
    assert all(0 <= slot < SLOTS for slot in slots.values())
    assert len(set(slots.values())) == min(len(slots), SLOTS)


def test_slots_are_stable_between_versions() -> None:
    slots = slots_of(["user-service", "api-gateway", "redis"])
    assert slots == {"user-service": 8, "api-gateway": 7, "redis": 1}


def test_slots_are_used_evenly() -> None:
    slots = list(slots_of(*([f"service-{i}"] for i in range(4 * SLOTS))).values())
    assert [slots.count(slot) for slot in range(SLOTS)] == [4] * SLOTS


def test_more_services_than_are_compared_get_slots() -> None:
    slots = list(slots_of([f"service-{i}" for i in range(1001)]).values())
    assert sorted(slots.count(slot) for slot in range(SLOTS)) == [100] * 9 + [101]


def test_services_of_a_trace_have_different_slots_in_every_selection() -> None:
    traces = Session.open([SHOP]).loaded
    slots = np.array(traces.service_slots)
    for trace in range(traces.trace_count):
        services = np.unique(traces.service[traces.spans_of(trace)])
        assert len(np.unique(slots[services])) == len(services), trace
    few = traces.select(np.arange(3))
    assert few.service_slots == traces.service_slots


@pytest.mark.parametrize("count", [0, 1, 40])
def test_traces_at_equal_distances_stand_for_many(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [[f"a{i}", f"b{i}"] for i in range(count)]
    whole = slots_of(*pairs)
    monkeypatch.setattr("tracetui.model.service_slots._MOST_CELLS", 100)
    assert slots_of(*pairs).keys() == whole.keys()
