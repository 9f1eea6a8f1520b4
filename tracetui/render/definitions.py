"""Definitions of the figures on the screen: what each means, what it is computed from, and its number of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tracetui.render.text.glyphs import UNICODE, Glyphs, in_glyphs
from tracetui.render.text.headings import values_of


class Definition(NamedTuple):
    """Definition of a figure.

    name: its heading; text: what it means; source: what it is computed from; samples: heading of the column with the
    number of samples and what they are, () for none.
    """

    name: str
    text: str
    source: str = ""
    samples: tuple[str, str] | tuple[()] = ()

    def with_glyphs(self, glyphs: Glyphs) -> Definition:
        """Return the definition with the glyphs of another set."""
        samples = (in_glyphs(self.samples[0], glyphs), self.samples[1]) if self.samples else ()
        name, text, source = (in_glyphs(one, glyphs) for one in (self.name, self.text, self.source))
        return Definition(name, text, source, samples)


_CALLS: Final = ("calls", "calls")
_TRACES: Final = ("traces", "traces")
_PERCENTILES: Final = "interpolated linearly; for fewer than 20 samples, the range instead"

_TRACE_FIGURES: Final = (
    Definition("start", "earliest start of the trace's spans"),
    Definition("trace", "service and operation of the main root: the earliest root that is not an orphan"),
    Definition("services", "services that have spans in the trace", "resources of the spans"),
    Definition("spans", "number of spans; duplicates count once"),
    Definition(
        "errors",
        "✖ origins: errors that no error below caused; ✗ errors that propagated from below",
        "status of the spans, by the rules for gRPC and HTTP status and error attributes",
    ),
    Definition(
        "duration",
        "response time: duration of the main root; of the whole trace if the root is missing. pNN: its percentile "
        "among the traces of the same entry point",
        "the main root span",
    ),
    Definition("response", "response time: duration of the main root", "the main root span"),
    Definition("whole", "duration of the whole trace: from the earliest start to the latest end of its spans"),
    Definition("entry point", "operation that begins traces, or asynchronous work"),
    Definition("traces", "traces that begin with the entry point"),
    Definition("/min", "traces per minute, over the time from the first start to the last", "", _TRACES),
    Definition(
        "failed",
        "share of requests whose caller saw an error; a trace with errors may have succeeded",
        "the request span, and the errors between it and the main root",
        _TRACES,
    ),
    Definition("p50", f"median response time, {_PERCENTILES}", "main root spans", _TRACES),
    Definition("p95", f"95th percentile of the response times, {_PERCENTILES}", "main root spans", _TRACES),
    Definition("when", "number of traces over time", "", _TRACES),
    Definition("of failures", "share of all failed requests that begin here"),
)
_SERVICE_FIGURES: Final = (
    Definition("service", "service, or a peer without spans of its own (inferred), such as a database"),
    Definition("traces", "share of the traces in which the service occurs", "all traces of the set"),
    Definition("callers", "services that call it directly; +: indirectly", "calls between spans"),
    Definition("callees", "services and peers that it calls directly; +: indirectly", "calls between spans"),
    Definition("reached from", "entry points whose traces reach the service", "traces of the set"),
    Definition(
        "betweenness", "share of the shortest paths between other services that lead through it", "the service graph"
    ),
    Definition("calls", "entry spans of the service; a call is counted once, however many spans it has"),
    Definition(
        "errors",
        "share of its calls whose client or server span is an error",
        "entry spans, and spans of callers",
        _CALLS,
    ),
    Definition("p50", f"median duration of its calls, measured in the service; {_PERCENTILES}", "entry spans", _CALLS),
    Definition(
        "p95", f"95th percentile of the durations, measured in the service; {_PERCENTILES}", "entry spans", _CALLS
    ),
)
_ERROR_FIGURES: Final = (
    Definition(
        "pattern",
        "origins of one service with the same message, apart from ids and numbers",
        "exception and status messages",
    ),
    Definition("service", "service in which the errors began"),
    Definition("entry point", "commonest entry point of the traces"),
    Definition("✖", "origins: errors that no error below caused", "error spans"),
    Definition("traces", "traces with an origin of the pattern"),
    Definition("failed", "requests that failed because of it: their caller saw the error", "request spans", _TRACES),
    Definition("share", "share of all origins", "", ("✖", "origins")),
    Definition("when", "origins over time", "starts of the origins", ("✖", "origins")),
    Definition("propagated to", "services with errors that the origins caused", "errors above the origins"),
)
_HOT_SPOT_FIGURES: Final = (
    Definition("#", "rank by time on the critical path"),
    Definition("operation", "service and span name; id-like parts of names are one operation"),
    Definition(
        "of total",
        "share of the critical time of all traces",
        "critical paths of all traces: at every moment the span that the trace waits for",
    ),
    Definition(
        "of path",
        "share of the critical time of the traces in which it occurs; over 20 %: a bottleneck",
        "critical paths of these traces",
        _TRACES,
    ),
    Definition("critical", "mean time on the critical path per trace in which it occurs", "critical paths", _TRACES),
    Definition("traces", "traces in which it occurs, of all traces of the set"),
    Definition("calls", "spans of the operation"),
    Definition("errors", "share of its spans that are errors", "status of the spans", _CALLS),
    Definition("p50", f"median duration of its spans, {_PERCENTILES}", "spans with an end", _CALLS),
    Definition("p95", f"95th percentile of the durations, {_PERCENTILES}", "spans with an end", _CALLS),
    Definition("p99", f"99th percentile of the durations, {_PERCENTILES}", "spans with an end", _CALLS),
    Definition("self", "mean self time: duration of a span minus the time in which children run", "spans", _CALLS),
    Definition("total", "sum of the durations of all its spans", "spans with an end", _CALLS),
    Definition("pattern", "commonest statement, route or queue of its spans", "attributes, without their ids", _CALLS),
    Definition("suggestion", "a change that would save critical time"),
    Definition(
        "saves",
        "largest saving: mean per trace in which it occurs, without time that parallel work covers",
        "critical paths",
        _TRACES,
    ),
    Definition(
        "in all", "largest saving in all traces together; suggestions are sorted by it", "critical paths", _TRACES
    ),
)
_SUGGESTION_FIGURES: Final = (
    Definition(
        "of path",
        "saving as a share of the critical time of the traces in which it occurs",
        "critical paths",
        _TRACES,
    ),
    Definition("traces", "traces in which it occurs"),
    *(one for one in _HOT_SPOT_FIGURES if one.name in ("#", "suggestion", "saves", "in all")),
)
_SPAN_FIGURES: Final = (
    Definition("duration", "end of the span minus its start", "the span"),
    Definition("self time", "duration minus the time in which any child runs", "the span and its children"),
    Definition(
        "% critical",
        "share of the trace's critical path that the span itself is on",
        "critical path: at every moment the child that ends last; a gap belongs to the span itself",
    ),
    Definition(
        "pNN",
        "percentile of the duration among spans of the same operation; of the trace, among those of its entry point",
        "all loaded spans of the operation; their number n is next to it",
    ),
    Definition("network", "duration of the client span minus that of the server span of a call", "both spans"),
    Definition("queue", "time from the end of a message's PRODUCER span to the start of its CONSUMER", "both spans"),
)

DEFINITIONS: Final[Mapping[str, tuple[Definition, ...]]] = {
    "traces": _TRACE_FIGURES,
    "waterfall": _SPAN_FIGURES,
    "services": _SERVICE_FIGURES,
    "errors": _ERROR_FIGURES,
    "hot-spots": _HOT_SPOT_FIGURES,
}
"""Definitions by view."""
_FORMS: Final[Mapping[str, tuple[Definition, ...]]] = {"saves": _SUGGESTION_FIGURES}
"""Definitions of another list in a view, by a column that only this list has."""


def explanations(view: str, heading: str = "", row: str = "", glyphs: Glyphs = UNICODE) -> list[tuple[str, str]]:
    """Return pairs of a name and an explanation: of the figures in the columns of a heading, with their values in a
    row, or, without a heading, of all figures of a view.

    heading, row: as they are shown, with these `glyphs`.
    """
    values = values_of(heading, row)
    definitions = next((form for column, form in _FORMS.items() if column in values), DEFINITIONS[view])
    found = []
    for one in (one.with_glyphs(glyphs) for one in definitions):
        column = _column(one.name, list(values))
        if heading and column is None:
            continue
        value = values.get(column, "") if column is not None else ""
        found.append((one.name, _text(one, value, values)))
    return found


def _column(name: str, columns: Sequence[str]) -> str | None:
    """Return the column of a figure, whose heading may add a zone or a remark."""
    exact = (column for column in columns if column == name)
    return next(exact, next((column for column in columns if column.startswith(f"{name} ")), None))


def _text(one: Definition, value: str, values: Mapping[str, str]) -> str:
    parts = [f"{value}: {one.text}" if value else one.text]
    if one.source:
        parts.append(f"from: {one.source}")
    if one.samples and values.get(one.samples[0]):
        parts.append(f"n = {values[one.samples[0]]} {one.samples[1]}")
    return "; ".join(parts)
