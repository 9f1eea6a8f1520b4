"""Repair of damaged JSON: a truncated download, a broken span in the middle of a file.

The text is walked token by token. At a fault the broken span or trace is skipped, and the walk continues at the next
position that looks like the beginning of another one; open values are closed at the end. A trace with intact spans
stays, and loses only the broken member.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tracetui.ingest.json_repair.nesting import MAX_DEPTH, NESTED_TOO_DEEPLY, is_deeper
from tracetui.ingest.json_repair.repaired_text import RepairedText, RepairedValue
from tracetui.ingest.source_bytes import Buffer
from tracetui.model.json_decoding import RAW, MalformedError, decode

_TOKEN = re.compile(
    rb"""[ \t\r\n]*(?:
      (?P<sign>[{}\[\],:])
    | (?P<text>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")
    | (?P<word>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?+(?![0-9A-Za-z.])|true\b|false\b|null\b)
    | (?P<invalid>NaN\b|[+-]?Infinity\b|[+-]?inf\b|nan\b|None\b)
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_COMMAS = re.compile(rb"[ \t\r\n]*+(?P<first>,(?:[ \t\r\n]*+,)*+)")
"""Further commas after one."""

_SPAN_LIST_NAMES = (
    b"data", b"spans", b"resourceSpans", b"resource_spans", b"scopeSpans", b"scope_spans", b"batches", b"hits",
    b"instrumentationLibrarySpans",
)  # fmt: skip
_SPAN_LIST_KEYS = frozenset(b'"%s"' % key for key in _SPAN_LIST_NAMES)
_SPAN_KEYS = (
    b"traceID", b"traceId", b"trace_id", b"spanID", b"spanId", b"id", b"operationName", b"name", b"resource", b"scope",
    b"_source", b"_index",
)  # fmt: skip
_FIRST_KEYS = frozenset(b'"%s"' % key for key in _SPAN_KEYS)
_FIRST_KEYS_OF = {
    b'"%s"' % key: frozenset([b'"%s"' % first])
    for key, first in ((b"resourceSpans", b"resource"), (b"batches", b"resource"), (b"scopeSpans", b"scope"))
}
"""First keys of the elements of lists, used until the first element is known."""

_NEVER_FIRST_KEYS = frozenset((b'"key"', b'"refType"', b'"fields"', b'"timeUnixNano"'))
"""First keys that never begin a span or trace: a list of such objects is not a list of spans."""

_SPAN_LIKE_LISTS = frozenset((b'"links"', b'"references"'))
"""Lists whose objects begin like spans, with ids, but have fewer members."""
_FIRST_MEMBERS = re.compile(rb"[^{}]*")
_SPAN_MEMBERS = re.compile(rb'"(?:name|operationName|kind|start[A-Za-z_]*|processID)"')

_OBJECT = rb'\{\s*(?P<first>%s)\s*:\s*(?:(?P<open>[\[{])|(?:"[^"\\]*"|[^"{\[,}\s]+)\s*(?:\}|,\s*(?P<second>"[^"\\]*")))'
_BEGINNING = re.compile(_OBJECT % rb'"[^"\\]*"')
_CLOSE = {
    b'"%s"' % key: [rb'(?P<close>\])\s*,\s*"%s"\s*:\s*\{' % after]
    for key, after in ((b"spans", b"(?:processes|scope)"), (b"scopeSpans", b"resource"), (b"scope_spans", b"resource"))
}
"""End of a list of spans, recognised by what the writer of the file put after it."""
_MEMBER = [rb'(?P<member>"(?:spans|scopeSpans|scope_spans|instrumentationLibrarySpans)")\s*:\s*\[']
# a literal first byte makes the search fast
_VALUE_BEGINS = rb'(?:\{|\[\s*(?:\[\s*){0,2}\{)\s*"(?:%s)"\s*:' % b"|".join(
    (*_SPAN_LIST_NAMES, *_SPAN_KEYS, b"result", b"trace", b"processes")
)
_MAX_LEVELS = 32
_BUDGET_FACTOR = 16
_MAX_BEGINNINGS = 64
"""Limit for the distinct beginnings of list elements that are stored, as each makes the search slower."""

_Beginning = tuple[bytes, bytes]
"""Beginning of an object: its first key, and its second or the bracket that opens the first key's value."""


class TextFinder:
    """Searches one text with a cache, so that no stretch is searched twice without a result."""

    def __init__(self, data: Buffer) -> None:
        self._data = data
        self._found: dict[bytes, tuple[int, re.Match[bytes] | None]] = {}
        self.search_budget = _BUDGET_FACTOR * len(data)
        """Bytes that may still be searched without a result."""
        self.rewalk_budget = _BUDGET_FACTOR * len(data)
        """Bytes that may still be walked a second time."""

    def search(self, pattern: bytes, position: int) -> re.Match[bytes] | None:
        begin, found = self._found.get(pattern, (len(self._data), None))
        if begin <= position and (found is None or found.start() >= position):
            return found
        if self.search_budget < 0:
            return None
        found = re.compile(pattern).search(self._data, position)
        self.search_budget -= 0 if found else len(self._data) - position
        self._found[pattern] = position, found
        return found


@dataclass(slots=True)
class _Level:
    """An open list or object."""

    is_list: bool
    key: bytes
    """Key of the member whose value it is; for a list within a list, the key of the outer one."""
    skips_broken: bool
    """True for a list of spans or their containers, where a broken element can be skipped on its own."""
    beginnings: set[_Beginning]
    """Beginnings of the elements of such lists."""
    at: int
    intact_end: int
    """Position after its last intact member or item."""
    comma: int = -1
    """Position of its last comma."""
    element: int = -1
    """Position of its last element."""
    expects: str = "first"
    member: bytes = b""
    has_spans: bool = False
    """True if it holds an intact list of spans."""


@dataclass(slots=True)
class _Walk:
    """Walk over a damaged value, token by token."""

    data: Buffer
    finder: TextFinder
    text: RepairedText
    position: int
    last_text: int
    """Position of the last string token. An unterminated string may hide the beginning of an element."""
    levels: list[_Level] = field(default_factory=list)
    beginnings: dict[tuple[bytes, int], set[_Beginning]] = field(default_factory=dict)
    all_beginnings: set[_Beginning] = field(default_factory=set)
    """Beginnings of all lists."""

    def open(self, is_list: bool, key: bytes, at: int) -> None:
        levels = self.levels
        skips_broken = is_list and (
            key in _SPAN_LIST_KEYS or not levels or (levels[-1].is_list and levels[-1].skips_broken)
        )
        beginnings = self.beginnings.setdefault((key, len(levels)), set()) if skips_broken else set()
        levels.append(_Level(is_list, key, skips_broken, beginnings, at, at + 1))

    def state(self) -> tuple[int, int, str]:
        """Position, number of open levels, and the expected token."""
        return self.position, len(self.levels), self.levels[-1].expects if self.levels else ""


def repair(data: Buffer, start: int = 0, finder: TextFinder | None = None) -> RepairedValue:
    """Build valid JSON text from the value that begins at `start`. One finder serves all values of a text.

    A broken element of a list of spans or traces is skipped; smaller damage costs the span around it.
    """
    walk = _Walk(data, finder or TextFinder(data), RepairedText(data, start), start, last_text=start)
    while True:
        match = _TOKEN.match(data, walk.position)
        if match and match["end"] is None:
            problem = _step(walk, match)
            if problem is None:
                if not walk.levels:
                    walk.text.copy_to(walk.position)
                    return walk.text.result(walk.position)
                continue
        else:
            problem = "the text ends within a value" if match else _problem_at(data, walk.position)
        before = walk.state()
        if not _recover(walk, problem):
            return walk.text.result(walk.text.gap_end)
        # without progress the same fault would recur without end; `rewalk_budget` bounds the steps back
        assert walk.state() != before, f"no progress at byte {walk.position} ({problem})"


def next_value(data: Buffer, position: int) -> int | None:
    """Find the next position where a value with spans seems to begin."""
    found = re.compile(_VALUE_BEGINS).search(data, position)
    return found.start() if found else None


def _problem_at(data: Buffer, position: int) -> str:
    rest = bytes(data[position : position + 24]).lstrip()
    if rest[:1] == b'"':
        return "unterminated string"
    return f"unexpected {rest[:12].decode('utf-8', 'replace')!r}"


def _step(walk: _Walk, match: re.Match[bytes]) -> str | None:
    """Process one token. -> None, or its fault"""
    levels = walk.levels
    sign = match["sign"]
    if not levels:
        if sign not in (b"{", b"["):
            return f"unexpected {match[0].strip()[:12].decode('utf-8', 'replace')!r}"
        walk.open(sign == b"[", b"", match.start("sign"))
        walk.position = match.end()
        return None
    level = levels[-1]
    expects = level.expects
    if sign in (b",", b":", b"]", b"}"):
        if sign == b",":
            at = match.start("sign")
            if expects == "comma":
                level.expects = "value" if level.is_list else "key"
            # of two commas keep the second one
            elif not _skip_comma(walk, level, at if expects == "first" else level.comma):
                return "unexpected ','"
            more = _COMMAS.match(walk.data, match.end())
            if more:
                walk.text.invalid.append(more.span("first") if expects == "first" else (at, more.end() - 1))
                at = more.end() - 1
            level.comma, walk.position = at, at + 1
            return None
        if sign == b":":
            if expects != "colon":
                return "unexpected ':'"
            level.expects = "value"
        else:
            if level.is_list != (sign == b"]") or (
                expects not in ("first", "comma") and not _skip_comma(walk, level, level.comma)
            ):
                return f"unexpected {sign.decode()!r}"
            levels.pop()
            if levels:
                levels[-1].intact_end = match.end()
                levels[-1].has_spans |= level.has_spans or (level.is_list and level.key in _SPAN_LIST_KEYS)
        walk.position = match.end()
        return None
    if not level.is_list and expects in ("first", "key"):
        if match["text"] is None:
            return "a key is missing"
        level.member = match["text"]
        level.expects = "colon"
        walk.last_text = match.start("text")
        walk.position = match.end()
        return None
    if expects not in ("value", "first"):
        return "a comma is missing"
    if level.beginnings and match["text"] is not None:
        return "a string among objects"
    if sign in (b"{", b"["):
        if len(levels) >= MAX_DEPTH:
            return NESTED_TOO_DEEPLY
        at = match.start("sign")
        level.expects = "comma"
        if level.is_list:
            element, level.element = level.element, at
            beginning = _BEGINNING.match(walk.data, at) if sign == b"{" else None
            if beginning and _is_misplaced(walk, level, beginning):
                level.element, level.expects = element, expects
                return f"unexpected {beginning['first'].decode('utf-8', 'replace')}"
            if beginning and level.skips_broken and _skip_intact(walk, level, at, beginning):
                return None
        walk.open(sign == b"[", level.key if level.is_list else level.member, at)
    else:
        level.expects = "comma"
        level.intact_end = match.end()
        if match["invalid"] is not None:
            walk.text.invalid.append(match.span("invalid"))
        elif match["text"] is not None:
            walk.last_text = match.start("text")
    walk.position = match.end()
    return None


def _skip_comma(walk: _Walk, level: _Level, at: int) -> bool:
    """Ignore a surplus comma. -> False between a key and its value"""
    if level.expects == "colon" or (level.expects == "value" and not level.is_list) or at < walk.text.copied:
        return False
    walk.text.invalid.append((at, at + 1))
    return True


def _is_misplaced(walk: _Walk, level: _Level, beginning: re.Match[bytes]) -> bool:
    """Test whether the object that begins here belongs to another level, because damage has opened or closed a list."""
    if level.skips_broken:
        return beginning["first"] in _NEVER_FIRST_KEYS
    if _beginning(beginning) not in walk.all_beginnings:
        return False
    if level.key not in _SPAN_LIKE_LISTS:
        return True
    head = _FIRST_MEMBERS.match(walk.data, beginning.start() + 1)
    return bool(head and _SPAN_MEMBERS.search(head[0]))


def _skip_intact(walk: _Walk, level: _Level, at: int, beginning: re.Match[bytes]) -> bool:
    """Skip the element that begins here at once, if it is intact and followed by another one."""
    first, second = _beginning(beginning)
    if len(walk.all_beginnings) < _MAX_BEGINNINGS:
        walk.all_beginnings.add((first, second))
    if (first, second) in walk.all_beginnings:
        level.beginnings.add((first, second))
    if walk.finder.search_budget < 0:
        return False
    seconds = {known for _, known in level.beginnings}
    for found in re.compile(_OBJECT % re.escape(first)).finditer(walk.data, at + 1):
        # any other beginning is of an object within the element
        if _beginning(found)[1] in seconds:
            break
    else:
        walk.finder.search_budget -= len(walk.data) - at
        return False
    element = bytes(walk.data[at : found.start()]).rstrip()
    if element[-1:] == b",":
        try:
            decode(RAW.decode, element[:-1])
        except MalformedError:
            pass
        else:
            if not is_deeper(element, MAX_DEPTH - len(walk.levels)):
                walk.position = at + len(element) - 1
                return True
    walk.finder.search_budget -= len(element)
    return False


def _beginning(found: re.Match[bytes]) -> _Beginning:
    return found["first"], found["open"] or found["second"] or b""


def _recover(walk: _Walk, problem: str) -> bool:
    """Skip a broken part and continue after it. -> False if the value ends here, with all levels closed"""
    levels = walk.levels
    inner = next((i for i in range(len(levels) - 1, -1, -1) if levels[i].skips_broken), -1)
    broken = levels[inner + 1] if len(levels) > inner + 1 else None
    # for a broken element that can stay, the depth to which its members and list items are kept
    last = inner + 1
    while last + 1 < len(levels) and not levels[last].is_list:
        last += 1
    begin = walk.position
    if broken:
        begin = levels[last].intact_end if broken.has_spans else broken.at
    search = max(begin + (broken is not None), min(walk.last_text, walk.position))
    walk.finder.rewalk_budget -= max(walk.position - search, 0)
    if walk.finder.rewalk_budget < 0:
        search = max(search, walk.position)
    if broken is None and problem == NESTED_TOO_DEEPLY:
        # a value that begins here would be too deep again
        search = max(search, walk.position + 1)
    found = _next_beginning(
        walk, levels[max(inner + 1 - _MAX_LEVELS, 0) : inner + 1], bool(broken and not broken.has_spans), search
    )
    groups = found.groupdict() if found else {}
    keeps = bool(groups.get("member"))
    if broken and (broken.has_spans or keeps):
        begin = levels[last].intact_end
        walk.text.copy_to(begin)
        walk.text.close(level.is_list for level in reversed(levels[inner + 1 + keeps : last + 1]))
        del levels[inner + 1 + keeps :]
    elif broken and inner < 0:
        walk.text.out.clear()
        levels.clear()
    else:
        walk.text.copy_to(begin)
        del levels[inner + 1 :]
    if found is None:
        walk.text.close(level.is_list for level in reversed(levels))
        value = walk.finder.search(_VALUE_BEGINS, search)
        walk.text.add_gap(begin, value.start() if value else len(walk.data), problem)
        return False
    resume = found.start()
    walk.text.add_gap(begin, resume, problem)
    closes = bool(groups.get("close"))
    if keeps or closes:
        levels[-1].expects = "key" if keeps else "comma"
    else:
        at = _level_of(levels, found)
        walk.text.close(level.is_list for level in reversed(levels[at + 1 :]))
        del levels[at + 1 :]
        levels[at].expects = "value"
    walk.text.separate = not closes
    walk.text.copied = walk.position = walk.last_text = resume
    return True


def _next_beginning(walk: _Walk, levels: list[_Level], is_broken: bool, search: int) -> re.Match[bytes] | None:
    """Find the next element of any open list of spans, the end of the innermost list, or the spans within the broken
    element.
    """
    innermost = levels[-1].key if levels else b""
    # of many levels only the innermost ones, for speed
    span_lists = [level for level in levels[-_MAX_LEVELS:] if level.skips_broken]
    known = {first for level in span_lists for first, _ in level.beginnings}
    likely = {first for level in span_lists for first in _FIRST_KEYS_OF.get(level.key, _FIRST_KEYS)}
    others = _CLOSE.get(innermost, []) + (_MEMBER if is_broken and innermost != b'"spans"' else [])
    found = None
    for firsts in (known if all(level.beginnings for level in span_lists) else known | likely, known | likely):
        parts = others + ([_OBJECT % b"|".join(map(re.escape, sorted(firsts)))] if span_lists else [])
        found = found or (walk.finder.search(b"|".join(parts), search) if parts else None)
    return found


def _level_of(levels: list[_Level], found: re.Match[bytes]) -> int:
    """Find the list whose elements begin like this. -> its index in `levels`"""
    first, second = _beginning(found)
    span_lists = [i for i in range(max(len(levels) - _MAX_LEVELS, 0), len(levels)) if levels[i].skips_broken]
    matching = [i for i in span_lists if (first, second) in levels[i].beginnings]
    if matching:
        return matching[-1]
    matching = [
        i for i in span_lists if not levels[i].beginnings or any(first == known for known, _ in levels[i].beginnings)
    ]
    if not matching:
        return span_lists[-1]
    return matching[0] if second in _SPAN_LIST_KEYS or first in _SPAN_LIST_KEYS else matching[-1]
