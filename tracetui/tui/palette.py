"""Command palette: actions, themes, services, operations and traces by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from textual.app import App
from textual.dom import DOMNode

from tracetui.render.text import numbers
from tracetui.tui.keys.everywhere import APP
from tracetui.tui.keys.key_table import Shortcut
from tracetui.tui.keys.keymap import KeyNames
from tracetui.tui.keys.registry import KEYS, TABLE_OF
from tracetui.tui.keys.view_key_tables import VIEW_KEYS
from tracetui.tui.main_screen import MainScreen
from tracetui.tui.messages import FilterTraces, OpenTrace, OpenView
from tracetui.tui.themes import THEME_NOTES, THEMES
from tracetui.tui.views.registry import VIEWS
from tracetui.tui.widgets.choice import Choice, Option

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    from tracetui.tui.name_index import NameIndex

_MAX_ABBREVIATED = 2_000
"""Largest number of services, and of operations, that are searched by abbreviations."""
_MAX_CANDIDATES = 400
"""Largest number of services, and of operations, of which the best are shown."""
_MAX_IDS = 200_000
_MAX_MATCHES = 40
_MAX_TYPED = 8
"""Largest number of services offered for a typed command."""
_UNLISTED = {"app.back", "app.palette", "app.quit", "app.quit-at-once"}
_LIVE = {"app.follow", "app.more"}
"""Actions that need a server."""
_FEWEST_LETTERS = 2
"""Smallest number of letters that are searched one by one."""
_SHORTEST_ID = 4
"""Smallest number of characters of a trace id to search for, as fewer match too many."""


class PaletteEntry(NamedTuple):
    """Command or target of the palette; `label` may be untrusted."""

    label: str
    note: str
    command: Callable[[], Any]
    words: str = ""
    """Other lower-case words that find it."""


class PaletteEntries:
    """Commands and targets of an app, searchable by label."""

    def __init__(self, app: App[Any], main: MainScreen) -> None:
        self._app, self._main, self._state = app, main, main.state
        self.first = list(self._actions())
        session = self._state.session
        self._loaded = session.loaded if session is not None else None
        loaded = self._loaded
        self._service_index, self._operation_index = self._indexes()
        entries = *self.first, *(self._saved() if loaded is not None else ())
        found = ((entry, 0) for entry in entries), ((entry, 1) for entry in self._elsewhere())
        self._ranked = [(entry, entry.label.lower(), rank) for entries in found for entry, rank in entries]
        self._shown = self.first
        self._is_cut = False
        """True if more was found than is shown."""

    def _actions(self) -> Iterator[PaletteEntry]:
        """Return the actions of the app and those at the current focus, with their keys, and the themes."""
        app, names = self._app, KeyNames(self._app.screen)
        for key in APP.keys:
            if key.id.startswith("view."):
                yield self._entry(key, names)
        if self._state.query:
            yield PaletteEntry("Clear the filter", "show all traces", partial(app.post_message, FilterTraces("")))
        for key in APP.keys:
            if not key.id.startswith("view.") and key.id not in _UNLISTED | (set() if self._state.is_live else _LIVE):
                yield self._entry(key, names)
        for number, name in enumerate(self._main.tabs.names):
            show = partial(self._main.tabs.show, number)
            yield PaletteEntry(f"Sources {number + 1}: {name}", "open in a tab", show, "set")
        for theme in THEMES:
            note = "in use" if theme == app.theme else THEME_NOTES[theme]
            yield PaletteEntry(f"Theme {theme}", note, partial(setattr, app, "theme", theme))
        seen = set()
        for node, binding, enabled, _ in app.screen.active_bindings.values():
            action = binding.id or ""
            if enabled and action in KEYS and action not in seen and not isinstance(node, App):
                seen.add(action)
                if TABLE_OF[action].in_palette:
                    yield self._entry(KEYS[action], names, node)
        yield self._entry(KEYS["app.quit"], names)

    def _entry(self, key: Shortcut, names: KeyNames, node: DOMNode | None = None) -> PaletteEntry:
        run = partial(self._app.run_action, key.action, node)
        return PaletteEntry(key.title, " ".join(names.keys(key.id)), run, key.palette_words)

    def _elsewhere(self) -> Iterator[PaletteEntry]:
        """Return the actions of other views, which they show first."""
        names = KeyNames(self._app.screen)
        for view, title in VIEWS:
            if view == self._main.view:
                continue
            for key in VIEW_KEYS[view].keys:
                note = f"{title}  {names.short(f'{{view.{view} {key.id}}}')}"
                words = f"{title.lower()} {key.palette_words}"
                yield PaletteEntry(key.title, note, partial(self._run_in, view, key.action), words)

    def _run_in(self, view: str, action: str) -> None:
        self._app.post_message(OpenView(view))
        self._app.call_later(self._app.run_action, action, self._app.query_one(f"#{view}"))

    def _indexes(self) -> tuple[NameIndex, NameIndex]:
        """Return the indexes of the services and operations of the loaded set."""
        from tracetui.tui.name_index import NameIndex, operation_index, service_index

        if self._loaded is None:
            return NameIndex(()), NameIndex(())
        return service_index(self._loaded), operation_index(self._loaded)

    def _saved(self) -> Iterator[PaletteEntry]:
        for name, query in sorted(self._state.saved_filters.items()):
            yield PaletteEntry(f"Filter {name}", query, partial(self._list, query))

    @property
    def _names(self) -> tuple[tuple[str, NameIndex], ...]:
        """The names of each field."""
        return ("service", self._service_index), ("operation", self._operation_index)

    def _name_entry(self, field: str, name: str) -> PaletteEntry:
        """Return the entry that lists the traces of a service or operation."""
        # imported late, so that the first screen is painted before
        from tracetui.query.lexer import quoted

        list_traces = partial(self._list, f"{field} = {quoted(name)}")
        return PaletteEntry(f"{field.title()} {name}", "its traces", list_traces)

    def _list(self, query: str) -> None:
        self._app.post_message(FilterTraces(query))
        self._app.post_message(OpenView("traces"))

    def matching(self, words: Sequence[str], text: str) -> Sequence[Option]:
        self._shown = [*self._typed(text), *self.matches(words)] if words else self.matches(words)
        if not self._shown and self._loaded is not None:
            self._shown = [self._filter(text.strip())]
        return [Option(str(i), entry.label, entry.note) for i, entry in enumerate(self._shown)]

    def _typed(self, text: str) -> Iterator[PaletteEntry]:
        """Return the commands for `open SOURCE`, `errors SERVICE` and `svc SERVICE`."""
        command, _, rest = text.strip().partition(" ")
        target = rest.strip()
        if not target:
            return
        match command.lower():
            case "open":
                yield PaletteEntry(f"Open {target}", "in a tab", partial(self._main.tabs.open, target))
            case "errors" | "error":
                for name in self._services(target):
                    yield PaletteEntry(f"Errors in {name}", "error patterns", partial(self._show_errors, name))
            case "svc" | "explore":
                for name in self._services(target):
                    yield PaletteEntry(f"Explore {name}", "callers, dependencies", partial(self._explore, name))

    def _services(self, part: str) -> list[str]:
        """Return the services that contain a part of a name, those that begin with it first."""
        part = part.lower()
        found = [self._service_index.names[at] for at in self._service_index.find([part], _MAX_CANDIDATES)]
        return sorted(found, key=lambda name: (not name.lower().startswith(part), len(name), name))[:_MAX_TYPED]

    def _show_errors(self, service: str) -> None:
        from tracetui.tui.views.errors import ErrorsView

        self._app.post_message(OpenView("errors"))
        self._app.call_later(cast(ErrorsView, self._app.query_one("#errors")).show_service, service)

    def _explore(self, service: str) -> None:
        from tracetui.tui.views.services.view import ServicesView

        self._app.post_message(OpenView("services"))
        self._app.call_later(cast(ServicesView, self._app.query_one("#services")).explore, service)

    def _filter(self, text: str) -> PaletteEntry:
        """Return the command that filters by a text that nothing else has."""
        from tracetui.query.lexer import quoted

        return PaletteEntry(f'Filter by "{text}"', "in names, messages, attributes", partial(self._list, quoted(text)))

    def count(self) -> str:
        if self._shown is self.first:
            return ""
        return f"the best {len(self._shown):,}" if self._is_cut else f"{len(self._shown):,} found"

    def run(self, value: str | None) -> None:
        """Run the command with this option value, if any."""
        if value is not None:
            self._app.call_later(self._shown[int(value)].command)

    def matches(self, words: Sequence[str]) -> list[PaletteEntry]:
        """Return the entries that contain all of these lower-case words, matches at the start of a word first."""
        self._is_cut = False
        if not words:
            return self.first
        ranked = []
        for entry, label, rank in self._ranked:
            if all(word in label or word in entry.words for word in words):
                ranked.append((_misses(words, label), rank, entry))
        ranked.extend(self._named(words))
        if not ranked:
            ranked = list(self._similar("".join(words)))
        ranked.sort(key=lambda found: found[:2])
        self._is_cut = len(ranked) > _MAX_MATCHES
        return [*(entry for *_, entry in ranked[:_MAX_MATCHES]), *islice(self._traces(words), _MAX_MATCHES)]

    def _named(self, words: Sequence[str]) -> Iterator[tuple[int, int, PaletteEntry]]:
        """Yield the services and operations that contain all words, with their ranks."""
        for field, index in self._names:
            rest = [word for word in words if word not in field]
            for at in index.find(rest, _MAX_CANDIDATES):
                entry = self._name_entry(field, index.names[at])
                yield _misses(words, f"{field} {index.lowered(at)}"), 0, entry

    def _similar(self, letters: str) -> Iterator[tuple[int, int, PaletteEntry]]:
        """Yield the entries with these letters at the starts of words, with the number of words, as a rank."""
        if len(letters) >= _FEWEST_LETTERS:
            for entry, label, rank in self._ranked:
                if parts := word_parts(letters, label):
                    yield parts, rank, entry
            for field, index in self._names:
                for row, name in enumerate(index.names[:_MAX_ABBREVIATED]):
                    if parts := word_parts(letters, f"{field} {index.lowered(row)}"):
                        yield parts, 0, self._name_entry(field, name)

    def _traces(self, words: Sequence[str]) -> Iterator[PaletteEntry]:
        """Find traces by the beginning of their ids. Matching anywhere would find too many."""
        loaded = self._loaded
        prefixes = [word for word in words if not "trace".startswith(word)]
        if loaded is None or len(prefixes) != 1 or len(prefixes[0]) < _SHORTEST_ID:
            return
        look = self._state.look
        for trace, trace_id in enumerate(loaded.trace_ids[:_MAX_IDS]):
            if trace_id.lower().startswith(prefixes[0]):
                start = numbers.date_clock(int(loaded.trace_start[trace]), look.local_time)
                duration = numbers.duration(int(loaded.response_time[trace]), look.glyphs.ascii_only)
                label = f"Trace {trace_id}  {loaded.trace_name(trace)}"
                yield PaletteEntry(label, f"{start}  {duration:>7}", partial(self._app.post_message, OpenTrace(trace)))


def _misses(words: Sequence[str], label: str) -> int:
    """Count the words that do not begin a word of a label."""
    return sum(f" {word}" not in f" {label}" for word in words)


def word_parts(letters: str, label: str) -> int:
    """Count the words of a label whose beginnings, in order, spell the letters; 0 if none do: `brad` has two in
    `blast radius`.
    """
    at, parts = 0, 0
    for letter in letters:
        if not parts or label[at : at + 1] != letter:
            at = label.find(letter, at)
            while at > 0 and label[at - 1].isalnum():
                at = label.find(letter, at + 1)
            if at < 0:
                return 0
            parts += 1
        at += 1
    return parts


def open_palette(app: App[Any], main: MainScreen) -> None:
    """Show the palette over an app with this main screen."""
    entries = PaletteEntries(app, main)
    app.push_screen(Choice(main.state.look, "Run a command or go to...", entries), entries.run)
