"""Making readable JSON out of damaged JSON: a cut download, a broken span in the middle of a file.

The text is walked token by token. Where it stops being JSON, the span or trace that is broken is left out, and the
walk goes on at the next place that looks like the beginning of another one; what is still open at the end is closed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tracetui.ingest.buffers import Buffer

_TOKEN = re.compile(
    rb"""[ \t\r\n]*(?:
      (?P<mark>[{}\[\],:])
    | (?P<text>"(?:[^"\\\x00-\x1f]|\\.)*+")
    | (?P<word>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?+(?![0-9A-Za-z.])|true\b|false\b|null\b)
    | (?P<strange>NaN\b|[+-]?Infinity\b|[+-]?inf\b|nan\b|None\b)
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)

_HOLDS_SPANS = frozenset(
    b'"%s"' % key
    for key in (
        b"data", b"spans", b"resourceSpans", b"resource_spans", b"scopeSpans", b"scope_spans", b"batches", b"hits",
        b"instrumentationLibrarySpans",
    )
)  # fmt: skip
_BEGINNING = re.compile(rb'\{\s*(?P<first>"[^"\\]*")\s*:\s*(?:"[^"\\]*"|[^"{\[,}]+)\s*,\s*(?P<second>"[^"\\]*")')


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the input that was left out: byte positions `start` to `end`, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Mended:
    """What `mend` made of a value."""

    text: bytes
    """Readable JSON, b'' if nothing could be kept."""
    gaps: list[Gap]
    end: int
    """The byte position in the input after the value."""
    unwritable: int
    """How many values JSON cannot write (NaN, infinities) became null."""


@dataclass(slots=True)
class _Level:
    """An open list or object. `key` is the member it is the value of; `element` where its last element began."""

    is_list: bool
    key: bytes
    at: int
    element: int = -1
    expects: str = "first"
    member: bytes = b""
    pattern: re.Pattern[bytes] | None = None


@dataclass(slots=True)
class _Walk:
    data: Buffer
    copied: int
    """How far the text is in `out` or left out."""
    out: list[bytes] = field(default_factory=list)
    strange: list[tuple[int, int]] = field(default_factory=list)
    """Where the text not yet copied has values that JSON cannot write; nothing is known of them but that."""
    unwritable: int = 0
    gaps: list[Gap] = field(default_factory=list)
    levels: list[_Level] = field(default_factory=list)

    def copy_to(self, end: int) -> None:
        for begin, after in self.strange:
            if begin < end:
                self.out.append(bytes(self.data[self.copied : begin]) + b"null")
                self.copied = after
                self.unwritable += 1
        self.strange.clear()
        self.out.append(bytes(self.data[self.copied : end]).rstrip().rstrip(b","))
        self.copied = end


def mend(data: Buffer, start: int = 0) -> Mended:
    """Make readable JSON text of the value that begins at `start`.

    A list element that is broken is left out when the list is one that holds
    spans or traces; anything smaller takes its span with it.
    """
    walk = _Walk(data, start)
    position = start
    while True:
        match = _TOKEN.match(data, position)
        if match and match["end"] is None:
            trouble = _step(walk, match)
            if trouble is None:
                position = match.end()
                if not walk.levels:
                    walk.copy_to(position)
                    return Mended(b"".join(walk.out), walk.gaps, position, walk.unwritable)
                continue
        else:
            trouble = "the text ends within a value" if match else _trouble_at(data, position)
        resumed = _recover(walk, position, trouble)
        if resumed is None:
            return Mended(b"".join(walk.out), walk.gaps, len(data), walk.unwritable)
        position = resumed


def _trouble_at(data: Buffer, position: int) -> str:
    rest = bytes(data[position : position + 24]).lstrip()
    if rest[:1] == b'"':
        return "a text is not closed"
    return f"unexpected {rest[:12].decode('utf-8', 'replace')!r}"


def _step(walk: _Walk, match: re.Match[bytes]) -> str | None:
    """Follow one token. -> None, or what is wrong with it here."""
    levels = walk.levels
    mark = match["mark"]
    if match["strange"] is not None:
        walk.strange.append(match.span("strange"))
    if not levels:
        if mark not in (b"{", b"["):
            return f"unexpected {match[0].strip()[:12].decode('utf-8', 'replace')!r}"
        levels.append(_Level(mark == b"[", b"", match.start("mark")))
        return None
    level = levels[-1]
    expects = level.expects
    if mark in (b",", b":", b"]", b"}"):
        if mark == b",":
            if expects != "comma":
                return "unexpected ','"
            level.expects = "value" if level.is_list else "key"
        elif mark == b":":
            if expects != "colon":
                return "unexpected ':'"
            level.expects = "value"
        else:
            if level.is_list != (mark == b"]") or expects not in ("first", "comma"):
                return f"unexpected {mark.decode()!r}"
            levels.pop()
        return None
    if not level.is_list and expects in ("first", "key"):
        if match["text"] is None:
            return "a key is missing"
        level.member = match["text"]
        level.expects = "colon"
        return None
    if expects not in ("value", "first"):
        return "a comma is missing"
    level.expects = "comma"
    if mark in (b"{", b"["):
        if level.is_list:
            level.element = match.start("mark")
            if level.pattern is None and mark == b"{" and _may_lose(levels, len(levels) - 1):
                level.pattern = _pattern(walk.data, level.element)
        levels.append(_Level(mark == b"[", level.key if level.is_list else level.member, match.start("mark")))
    return None


def _may_lose(levels: list[_Level], index: int) -> bool:
    """Whether elements of this list are spans or hold them, so that a broken one can be left out alone."""
    level = levels[index]
    if not level.is_list:
        return False
    return level.key in _HOLDS_SPANS or all(outer.is_list for outer in levels[:index])


def _pattern(data: Buffer, element: int) -> re.Pattern[bytes] | None:
    """What the beginning of an element like this one looks like: its first two keys in order."""
    match = _BEGINNING.match(data, element)
    if not match:
        return None
    return re.compile(
        rb'\{\s*%s\s*:\s*(?:"[^"\\]*"|[^"{\[,}]+)\s*,\s*%s\s*:'
        % (re.escape(match["first"]), re.escape(match["second"]))
    )


def _recover(walk: _Walk, position: int, trouble: str) -> int | None:
    """Leave out the broken element and find where to go on. -> the position, or None when all is closed."""
    levels = walk.levels
    losing = [i for i in range(len(levels)) if _may_lose(levels, i)]
    if not losing:
        walk.out.clear()
        walk.gaps.append(Gap(walk.copied, len(walk.data), trouble))
        return None
    best: tuple[int, int] | None = None
    for i in reversed(losing):
        pattern = levels[i].pattern
        found = pattern.search(walk.data, position) if pattern else None
        if found and (best is None or found.start() < best[0]):
            best = (found.start(), i)
    at = best[1] if best else losing[-1]
    broken = levels[losing[-1]]
    begin = broken.element if broken.element >= 0 and len(levels) > losing[-1] + 1 else position
    walk.copy_to(begin)
    closers = b"".join(b"]" if level.is_list else b"}" for level in reversed(levels[at + 1 : losing[-1] + 1]))
    walk.out.append(closers)
    if best is None:
        walk.gaps.append(Gap(begin, len(walk.data), trouble))
        walk.out.append(b"".join(b"]" if level.is_list else b"}" for level in reversed(levels[: at + 1])))
        levels.clear()
        return None
    resume = best[0]
    walk.gaps.append(Gap(begin, resume, trouble))
    del levels[at + 1 :]
    level = levels[at]
    if b"".join(walk.out[-2:])[-1:] != b"[":
        walk.out.append(b",")
    level.expects = "value"
    walk.copied = resume
    return resume
