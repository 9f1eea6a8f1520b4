"""Parse the text of a query, with errors that point at the wrong word."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from tracetui.analysis.span_search import SEARCHED
from tracetui.model.traces import TraceSet
from tracetui.query import evaluate, resolver
from tracetui.query.ast import (
    AlternativesNode,
    ComparisonNode,
    ConjunctionNode,
    DescendantNode,
    NegationNode,
    SpanNode,
    Syntax,
    TextNode,
    joined,
)
from tracetui.query.errors import QueryError
from tracetui.query.lexer import Token, tokens
from tracetui.query.predicates import Predicate, words_in
from tracetui.query.safe_regex import SlowPatternError

if TYPE_CHECKING:
    from lark import Lark, UnexpectedToken
    from lark import Token as LarkToken

MAX_DEPTH: Final = 50
"""Deepest nesting of AND, OR, NOT and braces. Redundant parentheses do not count."""

_MAX_NAMED: Final = 3
_GRAMMAR: Final = r"""
start: any_of
?any_of: all_of (OR all_of)*
?all_of: negatable (AND negatable)*
?negatable: NOT negatable -> negation
          | condition
?condition: LEFT any_of RIGHT -> group
          | spans
          | FIELD OPERATOR (WORD | QUOTED) -> comparison
          | EXISTS FIELD -> presence
          | (FIELD | QUOTED)+ -> words

?spans: span (BELOW span)* -> descent
span: OPEN any_of CLOSE

%declare AND OR NOT EXISTS BELOW OPERATOR FIELD WORD QUOTED LEFT RIGHT OPEN CLOSE
"""

_CLOSING: Final = {"(": ")", "{": "}"}
_STRUCTURE_KINDS: Final = frozenset({"AND", "OR", "NOT", "BELOW", "OPERATOR", "OTHER"})


@dataclass(frozen=True, slots=True)
class Query:
    """Query for any trace set. Queries with equal texts are equal."""

    text: str
    root: Predicate = field(compare=False, repr=False)
    """The resolved predicate."""

    def __str__(self) -> str:
        return self.text

    @property
    def words(self) -> list[str]:
        """Words of the query that are searched without a field."""
        return list(dict.fromkeys(words_in(self.root)))

    def matches(self, traces: TraceSet, among: np.ndarray | None = None) -> np.ndarray:
        """Find the traces that meet the query, within the mask `among` (bool[traces]) if given: bool[traces].

        Raises QueryError if a regular expression takes too long.
        """
        with self._slow_patterns_as_errors():
            return evaluate.matching_traces(self.root, traces, among)

    def matches_in_parts(
        self, traces: TraceSet, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Find the traces that meet the query as `matches` does, in parts, so that the first are known soon.

        Yields the number of traces searched so far, and the positions of those of the last part that meet the query:
        int64[k], ascending. Raises SearchStoppedError once `stopped` returns true.
        """
        with self._slow_patterns_as_errors():
            yield from evaluate.matching_traces_in_parts(self.root, traces, stopped)

    def matching_spans(self, traces: TraceSet) -> np.ndarray:
        """Find the spans by which traces meet the query: bool[n].

        These are the spans of matching traces that meet a comparison on spans or the conditions in braces. Conditions
        that are negated for the trace, and conditions on the trace itself, have no spans. Raises QueryError as
        `matches` does.
        """
        with self._slow_patterns_as_errors():
            return evaluate.matching_spans(self.root, traces)

    @contextmanager
    def _slow_patterns_as_errors(self) -> Generator[None]:
        try:
            yield
        except SlowPatternError as error:
            raise QueryError(self.text, error.position, error.length, str(error)) from None


def parse(text: str) -> Query:
    """Parse a query.

    Raises QueryError for invalid syntax or meaning (an unknown field, a duration without a unit).
    """
    if not text.strip():
        raise QueryError(text, 0, 1, 'the query is empty; write for example "duration > 500ms AND service = api"')
    return Query(text, resolver.resolve(text, syntax_of(text)))


def syntax_of(text: str) -> Syntax:
    """Return the syntax tree of a query, whose names and values may be invalid. Raises QueryError."""
    from lark import UnexpectedToken

    try:
        syntax: Any = _parser().parse(text)
    except UnexpectedToken as error:
        raise _query_error(text, error) from None
    except _TooDeepError as error:
        raise QueryError(text, error.position, 1, f"conditions are nested more than {MAX_DEPTH} levels deep") from None
    return cast("Syntax", syntax)


def searched_words(text: str) -> list[str]:
    """List the words that a valid query searches for."""
    return parse(text).words if text.strip() else []


def where_searched(text: str) -> str:
    """Describe where the words of a valid query were searched; '' for a query without words."""
    words = searched_words(text)
    named = ", ".join(f'"{word}"' for word in words[:_MAX_NAMED]) + (", ..." if len(words) > _MAX_NAMED else "")
    return f"searched {named} in {SEARCHED}" if words else ""


def has_words_only(text: str) -> bool:
    """Test whether a valid query has neither comparisons nor AND, OR or NOT."""
    return not any(token.kind in _STRUCTURE_KINDS for token in tokens(text))


class _TooDeepError(Exception):
    def __init__(self, position: int) -> None:
        self.position = position


@cache
def _parser() -> Lark:
    import lark

    class Lexer(lark.lexer.Lexer):
        def __init__(self, _: object) -> None: ...

        def lex(self, text: str) -> Iterator[LarkToken]:  # type: ignore[override]
            return (lark.Token(token.kind, token, token.start) for token in tokens(text))

    class Builder(lark.Transformer[Any, Syntax]):
        def start(self, children: list[Syntax]) -> Syntax:
            return children[0]

        def any_of(self, children: list[Any]) -> Syntax:
            return joined(AlternativesNode, children[::2])

        def all_of(self, children: list[Any]) -> Syntax:
            return joined(ConjunctionNode, children[::2])

        def negation(self, children: list[Any]) -> Syntax:
            part = children[1]
            return part.part if isinstance(part, NegationNode) else NegationNode(part, part.depth + 1)

        def group(self, children: list[Any]) -> Syntax:
            return _within_limit(children[0], children[1])

        def descent(self, children: list[Any]) -> Syntax:
            parts = children[::2]
            return parts[0] if len(parts) == 1 else DescendantNode(tuple(parts), max(part.depth for part in parts))

        def span(self, children: list[Any]) -> Syntax:
            part = _within_limit(children[0], children[1])
            return SpanNode(part, children[0].value, part.depth + 1)

        def comparison(self, children: list[LarkToken]) -> Syntax:
            return ComparisonNode(*(child.value for child in children))

        def presence(self, children: list[LarkToken]) -> Syntax:
            return ComparisonNode(children[1].value)

        def words(self, children: list[LarkToken]) -> Syntax:
            return TextNode(tuple(child.value for child in children))

    return lark.Lark(_GRAMMAR, parser="lalr", lexer=Lexer, transformer=Builder(), maybe_placeholders=False)


def _within_limit(opening: LarkToken, part: Syntax) -> Syntax:
    if part.depth >= MAX_DEPTH:
        raise _TooDeepError(opening.start_pos or 0)
    return part


def _query_error(text: str, error: UnexpectedToken) -> QueryError:
    if error.token.type == "$END":
        return QueryError(text, len(text.rstrip()), 0, *_reason(text, len(text), "", error.accepts))
    token: Token = error.token.value
    found, position = token.text, token.start
    if token.kind == "UNCLOSED":
        found = next(character for character in found if character in "\"'`")
        return QueryError(text, token.text.index(found) + position, 1, f"unclosed quote {found}")
    return QueryError(text, position, len(found), *_reason(text, position, found, error.accepts))


def _reason(text: str, position: int, found: str, expected: set[str]) -> tuple[str, str]:
    here = f"found {found}" if found else "but the query ends"
    if "WORD" in expected:
        return f"expected a value, {here}", 'quote a value with blanks or special characters: "a b"'
    if "NOT" in expected:
        return f"expected a word or a field such as service or duration, {here}", ""
    before = [token for token in tokens(text) if token.start < position]
    opened = _unclosed(before)
    if opened is None and found in (")", "}"):
        return f"unmatched {found}", ""
    following = f"AND, OR or {'the end of the query' if opened is None else _CLOSING[opened]}"
    if "OPERATOR" in expected:
        return f"expected an operator (= != > >= < <= =~ !~), {following}, {here}", ""
    hint = ""
    if found[:1] in tuple("=!<>") and before[-1].kind == "QUOTED":
        hint = f"write a quoted field as attr.{before[-1].text}"
    elif found[:1] in tuple("=!<>"):
        hint = "write AND between words and a comparison"
    elif found in ("&", "|"):
        hint = f"write {found * 2}, or quote a value that contains {found}"
    elif found and found not in "(){}":
        hint = "join comparisons with AND or OR; quote a value of several words"
    return f"expected {following}, {here}", hint


def _unclosed(before: list[Token]) -> str | None:
    """Find the bracket that is open after these tokens; None for none."""
    opened: list[str] = []
    for token in before:
        if token.text in _CLOSING:
            opened.append(token.text)
        elif token.text in _CLOSING.values() and opened:
            opened.pop()
    return opened[-1] if opened else None
