"""Dialog to add columns to the list of traces, and to remove them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tracetui.query.attribute_values import likely_first
from tracetui.query.complete import Vocabulary, vocabulary
from tracetui.render.text.line import Role
from tracetui.render.text.safe_text import safe
from tracetui.render.traces.table import HIDEABLE
from tracetui.tui.state import ListColumns
from tracetui.tui.views.base import View
from tracetui.tui.views.choice_filler import ChoiceFiller
from tracetui.tui.widgets.choice import Choice, Option

MAX_ATTRIBUTES = 8
_DEFAULT = "default"
_COLUMN, _ATTRIBUTE = "column ", "attribute "
"""Prefixes of the values of options."""


def open_columns(view: View, filler: ChoiceFiller, changed: Callable[[], None]) -> None:
    """Let the user add or remove one column; `changed` is called after a change."""
    state = view.state
    # without options until all are known, as the first, which Enter takes, is to be one that adds a column
    dialog = Choice(state.look, "Columns of the list: add or remove one", [], is_filling=True)

    def fill(known: Vocabulary) -> None:
        shown = set(state.columns.attributes)
        keys = [key for key in likely_first(known.attributes) if key not in shown]
        more = [Option(_ATTRIBUTE + key, key, _example(known.attributes[key])) for key in keys]
        hidden, shown_columns = _options(state.columns)
        dialog.fill([*hidden, *more, *shown_columns])

    def chosen(value: str) -> None:
        columns = _toggled(state.columns, value)
        if len(columns.attributes) > MAX_ATTRIBUTES:
            view.post_notice(f"at most {MAX_ATTRIBUTES} attributes; remove one first")
        elif columns != state.columns:
            state.set_columns(columns)
            changed()

    filler.open(dialog, vocabulary, fill, chosen)


def _options(columns: ListColumns) -> tuple[list[Option], list[Option]]:
    """Options that need no traces: for columns that are hidden, and for columns and attributes that are shown."""
    hidden = [
        Option(_COLUMN + column, column, "hidden: choose to add") for column in HIDEABLE if column in columns.hidden
    ]
    shown = [Option(_ATTRIBUTE + key, key, "shown: choose to remove", Role.STRONG) for key in columns.attributes]
    shown += [
        Option(_COLUMN + column, column, "shown: choose to remove", Role.STRONG)
        for column in HIDEABLE
        if column not in columns.hidden
    ]
    if columns != ListColumns():
        shown.append(Option(_DEFAULT, "the default columns", "without attributes", Role.DIM))
    return hidden, shown


def _example(values: Sequence[str]) -> str:
    return f"such as {safe(values[0], 24)}" if values else ""


def _toggled(columns: ListColumns, value: str) -> ListColumns:
    """Return the columns with one added or removed."""
    if value == _DEFAULT:
        return ListColumns()
    if value.startswith(_ATTRIBUTE):
        key = value.removeprefix(_ATTRIBUTE)
        return ListColumns(columns.hidden, _toggled_name(columns.attributes, key))
    return ListColumns(_toggled_name(columns.hidden, value.removeprefix(_COLUMN)), columns.attributes)


def _toggled_name(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(one for one in names if one != name) if name in names else (*names, name)
