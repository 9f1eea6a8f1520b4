"""Completion for a query being written: fields, operators, and values from the data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from tracetui.analysis.stats.groups import quantiles
from tracetui.model.secrets import looks_secret, names_secret
from tracetui.model.span import Value
from tracetui.model.times import format_duration
from tracetui.model.traces import TraceSet
from tracetui.query.fields import (
    FIELDS,
    KEYWORDS,
    OF_EXCEPTIONS,
    RESERVED,
    SCOPES,
    Field,
    Type,
    attribute_named,
    field_named,
)
from tracetui.query.lexer import Token, in_quotes, quoted, tokens

MAX_CANDIDATES: Final = 200
_SAMPLED_SPANS: Final = 2_000
_SAMPLED_BYTES: Final = 1 << 16
"""Size of attributes above which a span is not sampled."""
_MAX_NAMES: Final = 5_000
MAX_KNOWN_VALUES: Final = 200
_LONGEST_VALUE: Final = 200
_PERCENTILES: Final = ("p50", "p95", "p99")

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_/:@-]*(?:\.[A-Za-z0-9_/:@-]+)*")
_NAME_PARTS: Final = re.compile(r"[.`\"']")
_COMPARISONS: Final = ("=", "!=", "=~", "!~", ">", ">=", "<", "<=")
_OPERATORS: Final = {
    Type.TEXT: _COMPARISONS[:4],
    Type.ID: _COMPARISONS[:4],
    Type.CHOICE: _COMPARISONS[:4],
    Type.FLAG: _COMPARISONS[:2],
}
_ORDERED_FIRST: Final = (">", ">=", "<", "<=", "=", "!=")


def attribute_field(key: str) -> str:
    """Format the field that names an attribute."""
    plain = _PLAIN_KEY.fullmatch(key) is not None
    if plain and "." in key and field_named(key, False) is None and not key.startswith((*RESERVED, *SCOPES)):
        return key
    return f"attr.{key}" if plain else f"attr.{in_quotes(key)}"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names and values in the data, the commonest first."""

    services: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    trace_names: tuple[str, ...] = ()
    root_services: tuple[str, ...] = ()
    root_operations: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    durations: tuple[tuple[str, str], ...] = ()
    """Useful durations of traces, with descriptions."""
    responses: tuple[tuple[str, str], ...] = ()
    """Useful response times, with descriptions."""
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys seen in a sample of spans, with values, at most `MAX_KNOWN_VALUES` of each."""
    is_sample: bool = False
    """True if there are more spans than those whose attributes were read."""


def vocabulary(traces: TraceSet) -> Vocabulary:
    """Collect the names and values of a set; attributes come from an even sample of its spans."""
    if not len(traces):
        return Vocabulary()
    labels, counts = np.unique(traces.operation[traces.main_root], return_counts=True)
    roots = [traces.operation_label(n) for n in labels[np.argsort(-counts, kind="stable")[:_MAX_NAMES]].tolist()]
    messages = _by_count(traces.messages[1:], np.bincount(traces.message, minlength=len(traces.messages))[1:])
    return Vocabulary(
        services=_by_count(traces.services, np.bincount(traces.service, minlength=len(traces.services))),
        operations=_by_count(traces.shapes, np.bincount(traces.shape, minlength=len(traces.shapes))),
        trace_names=tuple(f"{service} {name}" for service, name in roots),
        root_services=tuple(dict.fromkeys(service for service, _ in roots)),
        root_operations=tuple(dict.fromkeys(name for _, name in roots)),
        messages=tuple(text for text in messages if len(text) <= _LONGEST_VALUE),
        durations=_percentiles(traces.trace_duration),
        responses=_percentiles(traces.response_time),
        attributes=_attributes(traces),
        is_sample=int((traces.attribute_bytes > 0).sum()) > len(sample(traces)),
    )


def _percentiles(durations: np.ndarray) -> tuple[tuple[str, str], ...]:
    """Format percentiles of durations, each with a description."""
    found = quantiles(durations, (0.5, 0.95, 0.99))
    return tuple((rounded_duration(ns), f"{name} of all traces") for name, ns in zip(_PERCENTILES, found, strict=True))


def rounded_duration(ns: float) -> str:
    """Format a duration for a query, with three significant digits."""
    whole = round(ns)
    size = 10 ** max(len(str(whole)) - 3, 0)
    return format_duration(round(whole / size) * size)


def _by_count(texts: Sequence[str], counts: np.ndarray) -> tuple[str, ...]:
    order = np.argsort(-counts, kind="stable")[:_MAX_NAMES]
    return tuple(texts[i] for i in order.tolist() if counts[i])


def sample(traces: TraceSet, count: int = _SAMPLED_SPANS) -> np.ndarray:
    """Sample spans evenly, without those with very large attributes: int64[m]."""
    return _sample_evenly(traces.attribute_bytes, count)


def _sample_evenly(sizes: np.ndarray, count: int) -> np.ndarray:
    """Sample positions evenly from those with a size above 0 and within the limit: int64[m]."""
    spans = np.flatnonzero((sizes > 0) & (sizes <= _SAMPLED_BYTES))
    step = -(-len(spans) // count) if len(spans) else 1
    chosen: np.ndarray = spans[::step]
    return chosen


def _attributes(traces: TraceSet) -> dict[str, tuple[str, ...]]:
    counts: dict[str, Counter[str]] = {}
    for span in sample(traces).tolist():
        for key, value in traces.attributes(span).items():
            _count_values(counts, key, value)
    for span in _sample_evenly(np.where(traces.error, traces.event_bytes, 0), _SAMPLED_SPANS).tolist():
        for event in traces.events(span):
            for key, value in event.attributes.items():
                if key.startswith(OF_EXCEPTIONS):
                    _count_values(counts, key, value)
    for resource in np.unique(traces.resource).tolist()[:_SAMPLED_SPANS]:
        origin = traces.resources[resource]
        for key, value in origin.codec.attributes(origin.raw[:_SAMPLED_BYTES]).items():
            _count_values(counts, key, value)
    order = sorted(counts, key=lambda key: (-counts[key].total(), key))[:_MAX_NAMES]
    return {key: tuple(text for text, _ in counts[key].most_common(MAX_KNOWN_VALUES)) for key in order}


def _count_values(counts: dict[str, Counter[str]], key: str, value: Value) -> None:
    counter = counts.setdefault(key, Counter())
    if len(counter) < 10 * MAX_KNOWN_VALUES:
        counter.update(value_texts(value))


def value_texts(value: Value) -> list[str]:
    """List the query values that match an attribute value; none if it cannot be matched."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, (int, float)):
        return [str(value)]
    if isinstance(value, str):
        return [value] if value and len(value) <= _LONGEST_VALUE else []
    if isinstance(value, list):
        return [text for part in value[:20] if not isinstance(part, list) for text in value_texts(part)]
    return []


class Candidate(NamedTuple):
    """Completion candidate: the text to insert and the text to show (from the data, not made safe)."""

    insert: str
    shown: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """Candidates to replace `start:stop` of the text."""

    start: int
    stop: int
    candidates: tuple[Candidate, ...]

    def applied(self, text: str, candidate: Candidate) -> tuple[str, int]:
        """Insert a candidate and a blank. -> the new text, and the cursor after them"""
        before, after = text[: self.start] + candidate.insert, text[self.stop :]
        if not after[:1].isspace():
            after = " " + after
        return before + after, len(before) + 1


def complete(text: str, cursor: int, known: Vocabulary) -> Completion:
    """Complete the word at the cursor, which is a position in the text or its end."""
    before = list(tokens(text[:cursor]))
    partial = Token("", cursor)
    if before and before[-1].stop == cursor and before[-1].text not in _SIGNS:
        partial = before.pop()
    context = _QueryContext()
    for token in before:
        context.read(token)
    blank = ""
    if before and not partial.text and before[-1].stop == cursor and before[-1].kind == "OPERATOR":
        blank = " "
    candidates = context.candidates(known)
    stop = cursor
    if partial.text:
        # the same word may continue after the cursor
        whole = next(token for token in tokens(text) if token.stop >= cursor)
        stop = whole.stop if whole.start == partial.start and whole.is_plain else cursor
    found = _filtered(candidates, partial.text)
    if blank:
        found = [Candidate(blank + c.insert, c.shown, c.note) for c in found]
    return Completion(partial.start, stop, tuple(found))


_SIGNS: Final = frozenset({*_COMPARISONS, "==", "(", ")", "{", "}", "&&", "||"})
"""Tokens that do not continue when more is typed."""
_BEFORE_CONDITION: Final = frozenset({"LEFT", "OPEN", "AND", "OR", "NOT", "BELOW"})


class _QueryContext:
    """Grammatical position in a query after the tokens that were read."""

    def __init__(self) -> None:
        self.expects = "field"
        self.field = ""
        self.operator = ""
        self.opened: list[str] = []
        self.closed_braces = False
        """True if the previous token closed braces."""

    @property
    def in_braces(self) -> bool:
        return "{" in self.opened

    def read(self, token: Token) -> None:
        """Move past a token."""
        kind = token.kind
        self.closed_braces = kind == "CLOSE"
        if kind in ("LEFT", "OPEN"):
            self.opened.append(token.text)
        elif kind in ("RIGHT", "CLOSE") and self.opened:
            self.opened.pop()
        if kind in _BEFORE_CONDITION or (self.expects == "field" and token.text.lower() == "exists"):
            self.expects = "field"
        elif kind == "OPERATOR":
            self.operator, self.expects = token.text, "value"
        elif self.expects == "field" and kind == "FIELD":
            self.field, self.expects = token.text, "operator"
        else:
            # a closing bracket, the value, or a further word of a text
            self.expects = "joiner"

    def candidates(self, known: Vocabulary) -> list[Candidate]:
        if self.expects == "field":
            return [
                *_field_candidates(known),
                *(Candidate(word, word, KEYWORDS[word]) for word in ("NOT", "EXISTS", "{", "(")),
            ]
        if self.expects == "operator":
            return self._operators()
        if self.expects == "value":
            return self._values(known)
        return self._joiners()

    def _joiners(self) -> list[Candidate]:
        closing = [{"(": ")", "{": "}"}[self.opened[-1]]] if self.opened else []
        words = ("AND", "OR", ">>") if self.closed_braces else ("AND", "OR")
        return [
            *(Candidate(word, word, KEYWORDS[word]) for word in words),
            *(Candidate(sign, sign, "closes the group") for sign in closing),
        ]

    def _known_field(self) -> Field | None:
        return field_named(self.field, self.in_braces)

    def _operators(self) -> list[Candidate]:
        kind = self._known_field()
        signs = _OPERATORS.get(kind.type, _ORDERED_FIRST) if kind else _COMPARISONS
        found = [Candidate(sign, sign, KEYWORDS[sign]) for sign in signs]
        joiners = self._joiners() if kind is None or kind.can_lack else []
        return [*joiners, *found] if kind and kind.type is Type.FLAG else [*found, *joiners]

    def _values(self, known: Vocabulary) -> list[Candidate]:
        kind = self._known_field()
        if kind is None:
            attribute = attribute_named(self.field)
            return self._quoted(known.attributes.get(attribute.key, ()) if attribute is not None else ())
        if kind.type is Type.FLAG:
            return [Candidate(word, word) for word in ("true", "false")]
        if kind.type is Type.CHOICE:
            return self._quoted(kind.choices)
        if kind.name in ("duration", "trace.duration"):
            return [Candidate(text, text, note) for text, note in known.durations]
        if kind.name == "trace.response":
            return [Candidate(text, text, note) for text, note in known.responses]
        texts = {
            "service": known.services,
            "operation": known.operations,
            "message": known.messages,
            "trace.name": known.trace_names,
            "root.service": known.root_services,
            "root.operation": known.root_operations,
        }
        return self._quoted(texts.get(kind.name, ()))

    def _quoted(self, texts: Iterable[str]) -> list[Candidate]:
        if self.operator in ("=~", "!~"):
            return [Candidate(quoted(re.escape(text)), text) for text in texts]
        return [Candidate(quoted(text), text) for text in texts]


def _field_candidates(known: Vocabulary) -> list[Candidate]:
    named = [Candidate(name, name, found.help) for name, found in FIELDS.items()]
    return named + [Candidate(attribute_field(key), key, "attribute") for key in known.attributes]


def _filtered(candidates: list[Candidate], partial: str) -> list[Candidate]:
    """Select the candidates that begin with the typed text, then those that contain it."""
    wanted = partial.lower()
    bare = wanted.strip("\"'`")
    if wanted.startswith("attr."):
        bare = wanted.removeprefix("attr.").strip("\"'`")
    first: list[Candidate] = []
    later: list[Candidate] = []
    for candidate in candidates:
        shown = candidate.shown.lower()
        if shown.startswith(bare) or candidate.insert.lower().startswith(wanted):
            first.append(candidate)
        elif bare in shown:
            later.append(candidate)
    if partial and len(first) == 1 and not later and first[0].insert == partial:
        return []
    return (first + later)[:MAX_CANDIDATES]


def holds_secret(text: str) -> bool:
    """Test whether a query may contain a secret: a value that looks like one, or the value of a secret attribute."""
    words = (token.text for token in tokens(text) if not token.text.startswith('"'))
    names = (part for word in words if "." in word or word.startswith("`") for part in _NAME_PARTS.split(word))
    return looks_secret(text) or any(map(names_secret, names))
