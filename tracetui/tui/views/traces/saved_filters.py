"""Dialog to apply filters that were saved under a name, to save the current one, and to remove one."""

from __future__ import annotations

from tracetui.query.complete import holds_secret
from tracetui.render.text.line import Role
from tracetui.render.text.safe_text import safe
from tracetui.tui.settings import LONGEST_QUERY, MAX_FILTERS, save_filters
from tracetui.tui.views.base import View
from tracetui.tui.widgets.choice import Choice, Option

LONGEST_NAME = 60
_APPLY, _REMOVE = "apply ", "remove "
"""Prefixes of the values of options; other values are names for the current filter."""


def open_saved_filters(view: View) -> None:
    """Let the user apply a saved filter, or type a name to save the current one."""
    state = view.state
    query, saved = state.query, state.saved_filters
    options = [Option(_APPLY + name, name, text) for name, text in sorted(saved.items())]
    options += [
        Option(_REMOVE + name, f"remove {name}", "", Role.DIM) for name, text in sorted(saved.items()) if text == query
    ]
    title = f"Save {safe(query, LONGEST_NAME)}, or apply a saved filter" if query else "Saved filters"
    free = "a name for the current filter" if query else ""
    if not options and not query:
        view.post_key_notices("no saved filters; {traces.filter} filters, {traces.saved} then saves the filter")
        return

    def save(name: str, query: str | None, done: str) -> None:
        state.save_filter(name, query)

        def saved_to_file(succeeded: bool) -> None:
            if succeeded:
                state.forget_filter_change(name, query)
            view.post_notice(done if succeeded else f"{done} until you quit: the state directory cannot be written")

        view.work(f"traces-save-{name}", lambda: save_filters({name: query}), saved_to_file, outlives_set=True)

    def chosen(value: str) -> None:
        if value.startswith(_APPLY) and value.removeprefix(_APPLY) in saved:
            view.filter_by(saved[value.removeprefix(_APPLY)])
        elif value.startswith(_REMOVE) and value.removeprefix(_REMOVE) in saved:
            name = value.removeprefix(_REMOVE)
            save(name, None, f"removed {safe(name, LONGEST_NAME)}")
        elif holds_secret(query):
            view.post_notice("not saved: the filter may contain a secret")
        elif len(query) > LONGEST_QUERY:
            view.post_notice(f"not saved: the filter has more than {LONGEST_QUERY:,} characters")
        elif len(saved) >= MAX_FILTERS and value[:LONGEST_NAME] not in saved:
            view.post_notice(f"not saved: there are {MAX_FILTERS} saved filters; apply and remove one first")
        else:
            name = value[:LONGEST_NAME]
            save(name, query, f"saved as {name}")

    view.show_dialog(Choice(state.look, title, options, free=free), chosen)
