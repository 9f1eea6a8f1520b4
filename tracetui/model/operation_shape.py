"""Shape of an operation name: the name with its id-like parts replaced by `{id}`.

Spans are grouped by shape, so that `GET /orders/17` and `GET /orders/18` are one operation, `GET /orders/{id}`. A name
without ids is its own shape, and the shape of a shape is itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from tracetui.model.sql import verb_and_table

PLACEHOLDER: Final = "{id}"
LONGEST_NAME = 4_000
"""Characters of a name that are used for its shape; the rest is dropped."""

_KEPT_NAMES = 1 << 18

_UUID: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![0-9A-Za-z])"
)
# the hash of a replica set consists of [4-9bcdf] (k8s.io/apimachinery, `rand.SafeEncodeString`); jobs have the minute
_POD: Final = re.compile(
    r"""
    -(?<=[0-9A-Za-z]-)
    (?: (?:(?=[4-9]*[bcdf])(?=[bcdf]*[4-9])[4-9bcdf]{6,10} | (?=[a-z]*[0-9]+[a-z]+[0-9])[a-z0-9]{8,10}) -[a-z0-9]{5}
      | [0-9]{8,10}-(?:(?=[a-z]*[0-9])[a-z0-9]{5} | [bcdfghjklmnpqrstvwxz]{5}) )
    (?![0-9A-Za-z])
    """,
    re.VERBOSE,
)
_OBJECT_HASH: Final = re.compile(r"@(?:(?=[a-f]*[0-9])[0-9a-f]{4,}|[0-9a-f]{8})(?![0-9A-Za-z])")
_RUN: Final = re.compile(r"[0-9A-Za-z]*[0-9][0-9A-Za-z]*")
"""Letters and digits with at least one digit."""
_DIGITS: Final = re.compile(r"[0-9]+")
_HEX: Final = re.compile(r"[0-9]*[a-fA-F][0-9a-fA-F]*")
_CAMEL_WORDS: Final = re.compile(r"(?:[a-z]{2,}[0-9]{0,3})?(?:(?:[A-Z]+[a-z]+|[A-Z]{2,}|[SV](?=[0-9]))[0-9]{0,8})+")
_CAMEL_WORD: Final = re.compile(r"[A-Z]?[a-z]+")
_MIN_CAMEL_WORDS = 3
_MIN_CAMEL_LETTERS = 5
"""Smallest mean length of the words."""
_LAST_WORD: Final = re.compile(r"[A-Z]?[a-z]+\Z")
"""Last word of a CamelCase name."""
_NUMBERED: Final = frozenset({"step", "phase", "v", "sha", "utf", "level", "part"})
"""Words for which a number after `_` or `-` is part of the name."""
_ENDS_PART: Final = frozenset("/?#;&,:\"')]} \t\n")
_DECIMALS: Final = re.compile(r"\.[0-9]+(?![0-9A-Za-z]|\.[0-9])")

_UUID_DASHES = 4
_POD_DASHES = 2
_MIN_RUN = 8
_MIN_LONG_RUN = 20
_MIN_NUMBER = 3

_VALUE_CHARACTERS: Final = "0123456789'(:@"
_MAY_HOLD_VALUES: Final = re.compile(f"[{_VALUE_CHARACTERS}]")
_IS_VALUE_BYTE: Final = np.isin(np.arange(256), list(_VALUE_CHARACTERS.encode()))
"""bool[256]"""

_KEY_COMMAND: Final = re.compile(
    r"(APPEND|DECRBY|DEL|EXISTS|EXPIRE|EXPIREAT|GETEX|GETRANGE|GETSET|HDEL|HGET|HINCRBY|HMGET|HMSET|HSET|HSETNX|INCRBY"
    r"|INCRBYFLOAT|LPUSH|LRANGE|LREM|LTRIM|MGET|MSET|PEXPIRE|PFADD|PSETEX|PUBLISH|RPUSH|SADD|SET|SETEX|SETNX|SETRANGE"
    r"|SISMEMBER|SREM|UNLINK|XADD|ZADD|ZINCRBY|ZRANGE|ZRANGEBYSCORE|ZREM|ZSCORE) (\S+) .*",
    re.DOTALL,
)
"""Key-value command with its key, and values or other keys after it."""

_RAW_PATH: Final = re.compile(r"((?:[A-Za-z]+ ){0,2})(/[^\s{}<>*]*)")
_PARAMETER: Final = re.compile(r"/:[A-Za-z_]")


@lru_cache(maxsize=_KEPT_NAMES)
def shape(name: str) -> str:
    """Replace the id-like parts of an operation name by `{id}`.

    Id-like are UUIDs and ULIDs; a number that is a whole path segment or follows `:` or `=`; a number of three or more
    digits after `_` or `-`, except after `step-`, `phase-`, `v-`, `sha-`, `utf-`, `level-` and `part-`; runs of letters
    and digits that do not look like words (see `is_random`); suffixes of pods; and hashes of objects (`@1b2c3d`). SQL
    with values is shortened to verb and table, a key-value command with values to verb and key.
    """
    if len(name) > LONGEST_NAME:
        name = name[:LONGEST_NAME]
    if _MAY_HOLD_VALUES.search(name) is None:
        return name
    shortened = verb_and_table(name)
    if shortened:
        return _without_ids(shortened)
    command = _KEY_COMMAND.fullmatch(name)
    if command is not None:
        key = _without_ids(command[2])
        if ":" in key or key != command[2]:
            return f"{command[1]} {key}"
    return _without_ids(name)


def shapes(names: Sequence[str]) -> list[str]:
    """Return the `shape` of each name. Only names that may hold values are looked at one by one: few of many names."""
    found = list(names)
    # one name a line; if names contain line breaks, this would find too many
    joined = "\n".join(names).encode("utf-8", "surrogatepass")
    text = np.frombuffer(joined, np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    if len(ends) >= len(names):
        return list(map(shape, names))
    has_values = np.searchsorted(ends, np.flatnonzero(_IS_VALUE_BYTE[text]))
    is_long = np.fromiter(map(len, names), np.int64) > LONGEST_NAME
    for at in np.union1d(has_values, np.flatnonzero(is_long)).tolist():
        found[at] = shape(names[at])
    return found


def is_random(run: str) -> bool:
    """Test whether a run of letters and digits is an id rather than words.

    An id has 8 or more hex digits, with a letter and two digits; or 20 or more characters, with two digits; or 8 or
    more, with digits in two places that are not at the end of a word. CamelCase of three or more words, with digits
    only at the ends of words, is never an id.
    """
    size = len(run)
    if size < _MIN_RUN:
        return False
    digits = sum(map(str.isdecimal, run))
    if digits >= 2:
        if size >= _MIN_LONG_RUN:
            if not _is_camel_case(run):
                return True
        elif _HEX.fullmatch(run):
            return True
    return digits >= 2 and _digits_within_words(run) >= 2


def _is_camel_case(run: str) -> bool:
    """Test whether a long run consists of words. Of random runs, only one in several thousand looks like it."""
    if _CAMEL_WORDS.fullmatch(run) is None:
        return False
    words = _CAMEL_WORD.findall(run)
    return len(words) >= _MIN_CAMEL_WORDS and sum(map(len, words)) >= _MIN_CAMEL_LETTERS * len(words)


def _digits_within_words(run: str) -> int:
    """Count the groups of digits that are not at the end of a word."""
    has_lower = any(map(str.islower, run))
    count = 0
    for match in _DIGITS.finditer(run):
        following = run[match.end() : match.end() + 1]
        # in all capitals no letter marks the beginning of a word
        if following and not (has_lower and following.isupper()):
            count += 1
    return count


def _without_ids(name: str) -> str:
    dashes = name.count("-")
    if dashes >= _UUID_DASHES:
        name = _UUID.sub(PLACEHOLDER, name)
    if dashes >= _POD_DASHES:
        name = _POD.sub("-" + PLACEHOLDER, name)
    if "@" in name:
        name = _OBJECT_HASH.sub("@" + PLACEHOLDER, name)
    parts: list[str] = []
    done = 0
    for match in _RUN.finditer(name):
        start, end = match.span()
        if start < done:
            continue
        run = match[0]
        if is_random(run):
            pass
        elif run.isdecimal():
            end = _number_end(name, start, end)
            if not end:
                continue
        else:
            continue
        parts += (name[done:start], PLACEHOLDER)
        done = end
    return "".join((*parts, name[done:])) if parts else name


def _number_end(name: str, start: int, end: int) -> int:
    """Find the end of the number `name[start:end]` if it is an id; 0 otherwise."""
    before = name[start - 1 : start]
    if before == "/":
        following = name[end : end + 1]
        return end if (not following or following in _ENDS_PART) and _is_path(name, start - 1) else 0
    if before == ":" or before == "=":
        if name[end : end + 1] == "." and name[end + 1 : end + 2].isdecimal():
            decimals = _DECIMALS.match(name, end)
            return decimals.end() if decimals else 0
        return end
    if before == "_" or before == "-":
        if before == "-" and name[start - 2 : start - 1] in (":", "="):
            return end
        if end - start < _MIN_NUMBER:
            return 0
        head = name[max(start - 41, 0) : start - 1]
        word = _LAST_WORD.search(head)
        last = word[0].lower() if word is not None else ""
        return 0 if last in _NUMBERED or _whole_word(head) in _NUMBERED else end
    return 0


def _whole_word(head: str) -> str:
    """Return the letters at the end of a text, in lower case."""
    at = len(head)
    while at and head[at - 1].isascii() and head[at - 1].isalpha():
        at -= 1
    return head[at:].lower()


def _is_path(name: str, slash: int) -> bool:
    """Test whether a slash belongs to a path, not to `HTTP/2` or `1/2`."""
    if name[max(slash - 4, 0) : slash] == "HTTP":
        return False
    at = slash
    while at and (name[at - 1].isdecimal() or name[at - 1] == "/"):
        at -= 1
    # only digits and slashes: a path begins with a slash or has other text before
    return name[at] == "/" or (at > 0 and not name[at - 1].isspace())


def may_be_shape(text: str) -> bool:
    """Test whether other names may have this shape. If so, a server, which has names only, cannot search for it."""
    return "{" in text


def is_raw_path(name: str) -> bool:
    """Test whether a name is a path without a framework's route: `GET /orders/17`, not `GET /orders/{id}`."""
    return "/" in name and _RAW_PATH.fullmatch(name) is not None and _PARAMETER.search(name) is None


def routed(name: str, route: str) -> str:
    """Replace the raw path in a name (see `is_raw_path`) by its route (`http.route`).

    '' for an unusable route: empty, or `/` for a different path.
    """
    match = _RAW_PATH.fullmatch(name)
    if match is None or not route.startswith("/") or (route == "/" and match[2] != "/"):
        return ""
    return match[1] + route
