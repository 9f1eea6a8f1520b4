"""Parse the text of a query, with errors that point at the wrong word."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

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
    QueryWord,
    SpanNode,
    Syntax,
    TextNode,
    joined,
)
from tracetui.query.errors import QueryError
from tracetui.query.predicates import Predicate, words_in
from tracetui.query.safe_regex import SlowPatternError

if TYPE_CHECKING:
    from lark import Lark, Token, UnexpectedInput

MAX_DEPTH: Final = 50
"""Deepest nesting of AND, OR, NOT and braces. Redundant parentheses do not count."""

_NAMED: Final = 3
_GRAMMAR: Final = r"""
start: any_of
?any_of: all_of (_OR all_of)*
?all_of: negatable (_AND negatable)*
?negatable: _NOT negatable -> negation
          | condition
?condition: LEFT any_of _RIGHT -> group
          | spans
          | FIELD OPERATOR (WORD | QUOTED) -> comparison
          | _EXISTS FIELD -> presence
          | (FIELD | QUOTED)+ -> words

?spans: span (_BELOW span)* -> descent
span: OPEN any_of _CLOSE

_BELOW.3: ">>"
_AND.3: /(?i:and)(?![^\s(){}"'`!=<>~&|])|&&/
_OR.3: /(?i:or)(?![^\s(){}"'`!=<>~&|])|\|\|/
_NOT.3: /(?i:not)(?![^\s(){}"'`!=<>~&|])|!/
_EXISTS.3: /(?i:exists)(?=\s+[^\s(){}"'!=<>~&|])(?!\s+(?i:and|or)\b)/
OPERATOR.2: /=~|!~|!=|>=|<=|==|=|>|</
FIELD: KEY_IN_QUOTES | NAME
KEY_IN_QUOTES: /(attr|resource)?\.?`[^`]+`|(attr|resource)\.("(\\.|[^"\\])+"|'(\\.|[^'\\])+')/
NAME: /(?!(?i:and|or|not)(?![^\s(){}"'`!=<>~&|]))[^\s(){}"'`!=<>~&|]+/
WORD: /(?!(?i:and|or|not)(?![^\s(){}"'`!=<>~&|]))[^\s(){}"'`!=<>&|]+/
QUOTED: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/s
LEFT: "("
_RIGHT: ")"
OPEN: "{"
_CLOSE: "}"
%ignore /\s+/
"""

_CLOSING: Final = {"(": ")", "{": "}"}
_PIECES: Final = re.compile(
    r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[(){}]|[^\s(){}"'`!=<>~&|]+|[!=<>~&|]+|.""", re.S
)

_OPERATOR: Final = re.compile(r"[!=<>~&|]+|(?i:and|or|not)")


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
        with self._slow_patterns_reported():
            return evaluate.matching_traces(self.root, traces, among)

    def matches_in_parts(
        self, traces: TraceSet, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Find the traces that meet the query as `matches` does, in parts, so that the first are known soon.

        Yields the number of traces searched so far, and the positions of those of the last part that meet the query:
        int64[k], ascending. Raises SearchStoppedError once `stopped` returns true.
        """
        with self._slow_patterns_reported():
            yield from evaluate.matching_traces_in_parts(self.root, traces, stopped)

    def matching_spans(self, traces: TraceSet) -> np.ndarray:
        """Find the spans by which traces meet the query: bool[n].

        These are the spans of matching traces that meet a comparison on spans or the conditions in braces. Conditions
        that are negated for the trace, and conditions on the trace itself, have no spans. Raises QueryError as
        `matches` does.
        """
        with self._slow_patterns_reported():
            return evaluate.matching_spans(self.root, traces)

    @contextmanager
    def _slow_patterns_reported(self) -> Generator[None]:
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
    from lark import UnexpectedInput

    try:
        syntax: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise _explained(text, error) from None
    except _TooDeepError as error:
        raise QueryError(text, error.position, 1, f"conditions are nested more than {MAX_DEPTH} levels deep") from None
    return Query(text, resolver.resolve(text, syntax))


def where_searched(text: str) -> str:
    """Describe where the words of a valid query were searched; '' for a query without words."""
    words = parse(text).words if text.strip() else []
    named = ", ".join(f'"{word}"' for word in words[:_NAMED]) + (", ..." if len(words) > _NAMED else "")
    return f"searched {named} in {SEARCHED}" if words else ""


def has_words_only(text: str) -> bool:
    """Test whether a valid query has neither comparisons nor AND, OR or NOT."""
    return not any(_OPERATOR.fullmatch(piece) for piece in _PIECES.findall(text))


class _TooDeepError(Exception):
    def __init__(self, position: int) -> None:
        self.position = position


@cache
def _parser() -> Lark:
    from lark import Lark, Transformer

    class Builder(Transformer[Any, Syntax]):
        def start(self, children: list[Syntax]) -> Syntax:
            return children[0]

        def any_of(self, children: list[Syntax]) -> Syntax:
            return joined(AlternativesNode, children)

        def all_of(self, children: list[Syntax]) -> Syntax:
            return joined(ConjunctionNode, children)

        def negation(self, children: list[Syntax]) -> Syntax:
            part = children[0]
            return part.part if isinstance(part, NegationNode) else NegationNode(part, part.depth + 1)

        def group(self, children: list[Any]) -> Syntax:
            return _within_limit(children[0], children[1])

        def descent(self, children: list[SpanNode]) -> Syntax:
            depth = max(part.depth for part in children)
            return children[0] if len(children) == 1 else DescendantNode(tuple(children), depth)

        def span(self, children: list[Any]) -> Syntax:
            part = _within_limit(children[0], children[1])
            return SpanNode(part, _word(children[0]), part.depth + 1)

        def comparison(self, children: list[Token]) -> Syntax:
            field, operator, value = map(_word, children)
            return ComparisonNode(field, operator, value)

        def presence(self, children: list[Token]) -> Syntax:
            return ComparisonNode(_word(children[0]))

        def words(self, children: list[Token]) -> Syntax:
            return TextNode(tuple(map(_word, children)))

    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=Builder(), maybe_placeholders=False)


def _word(token: Token) -> QueryWord:
    return QueryWord(str(token), token.start_pos or 0)


def _within_limit(opening: Token, part: Syntax) -> Syntax:
    if part.depth >= MAX_DEPTH:
        raise _TooDeepError(opening.start_pos or 0)
    return part


def _explained(text: str, error: UnexpectedInput) -> QueryError:
    position = error.pos_in_stream if error.pos_in_stream is not None else len(text)
    expected: set[str] = getattr(error, "accepts", None) or getattr(error, "allowed", None) or set()
    # the end of the query has the position of the last word
    at_end = getattr(getattr(error, "token", None), "type", "") == "$END"
    if at_end or not text[position:].strip():
        position = len(text.rstrip())
    piece = _PIECES.match(text.rstrip(), position)
    found = piece[0] if piece else ""
    return QueryError(text, position, len(found), *_reason(text, position, found, expected))


def _reason(text: str, position: int, found: str, expected: set[str]) -> tuple[str, str]:
    here = f"found {found}" if found else "but the query ends"
    if found in ('"', "'", "`"):
        return f"unclosed quote {found}", ""
    if "WORD" in expected:
        return f"expected a value, {here}", 'quote a value with blanks or special characters: "a b"'
    if "_NOT" in expected:
        return f"expected a word or a field such as service or duration, {here}", ""
    opened = _unclosed(text, position)
    if opened is None and found in (")", "}"):
        return f"unmatched {found}", ""
    following = f"AND, OR or {'the end of the query' if opened is None else _CLOSING[opened]}"
    if "OPERATOR" in expected:
        return f"expected an operator (= != > >= < <= =~ !~), {following}, {here}", ""
    hint = ""
    before = [match[0] for match in _PIECES.finditer(text, 0, position) if not match[0].isspace()]
    if found[:1] in tuple("=!<>") and before[-1][:1] in ('"', "'"):
        hint = f"write a quoted field as attr.{before[-1]}"
    elif found[:1] in tuple("=!<>"):
        hint = "write AND between words and a comparison"
    elif found in ("&", "|"):
        hint = f"write {found * 2}, or quote a value that contains {found}"
    elif found and found not in "(){}":
        hint = "join comparisons with AND or OR; quote a value of several words"
    return f"expected {following}, {here}", hint


def _unclosed(text: str, position: int) -> str | None:
    """Find the bracket that is open at a position; None for none."""
    opened: list[str] = []
    for match in _PIECES.finditer(text, 0, position):
        if match[0] in _CLOSING:
            opened.append(match[0])
        elif match[0] in _CLOSING.values() and opened:
            opened.pop()
    return opened[-1] if opened else None
