"""Edit the text of a query: add, replace and remove conditions, and convert pasted trace ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tracetui.model.grafana_page import grafana_page
from tracetui.model.times import format_duration
from tracetui.model.trace_reference import trace_ids_in
from tracetui.model.traces import TraceSet
from tracetui.query import QueryError, parse
from tracetui.query.ast import ComparisonNode, TextNode
from tracetui.query.lexer import Token, quoted
from tracetui.query.parser import has_words_only, syntax_of
from tracetui.query.pushdown import conjuncts

_UNDO_STEPS = 50
TIME_FIELD: Final = "trace.start"


@dataclass(frozen=True, slots=True)
class ConditionKind:
    """Conditions on certain fields by certain operators; without operators, the name of a field alone."""

    fields: tuple[str, ...]
    operators: tuple[str, ...] = ()

    def matches(self, condition: str) -> bool:
        """Test whether a valid part of a query is such a condition."""
        match syntax_of(condition):
            case ComparisonNode(field=field, operator=Token() as operator):
                return field.text in self.fields and operator.text in self.operators
            case TextNode(words=[word]):
                return not self.operators and word.text in self.fields
        return False


def equality(name: str) -> ConditionKind:
    """Return the conditions that a field equals some value."""
    return ConditionKind((name,), ("=", "=="))


ERRORS: Final = ConditionKind(("error",))
SERVICE: Final = equality("service")
OPERATION: Final = equality("operation")
MIN_DURATION: Final = ConditionKind(("trace.response", "trace.duration", "duration"), (">", ">="))
"""Lower bound on the response time, or on the duration if the user typed that."""
TIME: Final = ConditionKind((TIME_FIELD,), (">", ">=", "<", "<="))


class FilterHistory:
    """Earlier filters, for undo."""

    def __init__(self) -> None:
        self._now = ""
        self._before: list[str] = []
        self._going_back = False

    def begin(self, text: str) -> None:
        """Start from this filter, which cannot be undone."""
        self._now = text

    def applied(self, text: str) -> None:
        """Record the applied filter, which may be the same as before."""
        if text != self._now:
            if not self._going_back:
                self._before = [*self._before, self._now][-_UNDO_STEPS:]
            self._now = text
        self._going_back = False

    def back(self) -> str | None:
        """Return the previous filter, to be applied next; None if there is none."""
        if not self._before:
            return None
        self._going_back = True
        return self._before.pop()


class ParsedText(NamedTuple):
    """Query from typed or pasted text."""

    query: str
    error: QueryError | None
    """Error in the query; None if it is valid."""
    trace_ids: tuple[str, ...] = ()
    """Ids of the traces that the text names, if it is not itself a query."""


def read_query(text: str) -> ParsedText:
    """Read a query, or pasted text that names traces, which becomes a query for them."""
    query = resolve_reference(text)
    error = error_in(query)
    if error is not None and text[:8].lower().startswith(("http://", "https://")):
        error = QueryError(text, 0, len(text), "this page names no trace", "tracetui 'ADDRESS' opens a server's page")
    return ParsedText(query, error, trace_ids_in(text) if query != text else ())


def error_in(text: str) -> QueryError | None:
    """Return the error in a query, if any. An empty query is valid and selects everything."""
    try:
        if text:
            parse(text)
    except QueryError as error:
        return error
    return None


def replace_conditions(text: str, kind: ConditionKind, *conditions: str) -> str:
    """Replace the parts of a query that match `kind` by these conditions."""
    if not text.strip():
        return " AND ".join(conditions)
    parts = conjuncts(text)
    if parts is None:
        return " AND ".join([f"({text.strip()})", *conditions]) if conditions else text
    return " AND ".join([*(part for part in parts if not kind.matches(part)), *conditions])


def narrow(text: str, conditions: list[str]) -> str:
    """Add limits to a query. Each replaces a limit on the same field in the same direction."""
    for limit in conditions:
        name, sign, _ = limit.split(" ", 2)
        text = replace_conditions(text, ConditionKind((name,), (sign[0], f"{sign[0]}=")), limit)
    return text


def find_condition(text: str, kind: ConditionKind) -> str:
    """Return the first part of a query that matches `kind`; '' for none."""
    return next((part for part in conjuncts(text) or [] if kind.matches(part)), "")


def condition(name: str, value: str) -> str:
    """Format the condition that a field equals a value."""
    return f"{name} = {quoted(value)}"


def with_service(text: str, service: str) -> str:
    """Replace the service of a query."""
    return replace_conditions(text, SERVICE, condition("service", service))


def time_window(start_ns: int, end_ns: int | None) -> str:
    """Format conditions for traces that started within a time range."""
    conditions = [time_condition(">=", start_ns)]
    if end_ns is not None:
        conditions.append(time_condition("<", end_ns))
    return " AND ".join(conditions)


def window_conditions(window: Window) -> list[str]:
    """Format conditions that limit traces to a window, rounded outwards to readable numbers."""
    conditions = []
    for sign, time in ((">=", window.start_ns), ("<", window.end_ns)):
        if time is not None:
            conditions.append(time_condition(sign, time))
    if window.least_ns is not None:
        conditions.append(f"trace.response >= {format_duration(_three_digits(window.least_ns, up=False))}")
    if window.most_ns is not None:
        conditions.append(f"trace.response < {format_duration(_three_digits(window.most_ns, up=True))}")
    return conditions


def time_condition(sign: str, time_ns: int) -> str:
    """Format a condition on the start of traces, without trailing zeros."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    moment = str(np.datetime64(seconds, "s")) + (f".{rest:09d}".rstrip("0") if rest else "")
    return f"{TIME_FIELD} {sign} {moment}Z"


def _three_digits(number: int, *, up: bool) -> int:
    size = int(10 ** max(len(str(number)) - 3, 0))
    return -(-number // size) * size if up else number // size * size


@dataclass(frozen=True, slots=True)
class BlockingCondition:
    """Condition that excludes the most traces in a query without matches."""

    part: str
    passes: int
    """Number of traces that match this condition alone."""
    without: int
    """Number of traces that match all other conditions."""
    of: int


def find_blocking_condition(traces: TraceSet, text: str) -> BlockingCondition | None:
    """Find the part of a query without matches that excludes the most traces."""
    parts = conjuncts(text)
    if not parts or not traces.trace_count:
        return None
    try:
        masks = [parse(part).matches(traces) for part in parts]
    except QueryError:
        # alone, a condition that the whole query can skip may take too long
        return None
    met = np.sum(masks, axis=0)
    without = [int(((met - mask) == len(parts) - 1).sum()) for mask in masks]
    passes = [int(mask.sum()) for mask in masks]
    worst = min(range(len(parts)), key=lambda i: (-without[i] if len(parts) > 1 else 0, passes[i]))
    return BlockingCondition(parts[worst], passes[worst], without[worst], traces.trace_count)


def resolve_reference(text: str) -> str:
    """Convert text that names traces to a query for them; return a query and any other text unchanged.

    Words alone are a query, too, but if they contain an id, as a log line does, they name its trace. The search of a
    Grafana page becomes a query if this language can express it.
    """
    if _is_query(text) and not has_words_only(text):
        return text
    ids = trace_ids_in(text)
    if ids:
        return query_for_traces(ids)
    page = grafana_page(text.strip())
    traceql = page.search.expression if page is not None and page.search is not None else ""
    return traceql if traceql and _is_query(traceql) else text


def query_for_traces(trace_ids: Sequence[str]) -> str:
    """Format a query for traces by id."""
    return " OR ".join(f'trace.id = "{trace_id}"' for trace_id in trace_ids)


def _is_query(text: str) -> bool:
    if text.lstrip()[:8].lower().startswith(("http://", "https://")):
        # the text before the first = would count as a field
        return False
    try:
        parse(text)
    except QueryError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Window:
    """Bounds of a region in the plot; None where it reaches the edge and so does not limit."""

    start_ns: int | None
    end_ns: int | None
    least_ns: int | None
    most_ns: int | None
