"""Parser for the output of Node's `util.inspect`, which `console.dir` and `console.log` print.

Differences from JSON: keys without quotes, texts in any quotes, `undefined`, `[Object]` and `[Array]` instead of
values below the printed depth, `... 3 more items`, long texts in pieces joined by `+`, class names before brackets,
`Map(1) {'a' => 1}`, references to an outer value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from tracetui.model.json_decoding import MalformedError

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<cut>\[(?:Object|Array|Circular[ ]\*\d+|Function[^\]\n]*|AsyncFunction[^\]\n]*|class[^\]\n]*|Getter[^\]\n]*
          |Symbol[^\]\n]*|[A-Z]\w*)\](?!\s*[{\[]))
    | (?P<prefix>\[(?:Object|[A-Z]\w*):[ ]null[ ]prototype\]|<ref[ ]\*\d+>)
    | (?P<more>\.\.\.[ ]\d+[ ]more[ ]\w+)
    | (?P<sign>[{}\[\],:+])
    | (?P<arrow>=>)
    | (?P<text>'(?:[^'\\\n]|\\.)*+'|"(?:[^"\\\n]|\\.)*+"|`(?:[^`\\]|\\.)*+`)
    | (?P<date>\d{4}-\d\d-\d\dT[\d:.]+Z)
    | (?P<word>[^\s{}\[\],:'"`+=]+(?:\+\d+)?)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_WORDS: Final[dict[str, Any]] = {
    "undefined": None,
    "null": None,
    "true": True,
    "false": False,
    # Python's
    "None": None,
    "True": True,
    "False": False,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
_MAX_OPEN: Final = 200


@dataclass(slots=True)
class InspectedValue:
    """A value, and the number of values in it that were cut off for their depth or length."""

    value: Any
    cut: int = 0


@dataclass(slots=True)
class _Open:
    """An open object or list."""

    held: dict[str, Any] | list[Any]
    key: str | None = None


@dataclass(slots=True)
class _InspectReader:
    """Builds the value from the tokens."""

    root: Any = None
    done: bool = False
    cut: int = 0
    open: list[_Open] = field(default_factory=list)
    word: str | None = None
    """Last text or word: a key, a value or the name of a class."""
    quoted: bool = False
    joins: bool = False

    def put(self, value: Any) -> None:
        if not self.open:
            self.root, self.done = value, True
            return
        level = self.open[-1]
        if isinstance(level.held, list):
            level.held.append(value)
        elif level.key is not None:
            level.held[level.key] = value
            level.key = None

    def close(self) -> None:
        held = self.open.pop().held
        self.put(held)

    def finish_word(self) -> None:
        """Store the last word as a value."""
        if self.word is not None:
            word, self.word = self.word, None
            self.put(word if self.quoted else _word_value(word))


def inspected(text: str) -> InspectedValue:
    """Read a printed object. Raises MalformedError if it is not one, or ends too early."""
    reader = _InspectReader()
    at = 0
    while not reader.done:
        match = _TOKEN.match(text, at)
        if match is None:
            raise MalformedError(f"not an object printed by Node, at character {at:,}")
        at = match.end()
        _step(reader, match)
    return InspectedValue(reader.root, reader.cut)


def _step(reader: _InspectReader, match: re.Match[str]) -> None:
    kind = match.lastgroup
    token = match[kind or 0].strip()
    if kind == "sign":
        _bracket(reader, token)
    elif kind == "text":
        content = unescaped(token[1:-1])
        if reader.joins and reader.word is not None:
            reader.word += content
        else:
            reader.finish_word()
            reader.word, reader.quoted = content, True
        reader.joins = False
    elif kind in ("word", "date"):
        # of several words all but the last are prefixes such as class names
        reader.word, reader.quoted = token, False
    elif kind == "cut":
        reader.cut += 1
        # keep the marker as the value, to show that something is missing
        reader.word, reader.quoted = token, True
    elif kind == "more":
        reader.cut += 1
        reader.finish_word()
    elif kind == "arrow" and reader.open:
        reader.open[-1].key, reader.word = reader.word or "", None


def _bracket(reader: _InspectReader, sign: str) -> None:
    if sign in "{[":
        # drop the name of a class before the bracket
        reader.word = None
        if len(reader.open) >= _MAX_OPEN:
            raise MalformedError("nested too deeply")
        reader.open.append(_Open({} if sign == "{" else []))
    elif sign in "}]":
        reader.finish_word()
        if not reader.open:
            raise MalformedError(f"unexpected {sign!r}")
        reader.close()
    elif sign == ",":
        reader.finish_word()
    elif sign == ":":
        if reader.open:
            reader.open[-1].key, reader.word = reader.word or "", None
    else:
        reader.joins = reader.quoted and reader.word is not None


def _word_value(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    number = word[:-1] if word[-1:] == "n" else word
    try:
        return int(number)
    except ValueError:
        pass
    try:
        return float(number)
    except ValueError:
        return word


def unescaped(text: str) -> str:
    """Replace the escapes in a string literal."""

    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code:
            number = int(code, 16)
            return chr(number) if number < 0x110000 else "\ufffd"
        return _ESCAPED.get(match[4], match[4])

    return _ESCAPE.sub(character, text) if "\\" in text else text
