"""Detail of one span as foldable rows: identity and figures, then the recorded data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tracetui.analysis.error_messages import NO_MESSAGE, exception_text
from tracetui.analysis.span_facts import SpanFacts
from tracetui.model.span import Attributes, Event, Link, Span, Value
from tracetui.render.span.facts import (
    cause_words,
    context_words,
    critical_words,
    flowed_text,
    kind_words,
    network_words,
    words_wrapped,
)
from tracetui.render.span.head import head
from tracetui.render.span.log_lines import details, headline, more_lines, placement, severity_role
from tracetui.render.text import numbers
from tracetui.render.text.attributes import GROUPS, LEADING, OTHERS, group_of, in_short, plain, text_size, value_lines
from tracetui.render.text.cells import cell_width, cut, fit
from tracetui.render.text.glyphs import UNICODE, Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

MAX_SHOWN = 500
"""Largest number of attributes, events or links shown per list."""
INLINE_LINES = 12
"""Largest number of lines of a long value that unfolds in place."""

_STATEMENT_LINES = 3
_GROUPED_FROM = 12
"""Number of attributes from which on groups have headings."""
_READABLE_KEY = len("http.response.status_code")
_SEARCHED, _PREVIEWED, _WRAPPED = 100_000, 400, 4_000


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """Target of a link, as positions in the set; `span` is None if only the trace is found."""

    trace: int
    span: int | None
    name: str


@dataclass(slots=True)
class DetailEntry:
    """Entry of the detail, of one or more rows. `name` and `value` are unchanged data."""

    path: str
    """Key of the entry, the same for corresponding entries of other spans."""
    name: str
    value: Value
    lines: Callable[[int], list[Line]] = lambda _: []
    can_fold: bool = False
    is_long: bool = False
    """True if its row cuts the value."""
    target: LinkTarget | None = None
    is_attribute: bool = False


@dataclass(kw_only=True)
class SpanDetailLines:
    """Rows of one span's detail, for the size of the last `arrange`."""

    span: Span
    facts: SpanFacts | None = None
    """None until they are computed."""
    targets: Mapping[int, LinkTarget] = field(default_factory=dict)
    """Link targets by number of the link."""
    glyphs: Glyphs = UNICODE
    local_time: bool = False
    slot: int = 0
    """Slot of the service's colour."""
    open_key: str = ""
    """Key that opens a row; '' for none."""
    toggled: set[str] = field(default_factory=set)
    """Paths of entries that were toggled from their initial state."""
    word: str = ""
    """Filter: only entries with this text in name or value are shown."""
    highlight: str = ""
    """Text to highlight while there is no filter."""

    def __post_init__(self) -> None:
        self.width = self.height = 0
        self._spare = 0
        """Free rows for wrapping long values."""
        self.found_count = self.searched_count = 0
        self._rows: list[tuple[DetailEntry, Line]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def line(self, row: int, width: int) -> Line:
        line = self._rows[row][1].cropped(width, self.glyphs.ellipsis)
        return line.highlighted(self.word or self.highlight, Role.ACCENT) if self.word or self.highlight else line

    def entry(self, row: int) -> DetailEntry:
        """Return the entry on a row."""
        return self._rows[row][0]

    def row_of(self, path: str) -> int | None:
        """Return the first row of an entry, or None."""
        return next((row for row, (entry, _) in enumerate(self._rows) if entry.path == path), None)

    def first_attribute(self) -> int | None:
        """Return the first row of an attribute, or None."""
        return next((row for row, (entry, _) in enumerate(self._rows) if entry.is_attribute), None)

    def arrange(self, width: int, height: int = 0) -> None:
        """Lay out the rows for a width. If there are fewer than `height`, long values are wrapped into free rows."""
        self.width, self.height = width, height
        self._spare = 0
        self._rows = self._layout(width)
        if len(self._rows) < height:
            self._spare = height - len(self._rows)
            self._rows = self._layout(width)

    def _layout(self, width: int) -> list[tuple[DetailEntry, Line]]:
        self.found_count = self.searched_count = 0
        rows: list[tuple[DetailEntry, Line]] = []
        for entry in self._entries(width):
            rows.extend((entry, line.cropped(width, self.glyphs.ellipsis)) for line in entry.lines(width))
        if self.word:
            entry = DetailEntry("filter", "filter", self.word)
            text = f"{self.found_count:,} of {self.searched_count:,} match {self.glyphs.quoted(safe(self.word, 60))}"
            rows.insert(1, (entry, Line([(text, Role.ACCENT)]).cropped(width, self.glyphs.ellipsis)))
        return rows

    def toggle(self, row: int) -> bool:
        """Fold or unfold the entry on a row. -> False if it does not fold or its value is too long"""
        entry = self.entry(row)
        if not entry.can_fold:
            return False
        self.toggled ^= {entry.path}
        self.arrange(self.width, self.height)
        return True

    def is_open(self, row: int) -> bool:
        """Test whether the entry on a row is unfolded."""
        entry = self.entry(row)
        return entry.can_fold and self._open(entry.path, at_first=_open_at_first(entry))

    def _open(self, path: str, at_first: bool = False) -> bool:
        return (path in self.toggled) != at_first

    # --- entries -----------------------------------------------------------------------------------------------------

    def _entries(self, width: int) -> Iterator[DetailEntry]:
        span = self.span
        first, has_kind = head(span, self.facts, self.slot, self.glyphs, width)
        first = first[: 1 if self.word else None]
        yield DetailEntry("span", "span", f"{span.service} {span.name}", lambda _: first)
        if not self.word:
            yield from self._state()
        yield from self._attributes(width)
        has_logs = any(event.is_log for event in span.events)
        yield from self._list(span.events, "events and logs" if has_logs else "events", self._event, width)
        yield from self._list(span.links, "links", self._link, width)
        if not self.word:
            moment = numbers.date_clock(span.start_ns, self.local_time)
            when = f"{moment} {numbers.zone(span.start_ns, self.local_time)}"
            items = list(context_words(span, self.facts, when, self._duration))
            yield self._facts(
                "place",
                items if has_kind or "span.kind" in span.attributes else [*items, (kind_words(span.kind), Role.DIM)],
            )
        scope = {"name": span.scope_name, "version": span.scope_version}
        yield from self._group("resource", "resource", span.resource, width)
        yield from self._group("scope", "scope", {key: value for key, value in scope.items() if value}, width)
        ids = {"trace id": span.trace_id, "span id": span.span_id, "parent id": span.parent_id}
        yield from self._group("ids", "ids", {key: value for key, value in ids.items() if value is not None}, width)

    def _state(self) -> Iterator[DetailEntry]:
        """Yield the state of the span: warnings, messages, and its share of the critical path."""
        span, glyphs = self.span, self.glyphs
        for number, text in enumerate(span.warnings[:MAX_SHOWN]):
            yield self._statement(f"warning:{number}", "warning", text, glyphs.warning, Role.WARNING)
        message = self.facts.message if self.facts else span.status_message
        if message and message != NO_MESSAGE:
            role = Role.ERROR if span.error else Role.PLAIN
            yield self._statement("message", "status message", message, glyphs.origin if span.error else "", role)
        if self.facts and self.facts.caused_by:
            yield self._facts("causes", cause_words(self.facts))
        if message and span.status_message and message != span.status_message:
            yield self._statement("status", "status message", span.status_message, "", Role.PLAIN)
        if self.facts:
            yield self._facts("times", critical_words(span, self.facts, self._duration))
            if self.facts.network:
                yield self._facts("network", network_words(self.facts.network, self._duration))

    def _facts(self, path: str, items: Iterable[tuple[str, str]]) -> DetailEntry:
        """Return an entry of several short texts."""
        texts = list(items)
        return DetailEntry(path, path, ", ".join(text for text, _ in texts), lambda width: flowed_text(texts, width))

    def _statement(self, path: str, name: str, text: str, glyph: str, role: str) -> DetailEntry:
        shown = f"{glyph} {safe(text)}" if glyph else safe(text)
        entry = DetailEntry(path, name, text, is_long=len(text) > len(shown) or "\n" in text)

        def lines(width: int) -> list[Line]:
            parts = words_wrapped(shown, width)
            entry.is_long = entry.is_long or len(parts) > _STATEMENT_LINES
            if len(parts) > _STATEMENT_LINES:
                parts[_STATEMENT_LINES - 1 :] = [" ".join(parts[_STATEMENT_LINES - 1 :])]
            return [Line([(part, role)]) for part in parts]

        entry.lines = lines
        return entry

    def _attributes(self, width: int) -> Iterator[DetailEntry]:
        matching = self._matching(self.span.attributes)
        room = MAX_SHOWN
        column = _key_column(matching, width)
        leading = [key for key in LEADING if key in matching]
        for key in leading:
            yield self._field(f"attribute:{key}", key, matching[key], column, width)
        room -= len(leading)
        sorted_keys: dict[str, list[str]] = {title: [] for title in (*(title for title, _ in GROUPS), OTHERS)}
        for key in (key for key in matching if key not in LEADING):
            sorted_keys[group_of(key)].append(key)
        groups = {title: keys for title, keys in sorted_keys.items() if keys}
        headings = len(groups) > 1 and len(self.span.attributes) >= _GROUPED_FROM
        for title, keys in groups.items():
            path = f"group:{title}"
            if headings:
                yield self._heading(path, title, len(keys), at_first=True)
            if not headings or self._open(path, at_first=True) or self.word:
                for key in keys[:room]:
                    yield self._field(f"attribute:{key}", key, matching[key], column, width)
                room -= len(keys[:room])
        if not room and len(matching) > MAX_SHOWN:
            yield self._more("attributes", len(matching) - MAX_SHOWN, dict(matching))

    def _group(self, path: str, title: str, values: Attributes, width: int) -> Iterator[DetailEntry]:
        """Yield values under a heading, initially folded."""
        matching = self._matching(values)
        if not matching:
            return
        key_path = f"group:{path}"
        yield self._heading(key_path, title, len(matching), values=matching)
        if self.word or self._open(key_path):
            column = _key_column(matching, width)
            for key in list(matching)[:MAX_SHOWN]:
                yield self._field(f"{path}:{key}", key, matching[key], column, width)
            if len(matching) > MAX_SHOWN:
                yield self._more(path, len(matching) - MAX_SHOWN, dict(matching))

    def _list(
        self,
        items: Sequence[Event | Link],
        title: str,
        entries: Callable[[int, int], Iterable[DetailEntry]],
        width: int,
    ) -> Iterator[DetailEntry]:
        """Yield events or links under a heading."""
        shown = [number for number, item in enumerate(items) if self._matches(item)] if self.word else range(len(items))
        if not shown:
            return
        path = f"group:{title}"
        yield self._heading(path, title, len(shown), at_first=True)
        if self.word or self._open(path, at_first=True):
            for number in shown[:MAX_SHOWN]:
                yield from entries(number, width)
            if len(shown) > MAX_SHOWN:
                yield self._more(title, len(shown) - MAX_SHOWN, [plain(items[number]) for number in shown])

    def _event(self, number: int, width: int) -> Iterator[DetailEntry]:
        event, path = self.span.events[number], f"event:{number}"
        if event.is_log:
            yield from self._log(event, path, width)
            return
        failed = event.name in ("exception", "error")
        text = exception_text(event) or next((v for v in event.attributes.values() if isinstance(v, str)), "")
        when = self._offset(event.time_ns - self.span.start_ns)
        line = self._foldable(path, bool(event.attributes), level=1)
        line.add(f"{self.glyphs.event} {when}  ", Role.EVENT)
        line.add(safe(event.name) or "(no name)", Role.ERROR if failed else Role.STRONG)
        line.add("  ")
        role = Role.PLAIN if failed else Role.DIM
        room = width - line.width
        parts = self._wrapped(text, room) if not self._open(path) and room > _READABLE_KEY else None
        shown = parts or [safe(text, _PREVIEWED)]
        below = [Line([(" " * line.width, Role.PLAIN), (part, role)]) for part in shown[1:]]
        line.add(shown[0], role)
        yield DetailEntry(path, event.name, plain(event), lambda _: [line, *below], can_fold=bool(event.attributes))
        if event.attributes and (self.word or self._open(path)):
            yield from self._below(path, event.attributes, width)

    def _log(self, event: Event, path: str, width: int) -> Iterator[DetailEntry]:
        shown, role, values = headline(event), severity_role(event), details(event)
        notes = f"  {more_lines(event)}".rstrip() + placement(event)
        when = f"{self.glyphs.event} {self._offset(event.time_ns - self.span.start_ns)}  "
        indent = self._foldable(path, True, level=1).width + cell_width(when)
        opened = bool(self.word) or self._open(path)
        room = width - indent - cell_width(notes)
        parts = self._wrapped(shown, room) if not opened and room > _READABLE_KEY else None
        is_cut = parts is None and cell_width(shown) > room
        if is_cut:
            values = {"message": event.name, **values}
        line = self._foldable(path, bool(values), level=1).add(when, Role.EVENT)
        line.add(parts[0] if parts else cut(shown, max(room, 8), self.glyphs.ellipsis), role).add(notes, Role.DIM)
        below = [Line([(" " * indent, Role.PLAIN), (part, role)]) for part in parts[1:]] if parts else []
        yield DetailEntry(path, "log", event.name, lambda _: [line, *below], can_fold=bool(values), is_long=is_cut)
        if values and opened:
            yield from self._below(path, values, width)

    def _link(self, number: int, width: int) -> Iterator[DetailEntry]:
        link, path = self.span.links[number], f"link:{number}"
        target = self.targets.get(number)
        line = self._foldable(path, bool(link.attributes), level=1).add(f"{self.glyphs.link} ", Role.ACCENT)
        if target:
            line.add(safe(target.name), Role.STRONG).add(
                f"  {self.open_key} opens it  " if self.open_key else "  ", Role.DIM
            )
        else:
            line.add("not loaded  ", Role.DIM)
        line.add(f"{safe(link.kind, 40)}{' ' if link.kind else ''}", Role.PLAIN)
        line.add(f"trace {safe(link.trace_id, 64)} span {safe(link.span_id, 64)}", Role.DIM)
        yield DetailEntry(path, "link", plain(link), lambda _: [line], can_fold=bool(link.attributes), target=target)
        if link.attributes and (self.word or self._open(path)):
            yield from self._below(path, link.attributes, width)

    def _below(self, path: str, values: Attributes, width: int) -> Iterator[DetailEntry]:
        column = _key_column(values, width)
        for key in list(values)[:MAX_SHOWN]:
            yield self._field(f"{path}:{key}", key, values[key], column, width, level=3)

    # --- drawing ----------------------------------------------------------------------------------------------------

    def _foldable(self, path: str, folds: bool, level: int, at_first: bool = False) -> Line:
        opened = self._open(path, at_first) or bool(self.word)
        glyph = (self.glyphs.opened if opened else self.glyphs.folded) if folds else " "
        return Line([(f"{' ' * (2 * level - 2 if level else 0)}{glyph} ", Role.DIM)])

    def _heading(
        self, path: str, title: str, count: int, at_first: bool = False, values: Attributes | None = None
    ) -> DetailEntry:
        line = self._foldable(path, True, 0, at_first).add(title, Role.TITLE).add(f" {count:,}", Role.DIM)
        if values and not (self.word or self._open(path, at_first)):
            some = (f"{safe(key, 40)}={safe(in_short(value, 40), 40)}" for key, value in list(values.items())[:8])
            line.add("  " + "  ".join(some), Role.DIM)
        value: Value = dict(values) if values else title
        return DetailEntry(path, title, value, lambda _: [line], can_fold=True)

    def _field(self, path: str, name: str, value: Value, column: int, width: int, level: int = 1) -> DetailEntry:
        glyphs = self.glyphs
        indent = 2 * level
        room = max(width - indent - column - 2, 8)
        preview = in_short(value, _PREVIEWED)
        shown = safe(preview, _PREVIEWED)
        size = text_size(value)
        long = size > _PREVIEWED or cell_width(shown) > room or "\n" in preview
        key = fit(safe(name) or "(no name)", column, ellipsis=glyphs.ellipsis)
        parts = self._wrapped(value, room) if long and not self._open(path) else None
        if parts is not None:
            lines = [Line([(f"{' ' * indent}{key}  ", Role.DIM), (parts[0], Role.PLAIN)])]
            lines += [Line([(" " * (indent + column + 2) + part, Role.PLAIN)]) for part in parts[1:]]
            return DetailEntry(path, name, value, lambda _: lines, is_long=True, is_attribute=True)
        body = value_lines(value, width - indent - 2, INLINE_LINES) if long else None
        opened = body is not None and self._open(path)
        glyph = (glyphs.opened if opened else glyphs.folded) if long else " "
        # as few styles as possible, as each costs bytes with every span
        line = Line([(f"{' ' * (indent - 2)}{glyph} {key}  ", Role.DIM)])
        if long and size > room:
            note = f" {numbers.short_count(size)} characters" if size >= 1_000 else ""
            shown = cut(shown, max(room - len(note), 8), glyphs.ellipsis)
            line.add("" if opened else shown).add(note, Role.DIM)
        else:
            line.add("" if opened else cut(shown, room, glyphs.ellipsis))
        lines = [line]
        if opened and body is not None:
            lines += [Line([(" " * (indent + 2), Role.PLAIN), (text, Role.PLAIN)]) for text in body]
        entry = DetailEntry(path, name, value, lambda _: lines, can_fold=body is not None, is_long=long)
        entry.is_attribute = True
        return entry

    def _wrapped(self, value: Value, room: int) -> list[str] | None:
        """Wrap a value to as many lines as it needs; None if there is not enough room."""
        if not self._spare or text_size(value) >= _WRAPPED:
            return None
        parts = [
            part
            for line in in_short(value, _WRAPPED).expandtabs(4).split("\n")[: self._spare + 2]
            for part in words_wrapped(safe(line, _WRAPPED), room)
        ]
        if len(parts) - 1 > self._spare:
            return None
        self._spare -= len(parts) - 1
        return parts

    def _more(self, title: str, count: int, value: Value) -> DetailEntry:
        shows = f": {self.open_key} shows all" if self.open_key else ""
        line = Line([(f"  {self.glyphs.ellipsis} {count:,} more {title}{shows}", Role.WARNING)])
        return DetailEntry(f"more:{title}", title, value, lambda _: [line], is_long=True)

    def _duration(self, ns: int) -> str:
        return numbers.duration(ns, self.glyphs.ascii_only)

    def _offset(self, ns: int) -> str:
        return f"{'+' if ns >= 0 else ''}{self._duration(ns)}"

    # --- the filter --------------------------------------------------------------------------------------------------

    def _matching(self, values: Attributes) -> Attributes:
        if not self.word:
            return values
        matching = {key: value for key, value in values.items() if self._has_word(key, value)}
        self.searched_count += len(values)
        self.found_count += len(matching)
        return matching

    def _matches(self, item: Event | Link) -> bool:
        own: Value = item.name if isinstance(item, Event) else f"{item.trace_id} {item.span_id} {item.kind}"
        matches = self._has_word("", own) or any(self._has_word(key, value) for key, value in item.attributes.items())
        self.searched_count += 1
        self.found_count += matches
        return matches

    def _has_word(self, key: str, value: Value) -> bool:
        word = self.word.casefold()
        return word in key.casefold() or word in in_short(value, _SEARCHED).casefold()


def _open_at_first(entry: DetailEntry) -> bool:
    return entry.path.startswith("group:") and entry.path not in ("group:resource", "group:scope", "group:ids")


def _key_column(values: Iterable[str], width: int) -> int:
    widest = max((min(cell_width(safe(key, 60)), 60) for key in list(values)[: 4 * MAX_SHOWN]), default=0)
    return max(min(widest, max(width * 2 // 5, _READABLE_KEY), width - 14), 4)
