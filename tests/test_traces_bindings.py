"""Each key of the traces view runs a method that exists."""

from __future__ import annotations

import pytest
from textual.actions import parse
from textual.binding import Binding

from tracetui.tui.views.traces.dialogs import TraceDialogs
from tracetui.tui.views.traces.keys import BINDINGS
from tracetui.tui.views.traces.quick_filters import QuickFilters
from tracetui.tui.views.traces.view import TracesView

_RECEIVERS: dict[str, type] = {"quick_filter": QuickFilters, "dialog": TraceDialogs}


@pytest.mark.parametrize("binding", BINDINGS, ids=lambda binding: binding.id or binding.key)
def test_key_runs_a_method(binding: Binding) -> None:
    _, action, arguments = parse(binding.action)
    if action in _RECEIVERS:
        (name,) = arguments
        assert callable(getattr(_RECEIVERS[action], name, None)), f"{binding.key}: no {name}"
    assert callable(getattr(TracesView, f"action_{action}", None)), f"{binding.key}: no action_{action}"
