"""Registry of the views' keys, in the order of the keys that open the views."""

from __future__ import annotations

from collections.abc import Mapping

from tracetui.tui.keys.errors import ERRORS
from tracetui.tui.keys.hot_spots import HOT_SPOTS
from tracetui.tui.keys.key_table import KeyTable
from tracetui.tui.keys.services import SERVICES
from tracetui.tui.keys.traces import TRACES
from tracetui.tui.keys.waterfall import WATERFALL

VIEW_KEYS: Mapping[str, KeyTable] = {
    "traces": TRACES,
    "waterfall": WATERFALL,
    "services": SERVICES,
    "errors": ERRORS,
    "hot-spots": HOT_SPOTS,
}
"""Table of each view by its id; its title is that of the view."""
