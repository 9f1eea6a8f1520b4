"""Tokens of the query language, for the parser, completion, push-down and edits of filters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_NAME: Final = r"""[^\s(){}"'`!=<>~&|]"""
_VALUE: Final = r"""[^\s(){}"'`!=<>&|]"""
_IN_QUOTES: Final = r""""(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])*+'"""
_OPEN_QUOTES: Final = r""""(?:\\.|[^"\\])*+\\?|'(?:\\.|[^'\\])*+\\?|`[^`]*+"""
_SCOPE: Final = r"(?:attr|span|resource|event)"
_KEYWORD: Final = frozenset({"and", "or", "not"})


def _token(characters: str, kind: str) -> re.Pattern[str]:
    """Compile the pattern of a token at a position where words are of this kind and of these characters."""
    return re.compile(
        rf"""\s*(?:
          (?P<AND>(?i:and)(?!{_NAME})|&&)
        | (?P<OR>(?i:or)(?!{_NAME})|\|\|)
        | (?P<OPERATOR>=~|!~|!=|>=|<=|==|=|>(?!>)|<)
        | (?P<NOT>(?i:not)(?!{_NAME})|!)
        | (?P<BELOW>>>)
        | (?P<LEFT>\() | (?P<RIGHT>\)) | (?P<OPEN>{{) | (?P<CLOSE>}})
        | (?P<FIELD_IN_QUOTES>{_SCOPE}\.(?:{_IN_QUOTES})|(?:{_SCOPE}?\.)?`[^`]*+`)
        | (?P<QUOTED>{_IN_QUOTES})
        | (?P<UNCLOSED>(?:{_SCOPE}\.)?(?:{_OPEN_QUOTES})|\.`[^`]*+)
        | (?P<{kind}>{characters}+)
        | (?P<OTHER>\S)
        )""",
        re.VERBOSE | re.DOTALL,
    )


_AT_NAME: Final = _token(_NAME, "FIELD")
_AT_VALUE: Final = _token(_VALUE, "WORD")
_BEFORE_CONDITION: Final = frozenset({"", "AND", "OR", "NOT", "LEFT", "OPEN"})
_BEFORE_FIELD: Final = re.compile(rf"\s+(?!(?i:and|or)\b)(?:{_NAME}|`)")
_ESCAPED: Final = re.compile(r"""\\(["'\\])""")
_PLAIN: Final = re.compile(f"{_NAME}+")


class Token(NamedTuple):
    """Token of a query's text, its start, and its kind.

    Kinds: AND, OR, NOT, EXISTS, BELOW (`>>`), OPERATOR, LEFT, RIGHT, OPEN and CLOSE (braces), FIELD (a name, or a word
    to search), WORD (a value), QUOTED, UNCLOSED (a quote is not closed), OTHER (a character that means nothing here).
    """

    text: str
    start: int
    kind: str = ""

    @property
    def stop(self) -> int:
        return self.start + len(self.text)

    @property
    def is_plain(self) -> bool:
        """True for names, keywords and values that need no quotes."""
        return _PLAIN.fullmatch(self.text) is not None


def tokens(text: str) -> Iterator[Token]:
    """Split a query into tokens, even if it is incomplete or wrong."""
    at, before = 0, ""
    while match := (_AT_VALUE if before == "OPERATOR" else _AT_NAME).match(text, at):
        group, at = str(match.lastgroup), match.end()
        kind = "FIELD" if group == "FIELD_IN_QUOTES" else group
        if match[group].lower() == "exists" and before in _BEFORE_CONDITION and _BEFORE_FIELD.match(text, at):
            kind = "EXISTS"
        yield Token(match[group], match.start(group), kind)
        before = kind


def quoted(value: str) -> str:
    """Format a value for a query, in quotes only if needed."""
    if _PLAIN.fullmatch(value) and value.lower() not in _KEYWORD and value.isprintable():
        return value
    return in_quotes(value)


def in_quotes(text: str) -> str:
    """Put a text in double quotes, with backslashes before quotes and backslashes."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def unquoted(text: str) -> str:
    """Return the text that a value or name in a query means: quotes removed, and backslashes before quotes."""
    if text[:1] == "`":
        return text[1:-1]
    return _ESCAPED.sub(r"\1", text[1:-1]) if text[:1] in ("'", '"') else text
