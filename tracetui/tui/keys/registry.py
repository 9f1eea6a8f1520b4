"""Registry of the tables of keys."""

from __future__ import annotations

from collections.abc import Mapping

from tracetui.tui.keys.dialogs import CHOICE, CHOICES, COPY, HELP, NORMAL_TRACE, PAGER, PAGES, RESULT
from tracetui.tui.keys.everywhere import APP, ASK, EDIT, FINDINGS, LISTS, PANES
from tracetui.tui.keys.key_table import KeyTable, Shortcut
from tracetui.tui.keys.services import GRAPH, MAP, MAP_SEARCH, SERVICE_SEARCH
from tracetui.tui.keys.traces import QUERY, REGION
from tracetui.tui.keys.view_key_tables import VIEW_KEYS
from tracetui.tui.keys.waterfall import DETAIL, FIND, SPAN_FILTER

TABLES = (
    APP,
    PANES,
    LISTS,
    *VIEW_KEYS.values(),
    FINDINGS,
    *(QUERY, REGION),
    *(DETAIL, FIND, SPAN_FILTER),
    *(GRAPH, SERVICE_SEARCH, MAP, MAP_SEARCH),
    *(PAGER, PAGES, ASK, EDIT),
    *(HELP, CHOICE, CHOICES, RESULT, NORMAL_TRACE, COPY),
)
"""All tables, in the order of `docs/keys.md`."""

KEYS: Mapping[str, Shortcut] = {key.id: key for table in TABLES for key in table.keys}
TABLE_OF: Mapping[str, KeyTable] = {key.id: table for table in TABLES for key in table.keys}
