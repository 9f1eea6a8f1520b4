"""Recorded responses decode to the sent traces, except for the losses of their formats."""

from __future__ import annotations

import pytest

from tests.support import format_losses
from tests.support.format_losses import by_ids, comparable, sent_spans, spans_of, with_losses, without_server_warnings
from tests.support.recordings import Recorded, recorded
from tracetui.model.span import Span

TRACES = {
    "jaeger-2.20-v1": 15,
    "jaeger-2.20-v3": 19,
    "jaeger-main-v3": 18,
    "zipkin-3.5.1": 10,
    "tempo-3.0": 3,
}
"""Number of a server's responses that contain traces."""


def answers_with_traces(name: str) -> list[tuple[Recorded, list[Span]]]:
    found = [
        (answer, spans_of(answer.body))
        for answer in recorded(name).answers.values()
        if answer.status == 200 and answer.headers.get("content-type") == "application/json"
    ]
    return [(answer, spans) for answer, spans in found if spans]


def kind_of(answer: Recorded, name: str) -> str:
    """Return the format of a response; the recording of Jaeger contains both APIs."""
    if name.startswith("jaeger"):
        return "jaeger-v3" if answer.path.startswith("/api/v3/") else "jaeger-v1"
    return name.partition("-")[0]


@pytest.mark.parametrize("name", TRACES)
def test_recorded_responses_contain_the_sent_traces(name: str) -> None:
    answers = answers_with_traces(name)
    for answer, spans in answers:
        for ids, span in by_ids(spans).items():
            expected = with_losses(kind_of(answer, name), sent_spans()[ids])
            assert comparable(without_server_warnings(span)) == comparable(expected), (answer.name, ids)
    assert len(answers) == TRACES[name]


@pytest.mark.parametrize("name", TRACES)
def test_traces_in_recorded_responses_are_complete(name: str) -> None:
    for answer, spans in answers_with_traces(name):
        found = set(by_ids(spans))
        here = {trace_id for trace_id, _ in found}
        assert found == {ids for ids in sent_spans() if ids[0] in here}, answer.name


@pytest.mark.parametrize(
    ("kind", "loss"), [(kind, loss) for kind, of_kind in format_losses.LOSSES.items() for loss in of_kind]
)
def test_every_loss_occurs(kind: str, loss: format_losses.Loss) -> None:
    assert any(comparable(loss(span)) != comparable(span) for span in sent_spans().values())
