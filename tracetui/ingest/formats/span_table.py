"""Rows of span tables, added to the intake as columns.

Used for the tables of research data sets: ids, service, operation, start and duration, and hardly any attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats.otlp_json import CODEC
from tracetui.ingest.formats.otlp_values import encoded_pairs
from tracetui.model.span import NO_DURATION, NO_START, Value


@dataclass(slots=True)
class SpanTableRows:
    """Spans as lists of equal length; an unknown time is None.

    resources: service and resource attributes.
    """

    traces: Sequence[str]
    ids: Sequence[str]
    parents: Sequence[str]
    names: Sequence[str]
    resources: Sequence[tuple[str, tuple[tuple[str, str], ...]]]
    starts_ns: Sequence[int | None]
    durations_ns: Sequence[int | None]
    states: Sequence[int] = ()
    """Packed states (`model.intake.pack_state`); empty if no span is an error."""
    attributes: Sequence[dict[str, Value]] = field(default_factory=list)


def add_rows(spans: SpanTableRows, context: DecodeContext) -> None:
    """Add the rows to the intake."""
    intake, rows = context.intake, context.intake.rows
    traces = {text: context.trace(text) for text in dict.fromkeys(spans.traces)}
    resources = {
        key: intake.resources(key[0], encoded_pairs(dict(key[1])), CODEC) for key in dict.fromkeys(spans.resources)
    }
    count = len(spans.ids)
    states = list(spans.states) or [0] * count
    for times, flag in ((spans.starts_ns, NO_START), (spans.durations_ns, NO_DURATION)):
        if None in times:
            states = [state | flag if time is None else state for state, time in zip(states, times, strict=True)]
    rows.trace += map(traces.__getitem__, spans.traces)
    rows.span_id += spans.ids
    rows.parent_id += spans.parents
    rows.name += intake.names.many(spans.names)
    rows.resource += map(resources.__getitem__, spans.resources)
    rows.start_ns += [start or 0 for start in spans.starts_ns]
    rows.duration_ns += [duration or 0 for duration in spans.durations_ns]
    rows.state += states
    rows.attributes += list(map(encoded_pairs, spans.attributes)) or [b""] * count
    rows.events += [b""] * count
    rows.links += [b""] * count
    rows.peer += [0] * count
    intake.flush_if_full()


def numbers(texts: Sequence[str], read: Callable[[str], int | None]) -> list[int | None]:
    """Read a column of integers; if any is not plain, read each with `read`."""
    try:
        return list(map(int, texts))
    except ValueError:
        return [read(text) for text in texts]
