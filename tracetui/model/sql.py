"""Normalisation of SQL statements: verb and table, or the statement without its values."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

LONGEST_STATEMENT = 20_000
"""Characters of a statement that are examined."""

_LEAD: Final = r"\s*(?:/\*[^*]*\*/\s*|--[^\n]*\n\s*)*"
_IS_SQL: Final = re.compile(_LEAD + r"(SELECT|INSERT|UPDATE|DELETE|REPLACE|MERGE|UPSERT|WITH)\s", re.IGNORECASE)
_NAME: Final = r"""(?:[\w$]+|"[^"\s]+"|`[^`\s]+`|\[[^\]\s]+\])"""
_TABLE: Final = rf"({_NAME}(?:\.{_NAME})*)"
_FROM: Final = re.compile(rf"\bFROM\s+(?:ONLY\s+)?{_TABLE}", re.IGNORECASE)
_INTO: Final = re.compile(rf"\bINTO\s+{_TABLE}", re.IGNORECASE)
_UPDATED: Final = re.compile(
    rf"\bUPDATE\s+(?:ONLY\s+|LOW_PRIORITY\s+|IGNORE\s+)*{_TABLE}\b.*?\sSET\s", re.IGNORECASE | re.DOTALL
)
_TABLES: Final = {"INSERT": _INTO, "REPLACE": _INTO, "MERGE": _INTO, "UPSERT": _INTO, "UPDATE": _UPDATED}

_QUOTES: Final = re.compile(r"""["`\[\]]""")

_TEXT: Final = r"'(?:[^'\\]|\\.|'')*(?:'|\Z)"
_NUMBER: Final = r"(?<![\w$.:@?\"`])[+-]?(?:0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w\"`])"
_PARAMETER: Final = r"\$[0-9]+|%s|%\([A-Za-z_]\w*\)s|@[A-Za-z_]\w*|(?<![:\w]):[A-Za-z_]\w*|\?[0-9]*"
_HAS_PARAMETER: Final = re.compile(_PARAMETER)
_VALUE: Final = re.compile(rf"{_TEXT}|{_NUMBER}", re.DOTALL)
_LIST: Final = re.compile(rf"\bIN\s*\(\s*(?:{_PARAMETER})\s*,|\)\s*,\s*\(\s*(?:{_PARAMETER})\s*[,)]", re.IGNORECASE)
_ANY_VALUE: Final = re.compile(
    rf"(?P<comment>/\*.*?\*/|--[^\n]*(?:\n|\Z))|[EeNnXx]?{_TEXT}|{_PARAMETER}|{_NUMBER}", re.DOTALL
)
_DOUBLE_QUOTED: Final = re.compile(r"""((?:[=<>]|\bLIKE\b)\s*)"[^"]*"(?!\s*\.)""", re.IGNORECASE)
_QUOTED_LIST: Final = re.compile(r"""(\bIN\s*\(\s*)"[^"]*"(?:\s*,\s*"[^"]*")*""", re.IGNORECASE)
_QUESTION_MARKS: Final = re.compile(r"([(\[])\s*\?(?:\s*,\s*\?)*\s*,?\s*(?:(?=[)\]])|\.{3}\s*\Z|…\s*\Z|\Z)")
_ROWS: Final = re.compile(r"\bVALUES\b", re.IGNORECASE)
_CONSTANT: Final = re.compile(r"""\b(?:NULL|TRUE|FALSE|DEFAULT)\b|"[^"]*\"""", re.IGNORECASE)
_REPEATED_ROW: Final = re.compile(r"(\((?:[^()]|\([^()]*\))*\))(?:\s*,\s*\1)+")
_BLANKS: Final = re.compile(r"\s+")
_LONGEST_FOLDED = 2_000


def verb_and_table(statement: str) -> str:
    """Shorten a statement with literal values, or with a parameter list of varying length, to `SELECT items`.

    '' for a statement without these, as there are only few such statements, for one without a table, and for other
    text.
    """
    match = _IS_SQL.match(statement)
    if match is None:
        return ""
    written = match[1]
    verb = written.upper()
    if verb == "WITH":
        verb = "SELECT"
    table = _TABLES.get(verb, _FROM).search(statement, match.start(1))
    if table is None or not _in_one_case(written + table[0].split(None, 1)[0]):
        # in prose the words have a different case
        return ""
    if _VALUE.search(statement, match.end()) is None and _LIST.search(statement, match.end()) is None:
        return ""
    return f"{verb} {_QUOTES.sub('', table[1])}"


def _in_one_case(words: str) -> bool:
    return words.isupper() or words.islower()


def is_sql(text: str) -> bool:
    """Test whether a text begins like a statement that reads or writes rows."""
    return _IS_SQL.match(text) is not None


def has_placeholder(statement: str) -> bool:
    """Test whether a statement has parameters instead of values, such as `?`, `$1` or `:id`."""
    return _HAS_PARAMETER.search(statement[:LONGEST_STATEMENT]) is not None


@lru_cache(maxsize=10_000)
def normalised(statement: str) -> str:
    """Replace values and parameters of a statement by `?`, fold lists and repeated rows to one item, and collapse
    blanks.

    `... WHERE id IN (1, 2, 3)` becomes `... WHERE id IN (?)`, `VALUES (1, 'a'), (2, 'b')` becomes `VALUES (?)`. A
    truncated list is also folded.
    """
    text = _ANY_VALUE.sub(lambda found: " " if found["comment"] else "?", statement[:LONGEST_STATEMENT])
    text = _DOUBLE_QUOTED.sub(r"\1?", _QUOTED_LIST.sub(r"\1?", text))
    rows = _ROWS.search(text)
    if rows is not None:
        text = text[: rows.end()] + _CONSTANT.sub("?", text[rows.end() :])
    text = _QUESTION_MARKS.sub(_folded, _BLANKS.sub(" ", text).strip())
    # equal rows first, so that the rest is short
    text = re.sub(r"\(\?\)(?:\s*,\s*\(\?\))+(?:\s*,\s*\Z)?", "(?)", text)
    return _REPEATED_ROW.sub(r"\1", text[:_LONGEST_FOLDED])


def _folded(match: re.Match[str]) -> str:
    opening = match[1]
    is_cut = match.end() == len(match.string)
    return opening + "?" + ({"(": ")", "[": "]"}[opening] if is_cut else "")
