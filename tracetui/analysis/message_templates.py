"""Message templates: the common text of messages with one cause, with variable parts replaced.

Every placeholder is `{id}`, so that a time, a number and a name in the same position give the same template. The text
before an id stays (`order_{id}`), and so do codes that identify the failure: HTTP statuses, SQLSTATE, `ORA-`, exit
codes and words without digits.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tracetui.model.operation_shape import PLACEHOLDER

LONGEST_MESSAGE = 2_000

_PARTS = re.compile(
    r"""
      (?P<code>(?i:\b(?:HTTP(?:/\d(?:\.\d)?)?|status|code|answered)\b["']?[\s:=(]*\d{3}\b)
              |\bSQLSTATE[\s:=\[(]*[0-9A-Z]{5}\b
              |\bORA-\d+\b
              |(?i:\bexit(?:ed)?\ (?:with\ )?(?:(?:code|status)\b)?[\s:=]*\d+\b)
              |\b[A-Za-z]+\d+(?:\.\d+)+\b                                              # a version
              |\b(?i:(?:utf|sha|md|base|int|uint|float|ipv|http|tls)-?|[vfiux])\d{1,3}
                 (?:(?:alpha|beta)\d*)?\b)                                         # a name with a version
    | (?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b)
    | (?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)
    | (?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b
            |(?<![\w:])(?=[0-9a-fA-F:]*\d)                                      # compressed IPv6 with a digit
             (?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?(?!:?\w)
            |(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b)
    | (?P<quoted>"[^"]*"|(?<!\w)'(?:[^']|(?<=\w)'(?=\w))*'(?!\w)|`[^`]*`)       # an apostrophe is not a quote
    | (?P<part>(?<=/)(?!v\d+(?:(?:alpha|beta)\d*)?(?![\w.~-]))                   # a version is not an id
             (?=[\w.~-]*\d)[\w.~-]+(?=/|\b))
    | (?P<address>\b0x[0-9a-fA-F]+\b|(?<=\w@)[0-9a-f]{4,16}(?![\w-]|\.\w))        # also in object names
    | (?P<pod>(?<=-)(?=[a-z]*\d)[a-z0-9]{8,10}-[a-z0-9]{5}(?![\w-])
             |(?<=-)(?=[a-z]*\d)[bcdfghjklmnpqrstvwxz2456789]{5}(?![\w-]))        # the alphabet of Kubernetes
    | (?P<file>(?<=[.\-_])(?=[A-Za-z]*\d)[A-Za-z0-9]{6,}(?=\.[a-z][a-z0-9]{1,4}\b))
    | (?P<number>(?<![\w.])[+-]?\d+(?:(?:[.,]\d+)+|(?![A-Za-z0-9])))
    | (?P<run>(?<![A-Za-z0-9])(?=[A-Za-z]*\d)[A-Za-z0-9]+)
    """,
    re.VERBOSE,
)
_DIGITS = re.compile(r"[0-9]+")
_HEX = re.compile(r"[0-9a-fA-F]+")
_LIST = re.compile(r"(?<![\w@-])([\w@-]*\{id\}\w*)(?:(?:[,;|] ?(?:(?:and|or) )?|\ (?:and|or)\ )\1(?!\w))+")
_BLANKS = re.compile(r"\s+")


@lru_cache(maxsize=50_000)
def template(message: str) -> str:
    """Replace the variable parts of a message by `{id}`, fold lists of one placeholder, and collapse blanks."""
    text = _PARTS.sub(_replaced, message[:LONGEST_MESSAGE])
    return _LIST.sub(r"\1", _BLANKS.sub(" ", text)).strip()


def _replaced(match: re.Match[str]) -> str:
    if match.lastgroup == "code":
        return match[0]
    if match.lastgroup == "run" and not is_id(match[0]):
        return _DIGITS.sub(PLACEHOLDER, match[0])
    return PLACEHOLDER


def is_id(run: str) -> bool:
    """Test whether a run of ASCII letters and digits is an id, not a word: long with digits in two places, or very
    long.
    """
    if len(run) < 8:
        return False
    digit_runs = list(_DIGITS.finditer(run))
    digits = sum(len(one[0]) for one in digit_runs)
    if digits < 2 or digits == len(run):
        return digits == len(run)
    if len(run) >= 20 or _HEX.fullmatch(run):
        return True
    return sum(one.end() < len(run) for one in digit_runs) >= 2
