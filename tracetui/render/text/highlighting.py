"""SQL and JSON texts: line breaks and indentation, the roles of their parts, and values wrapped to lines."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator

from tracetui.model.span import Value
from tracetui.model.sql import is_sql
from tracetui.render.text.attributes import INLINE_CHARACTERS, indented, text_size, value_text, wrapped
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

MAX_COLOURED = 20_000
"""Longest line in characters whose parts have roles."""
_MAX_STATEMENT = 200_000
_EXAMINED = 2_000
_MAX_DEPTH = 16
"""Depth of subqueries below which they are not indented further."""
_LITERAL = r"'(?:[^']++|'')*+(?:'|\Z)"
_QUOTED = r'"[^"]*+(?:"|\Z)|`[^`]*+(?:`|\Z)'
_COMMENT = r"--[^\n]*|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_NUMBER = r"(?<![\w$.@:])[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?!\w)"
_KEYWORDS = frozenset(
    "ALL AND ANY AS ASC BETWEEN BY CASE CAST CONFLICT CROSS DEFAULT DELETE DESC DISTINCT DO DUPLICATE ELSE END EXCEPT "
    "EXISTS FETCH FIRST FOR FROM FULL GROUP HAVING IN INNER INSERT INTERSECT INTO IS JOIN KEY LAST LATERAL LEFT LIKE "
    "LIMIT MERGE NATURAL NEXT NOT NOTHING NULL NULLS OFFSET ON ONLY OR ORDER OUTER OVER PARTITION RECURSIVE REPLACE "
    "RETURNING RIGHT ROWS SELECT SET THEN UNION UPDATE UPSERT USING VALUES WHEN WHERE WINDOW WITH".split()
)
_SQL_PARTS = re.compile(
    rf"(?P<comment>{_COMMENT})|(?P<literal>{_LITERAL}|{_NUMBER})|{_QUOTED}|(?P<word>[A-Za-z_]\w*)", re.DOTALL
)
_JSON_PARTS = re.compile(
    r'(?P<string>"(?:[^"\\]++|\\.)*+"?)(?P<key>\s*+:)?|(?P<constant>(?<![\w.])(?:-?[0-9][\w.+-]*|true|false|null)\b)'
)
_STEPS = re.compile(
    rf"""(?P<kept>{_COMMENT}|{_LITERAL}|{_QUOTED}|\bDELETE\s+FROM\b|\bDISTINCT\s+FROM\b)
    |(?P<between>\bBETWEEN\b)
    |(?P<clause>\b(?:SELECT|FROM|WHERE|GROUP\s+BY|ORDER\s+BY|HAVING|LIMIT|OFFSET|RETURNING|VALUES|SET|WINDOW
        |UNION(?:\s+ALL)?|INTERSECT|EXCEPT|ON\s+CONFLICT|ON\s+DUPLICATE|FOR\s+UPDATE
        |(?:NATURAL\s+)?(?:(?:LEFT|RIGHT|FULL|INNER|CROSS)\s+)?(?:OUTER\s+)?JOIN)\b)
    |(?P<joint>\b(?:AND|OR)\b)|(?P<open>\()|(?P<close>\))|(?P<blank>\s+)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_QUERY = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"\b(?:FROM|INTO|SET|VALUES|AS)\b|\b(?:from|into|set|values|as)\b")


class TextLanguage(enum.Enum):
    """Language of a text."""

    JSON = "json"
    SQL = "sql"


def language_of(text: str) -> TextLanguage | None:
    """Detect the language of a text by its beginning; None for other text."""
    if text[:1] in ("{", "["):
        return TextLanguage.JSON
    if not is_sql(text) or not _CLAUSE.search(text[:_EXAMINED]):
        return None
    verb = text[:_EXAMINED].split(None, 1)[0]
    if verb.upper() == "WITH" and "SELECT" not in text[:_EXAMINED].upper():
        return None
    # prose begins with a capital letter
    return TextLanguage.SQL if verb.isupper() or verb.islower() or not verb.isalpha() else None


def formatted(text: str) -> str:
    """Indent JSON, and break a statement that is on one line before its clauses; return any other text unchanged."""
    language = language_of(text)
    if language is TextLanguage.JSON:
        return indented(text)
    if language is TextLanguage.SQL and len(text) <= _MAX_STATEMENT and "\n" not in text.strip():
        return _clauses(text.strip())
    return text


def _clauses(text: str) -> str:
    """Break a statement before clauses and conditions, and indent subqueries."""
    parts: list[str] = []
    levels: list[bool] = []
    """For each open bracket, whether it encloses a subquery."""
    depth = 0
    between = False
    at = 0

    def break_line(extra: int = 0) -> None:
        if parts and parts[-1] == " ":
            parts.pop()
        if parts:
            parts.append("\n" + "  " * (min(depth, _MAX_DEPTH) + extra))

    for match in _STEPS.finditer(text):
        if at < match.start():
            parts.append(text[at : match.start()])
        at, found = match.end(), match[0]
        if match["blank"]:
            if parts and not parts[-1].isspace():
                parts.append(" ")
            continue
        is_query = not levels or levels[-1]
        if match["clause"] and is_query and not (parts and parts[-1].startswith("\n")):
            break_line()
        elif match["joint"] and is_query and not between:
            break_line(1)
        if match["joint"] or match["between"]:
            between = bool(match["between"])
        if match["close"] and levels and levels.pop():
            depth -= 1
            break_line()
        parts.append(found)
        if match["open"]:
            levels.append(_QUERY.match(text, at) is not None)
            if levels[-1]:
                depth += 1
                break_line()
    return "".join([*parts, text[at:]])


def parts(line: str, language: TextLanguage | None) -> Iterator[tuple[str, str]]:
    """Divide a line into parts, as (text, role)."""
    if language is None or len(line) > MAX_COLOURED:
        yield line, Role.PLAIN
        return
    at = 0
    for match in (_JSON_PARTS if language is TextLanguage.JSON else _SQL_PARTS).finditer(line):
        role = _role(match)
        if role:
            yield line[at : match.start()], Role.PLAIN
            yield match[0], role
            at = match.end()
    yield line[at:], Role.PLAIN


def _role(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if groups.get("comment"):
        return Role.DIM
    if groups.get("key") or (match.lastgroup == "word" and match[0].upper() in _KEYWORDS):
        return Role.KEYWORD
    return Role.LITERAL if match.lastgroup in ("literal", "string", "constant") else Role.PLAIN


def value_lines(value: Value, width: int, limit: int) -> list[Line] | None:
    """Format a value and wrap it to lines of at most `width` cells; None if there are more than `limit`."""
    if text_size(value) >= INLINE_CHARACTERS:
        return None
    text = value_text(value)
    language = language_of(text)
    lines: list[Line] = []
    for line in formatted(text).split("\n"):
        shown = safe(line.expandtabs(4), INLINE_CHARACTERS)
        rows = wrapped(shown, max(width, 1))
        if len(lines) + len(rows) > limit:
            return None
        roles = [(part, role) for part, role in parts(shown, language) if part]
        lines += _divided(roles, rows)
    return lines


def _divided(roles: list[tuple[str, str]], rows: list[str]) -> list[Line]:
    """Give the characters of the rows of one line the roles of its parts."""
    lines = []
    waiting = roles[::-1]
    for row in rows:
        line = Line()
        at = 0
        while at < len(row) and waiting:
            text, role = waiting.pop()
            taken = row[at : at + len(text)]
            line.add(taken, role)
            if len(taken) < len(text):
                waiting.append((text[len(taken) :], role))
            at += len(taken)
        lines.append(line)
    return lines
