"""Identical calls: reads of the same thing more than once in a trace, which a cache would answer.

Calls are identical if they are of the same operation, go to the same host and database, and their statement or address
is equal and has its values: `GET /users/17?full=1`, `SELECT ... WHERE id = 17`. One with placeholders may have read
something else each time. The saving is the time of all but the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np

from tracetui.analysis.suggestions.kind import SuggestionKind
from tracetui.analysis.suggestions.siblings import Instances, Siblings, reduced, run_starts
from tracetui.model.span import Kind, Value
from tracetui.model.sql import has_placeholder, is_sql

_MAX_READ = 50_000
"""Largest number of calls whose attributes are compared; those with the most time on critical paths are preferred."""
_STATEMENTS: Final = ("db.query.text", "db.statement")
_ADDRESSES: Final = ("url.full", "http.url", "http.target")
_METHODS: Final = ("http.request.method", "http.method")
_READS_ROWS: Final = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)
_WRITES_ROWS: Final = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|INTO|NEXTVAL)\b", re.IGNORECASE)
"""Words in a statement that begins like a read, such as `WITH ... DELETE`, and does more: it inserts, or locks."""
_READS_KEYS: Final = re.compile(r"\s*(?:GET|MGET|HGET|HMGET|HGETALL|SMEMBERS|LRANGE|EXISTS)\s+\S", re.IGNORECASE)
_TARGETS: Final = (
    "server.address",
    "server.port",
    "net.peer.name",
    "net.peer.port",
    "http.host",
    "db.namespace",
    "db.name",
    "db.redis.database_index",
)
"""Attributes that tell hosts and databases apart where the same can be read."""
_CLIENT = int(Kind.CLIENT)


def find(siblings: Siblings) -> Instances:
    """Find CLIENT spans of one trace that read the same, with other spans or pauses between them."""
    traces = siblings.traces
    made = np.flatnonzero((traces.kind[siblings.span] == _CLIENT) & ~siblings.retried[siblings.span])
    rows = _repeated(siblings, made)
    spans = siblings.span[rows]
    number = _numbered(siblings, spans)
    rows, spans, number = rows[number >= 0], spans[number >= 0], number[number >= 0]
    order = np.lexsort((siblings.start[rows], number, traces.operation[spans], traces.trace[spans]))
    rows, spans, number = rows[order], spans[order], number[order]
    first = run_starts(traces.trace[spans], traces.operation[spans], number)
    count = np.diff(np.append(first, len(spans)))
    saving = np.minimum(siblings.time[rows], siblings.bound.of(spans))
    saving[first] = 0
    saving, time = reduced(np.add, saving, first), reduced(np.add, siblings.time[rows], first)
    many = count > 1
    begins = spans[first[many]]
    group, members = siblings.named_by(begins)
    return Instances(group, begins, saving[many], count[many], time[many], members)


def _repeated(siblings: Siblings, rows: np.ndarray) -> np.ndarray:
    """Select the rows whose operation occurs more than once in the trace, at most `_MAX_READ`: int64[m]."""
    traces = siblings.traces
    spans = siblings.span[rows]
    order = np.lexsort((traces.operation[spans], traces.trace[spans]))
    first = run_starts(traces.trace[spans[order]], traces.operation[spans[order]])
    count = np.diff(np.append(first, len(order)))
    found = rows[order[np.repeat(count > 1, count)]]
    longest = np.argsort(-siblings.time[found], kind="stable")[:_MAX_READ]
    kept: np.ndarray = found[np.sort(longest)]
    return kept


def _numbered(siblings: Siblings, spans: np.ndarray) -> np.ndarray:
    """Number what each span reads, -1 for unknown: int64[m]."""
    traces = siblings.traces
    # read in the order of the bytes
    order = np.argsort(traces.raw_at[spans], kind="stable")
    ordered = spans[order]
    raw = traces.span_bytes.read_each(traces.raw_at[ordered], traces.attribute_bytes[ordered])
    codecs = [resource.codec for resource in traces.resources]
    numbers: dict[tuple[str, ...], int] = {(): -1}
    found = np.full(len(spans), -1, np.int64)
    for at, resource, own in zip(order.tolist(), traces.resource[ordered].tolist(), raw, strict=True):
        what = read_of(codecs[resource].attributes(own))
        found[at] = numbers.setdefault(what, len(numbers))
    return found


def read_of(attributes: Mapping[str, Value]) -> tuple[str, ...]:
    """Return what a call reads: a statement or address with its values, then host and database.

    () if it writes, or the values are unknown.
    """
    text = _text_of(attributes)
    return (text, *(str(attributes.get(key, "")) for key in _TARGETS)) if text else ()


def _text_of(attributes: Mapping[str, Value]) -> str:
    """Return the statement or address of a read; '' if it writes or the values are unknown."""
    for key in _STATEMENTS:
        statement = attributes.get(key)
        if isinstance(statement, str) and statement.strip():
            return statement if _reads(statement) and not has_placeholder(statement) else ""
    if not any(attributes.get(key) in ("GET", "HEAD") for key in _METHODS):
        return ""
    addresses = (attributes.get(key) for key in _ADDRESSES)
    return next((text for text in addresses if isinstance(text, str) and text), "")


def _reads(statement: str) -> bool:
    if is_sql(statement):
        return _READS_ROWS.match(statement) is not None and _WRITES_ROWS.search(statement) is None
    return _READS_KEYS.match(statement) is not None


KIND = SuggestionKind(
    name="identical_calls",
    label="identical",
    sentence=("{call}", "reads the same up to {times} in a trace", "{parent}"),
    explanation=(
        "These calls read the same, with the same values, more than once.",
        "A cache, or passing the result on, would save all but the first.",
    ),
    find=find,
    words="cache duplicate",
    repeats=True,
)
