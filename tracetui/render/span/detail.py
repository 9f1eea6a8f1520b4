"""Detail of one span as foldable rows: identity and figures, then the recorded data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from tracetui.analysis.error_messages import NO_MESSAGE, exception_text
from tracetui.analysis.errors import ErrorRole
from tracetui.analysis.span_facts import SpanFacts
from tracetui.model.span import Attributes, Event, Link, Span, Value
from tracetui.model.trace_page import page_of
from tracetui.render.span.facts import (
    cause_lines,
    context_words,
    critical_words,
    flowed_text,
    kind_words,
    network_words,
    skew_words,
    waited_words,
)
from tracetui.render.span.gen_ai import chat_messages, usage_words
from tracetui.render.span.head import head
from tracetui.render.span.links import LinkedFrom, link_words, linked_entries, search_entry
from tracetui.render.span.log_lines import details, headline, more_lines, placement, severity_role
from tracetui.render.span.values import (
    PREVIEWED,
    READABLE_KEY,
    DetailEntry,
    LinkTarget,
    ValueRows,
    facts_entry,
    key_column,
    own_frame,
    statement,
)
from tracetui.render.text import numbers
from tracetui.render.text.attributes import BEHIND, GROUPS, LEADING, group_of, in_short, plain
from tracetui.render.text.cells import cell_width, cut
from tracetui.render.text.glyphs import UNICODE, Glyphs
from tracetui.render.text.line import Line, Role
from tracetui.render.text.safe_text import safe

MAX_SHOWN = 500
"""Largest number of attributes, events or links shown per list."""

_GROUPED_FROM = 12
"""Number of attributes from which on groups have headings."""
_SEARCHED = 100_000
_FOLDED_AT_FIRST = frozenset(f"group:{title}" for title in (*BEHIND, "resource", "scope", "ids"))


@dataclass(kw_only=True)
class SpanDetailLines:
    """Rows of one span's detail, for the size of the last `arrange`."""

    span: Span
    facts: SpanFacts | None = None
    """None until they are computed."""
    targets: Mapping[int, LinkTarget] = field(default_factory=dict)
    """Link targets by number of the link."""
    linked_from: LinkedFrom = field(default_factory=LinkedFrom)
    glyphs: Glyphs = UNICODE
    local_time: bool = False
    slot: int = 0
    """Slot of the service's colour."""
    open_key: str = ""
    """Key that opens a row; '' for none."""
    skew_hint: str = ""
    """Text on the key that corrects clock skew; '' for none."""
    page: str = ""
    """Address of a trace's web page, as in `model.trace_page`; '' if unknown."""
    toggled: set[str] = field(default_factory=set)
    """Paths of entries that were toggled from their initial state."""
    word: str = ""
    """Filter: only entries with this text in name or value are shown."""
    highlight: str = ""
    """Text to highlight while there is no filter."""

    def __post_init__(self) -> None:
        self.width = self.height = 0
        self.found_count = self.searched_count = 0
        self._rows: list[tuple[DetailEntry, Line]] = []
        self._values = ValueRows(self.glyphs)
        self._messages = chat_messages(self.span.attributes, self.span.events)
        events = enumerate(self.span.events[:MAX_SHOWN]) if self.span.error else ()
        self._failed_event = next((number for number, event in events if own_frame(event)), -1)
        """Number of the event that names the frame in which the error began; -1 for none."""

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
        self._rows = self._layout(width, spare=0)
        if len(self._rows) < height:
            self._rows = self._layout(width, spare=height - len(self._rows))

    def _layout(self, width: int, spare: int) -> list[tuple[DetailEntry, Line]]:
        self._values = ValueRows(self.glyphs, spare)
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
        return entry.can_fold and self._open(entry.path)

    def _open(self, path: str) -> bool:
        at_first = path.startswith("group:") and path not in _FOLDED_AT_FIRST
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
        yield from self._linked()
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
            yield statement(f"warning:{number}", "warning", text, glyphs.warning, Role.WARNING)
        if self.facts and self.facts.skew_ns:
            yield self._facts("skew", [skew_words(self.facts.skew_ns, glyphs, self.skew_hint, self._duration)])
        message = self.facts.message if self.facts else span.status_message
        if message and message != NO_MESSAGE:
            is_propagated = self.facts is not None and self.facts.role in (ErrorRole.PROPAGATED, ErrorRole.CANCELLED)
            glyph, role = (glyphs.propagated, Role.PROPAGATED) if is_propagated else (glyphs.origin, Role.ERROR)
            if not span.error:
                glyph, role = "", Role.PLAIN
            yield statement("message", "status message", message, glyph, role)
        frame = own_frame(span.events[self._failed_event]) if self._failed_event >= 0 else None
        if frame is not None:
            yield self._facts("frame", [(f"in {safe(str(frame))}", Role.PLAIN)])
        if self.facts and self.facts.caused_by:
            yield facts_entry("causes", partial(cause_lines, self.facts, self.glyphs))
        if message and span.status_message and message != span.status_message:
            yield statement("status", "status message", span.status_message, "", Role.PLAIN)
        usage = list(usage_words(span.attributes))
        if usage:
            yield self._facts("model", usage)
        if self.facts:
            yield self._facts("times", critical_words(span, self.facts, self._duration))
            waited = list(waited_words(span, self.facts, self._duration))
            if waited:
                yield self._facts("waited", waited)
            if self.facts.network:
                yield self._facts("network", network_words(self.facts.network, self._duration))

    def _facts(self, path: str, items: Iterable[tuple[str, str]]) -> DetailEntry:
        """Return an entry of several short texts."""
        return facts_entry(path, partial(flowed_text, list(items)))

    def _chat(self, width: int) -> Iterator[DetailEntry]:
        """Yield the messages to and from a language model; a filter shows their attributes instead."""
        messages = [] if self.word else self._messages[0]
        if not messages:
            return
        yield self._heading("group:messages", "messages", len(messages))
        if self._open("group:messages"):
            column = key_column((message.role for message in messages), width)
            for number, message in enumerate(messages):
                yield self._field(f"message:{number}", message.role, message.text, column, width)

    def _attributes(self, width: int) -> Iterator[DetailEntry]:
        yield from self._chat(width)
        matching = self._matching(self.span.attributes)
        if not self.word:
            hidden = self._messages[1]
            matching = {key: value for key, value in matching.items() if key not in hidden}
        room = MAX_SHOWN
        column = key_column(matching, width)
        leading = [key for key in LEADING if key in matching]
        for key in leading:
            yield self._field(f"attribute:{key}", key, matching[key], column, width)
        room -= len(leading)
        sorted_keys: dict[str, list[str]] = {title: [] for title, _ in GROUPS}
        for key in (key for key in matching if key not in LEADING):
            sorted_keys[group_of(key)].append(key)
        groups = {title: keys for title, keys in sorted_keys.items() if keys}
        headings = len(groups) > 1 and len(self.span.attributes) >= _GROUPED_FROM
        for title, keys in groups.items():
            path = f"group:{title}"
            if headings:
                yield self._heading(path, title, len(keys), {key: matching[key] for key in keys})
            if not headings or self._open(path) or self.word:
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
            column = key_column(matching, width)
            for key in list(matching)[:MAX_SHOWN]:
                address = page_of(self.page, self.span.trace_id) if (path, key) == ("ids", "trace id") else ""
                yield self._field(f"{path}:{key}", key, matching[key], column, width, address=address)
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
        yield self._heading(path, title, len(shown))
        if self.word or self._open(path):
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
        wrapped = self._values.wrapped(text, room) if not self._open(path) and room > READABLE_KEY else None
        shown = [part.text for part in wrapped] if wrapped else [safe(text, PREVIEWED)]
        below = [Line([(" " * line.width, Role.PLAIN), (part, role)]) for part in shown[1:]]
        line.add(shown[0], role)
        frame = own_frame(event) if failed and number != self._failed_event and not self._open(path) else None
        if frame is not None:
            below.append(Line([(f"    in {safe(str(frame))}", Role.PLAIN)]))
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
        wrapped = self._values.wrapped(shown, room) if not opened and room > READABLE_KEY else None
        parts = [part.text for part in wrapped] if wrapped else None
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
        link_words(line, target, link.kind, (link.trace_id, link.span_id), self.open_key, self.page)
        yield DetailEntry(path, "link", plain(link), lambda _: [line], can_fold=bool(link.attributes), target=target)
        if link.attributes and (self.word or self._open(path)):
            yield from self._below(path, link.attributes, width)

    def _linked(self) -> Iterator[DetailEntry]:
        """Yield the spans that link to this one."""
        linked = self.linked_from
        if self.word or not (linked.count or linked.unread):
            return
        if linked.unread:
            yield search_entry(linked, self.glyphs, self.open_key)
            return
        yield self._heading("group:linked from", "linked from", linked.count)
        if self._open("group:linked from"):
            yield from linked_entries(linked, self.glyphs, self.open_key, self.page)
            if linked.count > len(linked.spans):
                yield self._more("linked from", linked.count - len(linked.spans), "")

    def _below(self, path: str, values: Attributes, width: int) -> Iterator[DetailEntry]:
        column = key_column(values, width)
        for key in list(values)[:MAX_SHOWN]:
            yield self._field(f"{path}:{key}", key, values[key], column, width, level=3)

    # --- drawing ----------------------------------------------------------------------------------------------------

    def _foldable(self, path: str, folds: bool, level: int) -> Line:
        opened = self._open(path) or bool(self.word)
        glyph = (self.glyphs.opened if opened else self.glyphs.folded) if folds else " "
        return Line([(f"{' ' * (2 * level - 2 if level else 0)}{glyph} ", Role.DIM)])

    def _heading(self, path: str, title: str, count: int, values: Attributes | None = None) -> DetailEntry:
        line = self._foldable(path, True, 0).add(title, Role.TITLE).add(f" {count:,}", Role.DIM)
        if values and not (self.word or self._open(path)):
            some = (f"{safe(key, 40)}={safe(in_short(value, 40), 40)}" for key, value in list(values.items())[:8])
            line.add("  " + "  ".join(some), Role.DIM)
        value: Value = dict(values) if values else title
        return DetailEntry(path, title, value, lambda _: [line], can_fold=True)

    def _field(
        self, path: str, name: str, value: Value, column: int, width: int, level: int = 1, address: str = ""
    ) -> DetailEntry:
        opened = self._open(path)
        return self._values.field(path, name, value, column, width, opened=opened, level=level, address=address)

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
