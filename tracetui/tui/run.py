"""Start the app on a terminal."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from rich.console import COLOR_SYSTEMS

from tracetui.config import NO_OVERRIDES, Overrides, config_path
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.servers.resolve import check_credentials, parse_sources
from tracetui.model.errors import INTERRUPTED, UsageError
from tracetui.model.search import NOTHING
from tracetui.render.text import hyperlinks
from tracetui.render.text.glyphs import glyphs_of
from tracetui.tui.app import TraceApp
from tracetui.tui.keys.keymap import check_keymap
from tracetui.tui.settings import Resume, Settings, load_columns, load_filters, load_queries
from tracetui.tui.source_tabs import location_of
from tracetui.tui.state import STDIN, Look, State
from tracetui.tui.themes import DARK_THEME, LIGHT_THEME, THEMES, first_theme

_GC_THRESHOLDS = (10_000, 20, 100)
"""Arguments of `gc.set_threshold`; full collections are rare, because they delay keys."""


def run_app(
    sources: Sequence[str],
    settings: Settings,
    resume: Resume | None = None,
    logs: Sequence[str] = (),
    overrides: Overrides = NO_OVERRIDES,
    notices: Sequence[str] = (),
    *,
    exact_names: bool = False,
) -> int:
    """Run the app until the user leaves it. -> the exit code

    notices: errors to show on the screen. `exact_names` makes every span name a separate operation.
    Raises UsageError for an unknown theme, colour system, key or action, and for unusable server settings.
    """
    if settings.theme and settings.theme not in THEMES:
        raise UsageError(f"unknown theme {settings.theme}; themes are {', '.join(THEMES)}")
    colours = os.environ.get("TEXTUAL_COLOR_SYSTEM", "auto")
    if colours not in ("auto", *COLOR_SYSTEMS):
        known = ", ".join(["auto", *COLOR_SYSTEMS])
        raise UsageError(f"TEXTUAL_COLOR_SYSTEM: unknown colour system {colours}; colour systems are {known}")
    if settings.keymap:
        # this imports all modules with actions, so do it only if needed
        try:
            check_keymap(settings.keymap)
        except UsageError as error:
            raise UsageError(f"{config_path()}: {error}") from None
    stdin = None
    if STDIN in sources:
        stdin = _keys_from_terminal()
    elif not sys.stdin.isatty():
        os.close(_keys_from_terminal())
    has_links = hyperlinks.are_wanted(settings.hyperlinks, os.environ)
    look = Look(glyphs=glyphs_of(settings.ascii_only), local_time=settings.local_time, has_links=has_links)
    named = parse_sources(sources)
    check_credentials(named.servers)
    notices = list(notices)
    previous_queries = load_queries(notices)
    state = State(
        sources=tuple(sources),
        public_sources=() if stdin is not None else tuple(map(without_secrets, sources)),
        logs=tuple(logs),
        exact_names=exact_names,
        stdin=stdin,
        look=look,
        search=resume.search if resume is not None else NOTHING,
        overrides=overrides,
        previous_queries=previous_queries,
        saved_filters=load_filters(notices),
        columns=load_columns(notices),
        notices=notices,
        configured_page=settings.ui,
        unsafe=any(server.is_unsafe(overrides) for server in named.servers),
        colour=named.colour,
    )
    if resume is None:
        resume, to_open = location_of(named)
        state.open_later(to_open)
    theme = settings.theme or first_theme(os.environ)
    # Textual renders NO_COLOR in greys of true colour, except in apps with the terminal's own colours
    ansi = True if os.environ.get("NO_COLOR") or theme.startswith("ansi") else None
    gc.set_threshold(*_GC_THRESHOLDS)
    follows_terminal = not settings.theme and theme in (DARK_THEME, LIGHT_THEME)
    app = TraceApp(state, resume, theme, ansi, settings.keymap, follows_terminal=follows_terminal)
    try:
        app.run(mouse=settings.mouse)
    except KeyboardInterrupt:
        # the terminal is already restored; do not wait for threads that still read
        os._exit(INTERRUPTED)
    if app.failure is not None:
        # the caller reports it as for any command
        raise app.failure
    return app.return_code or 0


def _keys_from_terminal() -> int:
    """Read keys from the terminal. -> a file descriptor of standard input, for the load"""
    if sys.stdin.isatty():
        raise UsageError("- reads standard input, which is this terminal; pipe data into it, or give a file")
    stdin = os.dup(0)
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        raise UsageError("no terminal to read keys from") from None
    os.dup2(terminal, 0)
    os.close(terminal)
    return stdin
