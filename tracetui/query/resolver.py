"""Resolution of a parsed query: look up fields, check values, bind comparisons to traces or spans."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Final

from tracetui.model.times import find_clock, find_duration, find_time
from tracetui.query.ast import (
    AlternativesNode,
    ComparisonNode,
    ConjunctionNode,
    DescendantNode,
    NegationNode,
    SpanNode,
    Syntax,
    TextNode,
)
from tracetui.query.errors import QueryError, nearest
from tracetui.query.fields import (
    ALIASES,
    FIELDS,
    RESERVED,
    SCOPES,
    Attribute,
    Field,
    Type,
    attribute_named,
    field_named,
)
from tracetui.query.lexer import Token, unquoted
from tracetui.query.literals import ORDERINGS, Literal, find_number
from tracetui.query.predicates import And, AnySpan, Descendants, Not, Or, Predicate, Test, Word, cheapest_first, negated
from tracetui.query.safe_regex import Pattern

_POSITIVE: Final = {"!=": "=", "!~": "=~"}
_ALLOWED: Final = {
    Type.TEXT: ("=", "!=", "=~", "!~"),
    Type.ID: ("=", "!=", "=~", "!~"),
    Type.CHOICE: ("=", "!=", "=~", "!~"),
    Type.FLAG: ("=", "!="),
    Type.NUMBER: ("=", "!=", ">", ">=", "<", "<="),
    Type.DURATION: ("=", "!=", ">", ">=", "<", "<="),
    Type.TIME: ("=", "!=", ">", ">=", "<", "<="),
}
_TYPE_NAMES: Final = {
    Type.TEXT: "text",
    Type.ID: "an id",
    Type.CHOICE: "one of a few words",
    Type.FLAG: "true or false",
    Type.NUMBER: "a number",
    Type.DURATION: "a duration",
    Type.TIME: "a time",
}
_EXAMPLES: Final = {
    Type.TEXT: "= NAME",
    Type.ID: "= ID",
    Type.NUMBER: "> 0",
    Type.DURATION: "> 500ms",
    Type.TIME: ">= 2024-05-01T10:03Z",
}
_INNER_BRACES: Final = "remove the inner braces: they have no effect"


def resolve(text: str, syntax: Syntax) -> Predicate:
    """Build the predicate of a syntax tree. `text` is its query. Raises QueryError for an invalid one."""
    return _Resolver(text).node(syntax, in_braces=False)


class _Resolver:
    """Resolves the nodes of one query."""

    def __init__(self, text: str) -> None:
        self.text = text

    def error(self, word: Token, reason: str, hint: str = "") -> QueryError:
        return QueryError(self.text, word.start, len(word.text), reason, hint)

    def node(self, syntax: Syntax, in_braces: bool) -> Predicate:
        match syntax:
            case NegationNode(part=part):
                return negated(self.node(part, in_braces))
            case ConjunctionNode(parts=parts):
                nodes = [self.node(part, in_braces) for part in parts]
                self.check_window(nodes)
                return And(cheapest_first(nodes))
            case AlternativesNode(parts=parts):
                return Or(cheapest_first([self.node(part, in_braces) for part in parts]))
            case SpanNode(part=part, opening=opening):
                if in_braces:
                    raise self.error(opening, _INNER_BRACES)
                return AnySpan(self.node(part, True))
            case DescendantNode(parts=parts):
                if in_braces:
                    raise self.error(parts[0].opening, _INNER_BRACES)
                return Descendants(tuple(self.node(part.part, True) for part in parts))
            case ComparisonNode():
                return self.comparison(syntax, in_braces)
            case TextNode(words=[word]):
                return self.single_word(word, in_braces)
            case TextNode(words=words):
                return self.words(words, in_braces)

    def check_window(self, nodes: Sequence[Predicate]) -> None:
        """Raise QueryError at the second of two time limits, in the order of the text, if they leave no time."""
        begin = end = None
        for node in nodes:
            limit = _limit(node)
            if limit is None:
                continue
            is_begin, _, value = limit
            if is_begin:
                begin = max(begin or limit[1:], limit[1:], key=itemgetter(0))
            else:
                end = min(end or limit[1:], limit[1:], key=itemgetter(0))
            if begin is None or end is None or begin[0] < end[0]:
                continue
            word = Token(self.text[value.position : value.position + value.length], value.position)
            if is_begin:
                raise self.error(word, f"the time range begins here, after its end at {end[1].text}")
            raise self.error(word, f"the time range ends here, before its beginning at {begin[1].text}")

    def comparison(self, syntax: ComparisonNode, in_braces: bool) -> Predicate:
        field = self.field(syntax.field, in_braces)
        if syntax.operator is None or syntax.value is None:
            test = self.presence(syntax.field, field)
            holds = True
        else:
            operation = syntax.operator.text.replace("==", "=")
            value = self.literal(syntax.value, operation)
            if isinstance(field, Attribute):
                test = self.attribute_test(field, operation, syntax.value, value)
            else:
                test = self.field_test(field, operation, syntax, value)
            holds = True
            if test.value is not None and isinstance(field, Field) and field.type is Type.FLAG:
                holds = (test.value.text.lower() == "true") is (operation == "=")
                test = Test(field, "exists")
            elif not in_braces and not _is_of_traces(field) and operation in _POSITIVE:
                holds = False
                test = replace(test, operation=_POSITIVE[operation])
        found: Predicate = test if in_braces or _is_of_traces(field) else AnySpan(test)
        return found if holds else Not(found)

    def single_word(self, word: Token, in_braces: bool) -> Predicate:
        """Resolve a word alone: a field that is present, or text."""
        name = word.text
        if word.kind == "QUOTED":
            return Word(unquoted(name))
        known = field_named(name, in_braces) is not None or name.startswith((*SCOPES, ".", "`", *RESERVED))
        field, colon, _ = name.partition(":")
        if known or (colon and field in FIELDS):
            return self.comparison(ComparisonNode(word), in_braces)
        text = Word(name)
        if "." not in name.strip("."):
            return text
        return Or((self.comparison(ComparisonNode(word), in_braces), text))

    def words(self, words: Sequence[Token], in_braces: bool) -> Predicate:
        """Resolve several words, which one span contains."""
        first, second = words[:2]
        if first.text in FIELDS and (find_number(second.text) is not None or find_duration(second.text) is not None):
            raise self.error(second, f"expected an operator after {first.text}, found {second.text}")
        together = And(tuple(Word(unquoted(word.text) if word.kind == "QUOTED" else word.text) for word in words))
        return together if in_braces else AnySpan(together)

    def field(self, word: Token, in_braces: bool) -> Field | Attribute:
        found = field_named(word.text, in_braces) or attribute_named(word.text)
        if found is not None:
            return found
        raise self.unknown(word)

    def unknown(self, word: Token) -> QueryError:
        name = word.text
        field, colon, value = name.partition(":")
        if colon and (field in FIELDS or "." in field):
            return self.error(word, f"no field {name}", f"write the comparison as {field} = {value or 'VALUE'}")
        if find_number(name) is not None or find_duration(name) is not None:
            return self.error(word, f"expected a field, found {name}", "a comparison begins with a field")
        suggestion = nearest(name, [*FIELDS, *ALIASES, "AND", "OR", "NOT", "EXISTS"])
        hint = f"for an attribute of that name write attr.{name}" if name.strip(".") == name else ""
        if suggestion:
            return self.error(word, f"no field {name}; did you mean {suggestion}?", hint)
        return self.error(word, f"no field {name}", f"{hint}; fields: {', '.join(FIELDS)}".lstrip("; "))

    def presence(self, word: Token, field: Field | Attribute) -> Test:
        if isinstance(field, Field) and not field.can_lack:
            owner = "trace" if field.of_traces else "span"
            raise self.error(
                word,
                f"every {owner} has a {word.text}; compare it with a value",
                f'for example {word.text} {_EXAMPLES[field.type]}; to search for the word write "{word.text}"',
            )
        return Test(field, "exists")

    def literal(self, word: Token, operation: str) -> Literal:
        text = unquoted(word.text)
        literal = Literal(text, word.kind == "QUOTED", word.start, len(word.text))
        if operation not in ("=~", "!~"):
            return literal
        try:
            return replace(literal, pattern=Pattern(text, literal.position, literal.length))
        except re.error as error:
            raise self.error(word, f"not a regular expression: {error}") from None
        except (OverflowError, RecursionError, MemoryError):
            raise self.error(word, "not a regular expression: too large") from None

    def attribute_test(self, field: Attribute, operation: str, word: Token, value: Literal) -> Test:
        if operation in ORDERINGS and value.number is None:
            hint = ""
            if find_duration(value.text) is not None:
                hint = "attribute values have no unit; write just the number"
            raise self.error(word, f"{operation} on an attribute needs a number, found {word.text}", hint)
        return Test(field, operation, value)

    def field_test(self, field: Field, operation: str, syntax: ComparisonNode, value: Literal) -> Test:
        operator, word = syntax.operator, syntax.value
        assert operator is not None
        assert word is not None
        name = syntax.field.text
        allowed = _ALLOWED[field.type]
        if operation not in allowed:
            raise self.error(
                operator, f"{name} is {_TYPE_NAMES[field.type]}; it can be compared with {' '.join(allowed)} only"
            )
        if field.type is Type.NUMBER and value.number is None:
            raise self.error(word, f"{name} is compared with a number, found {word.text}")
        if field.type is Type.DURATION and find_duration(value.text) is None:
            if find_number(value.text) is not None:
                raise self.error(word, f"{name} needs a unit (ns us ms s m h d), for example {value.text}ms")
            raise self.error(word, f"{name} is compared with a duration such as 500ms, found {word.text}")
        if field.type is Type.TIME and find_time(value.text) is None and find_clock(value.text) is None:
            raise self.error(
                word, f"{name} is compared with a time such as 2024-05-01T10:03Z or 10:03, found {word.text}"
            )
        if field.type is Type.FLAG and not value.is_truth:
            raise self.error(word, f"{name} is true or false, found {word.text}")
        if field.type is Type.CHOICE and value.pattern is None:
            chosen = value.text.lower()
            if chosen not in field.choices:
                suggestion = nearest(chosen, field.choices)
                hint = f"did you mean {suggestion}?" if suggestion else ""
                raise self.error(word, f"{name} is one of {', '.join(field.choices)}, found {word.text}", hint)
            value = replace(value, text=chosen)
        return Test(field, operation, value)


def _is_of_traces(field: Field | Attribute) -> bool:
    return isinstance(field, Field) and field.of_traces


def _limit(node: Predicate) -> tuple[bool, int, Literal] | None:
    """Read a limit of time. -> True for a lower limit; the first time within it, or after it; its value"""
    if not isinstance(node, Test) or not isinstance(node.field, Field) or node.field.type is not Type.TIME:
        return None
    if node.value is None or node.operation not in ORDERINGS:
        return None
    moment = find_time(node.value.text)
    if moment is None:
        # a time of day, whose date depends on the traces
        return None
    return node.operation[0] == ">", moment + (node.operation in (">", "<=")), node.value
