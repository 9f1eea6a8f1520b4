"""Choice of services, for servers that can only search by service."""

from __future__ import annotations

from tracetui.model.search import traces_per_service
from tracetui.render.frame import source_name
from tracetui.render.text.numbers import counted
from tracetui.tui.state import State
from tracetui.tui.widgets.choices import Choices


def service_choice(state: State) -> Choices:
    """Make a dialog that lists the servers' services, with the cost of searching those chosen."""
    limit = state.search.max_traces

    def cost(count: int) -> str:
        return f"{counted(count, 'request')}, up to {count * traces_per_service(limit, count):,} traces"

    title = f"{source_name(state.sources)} searches by service only. Which of {len(state.server_services):,}?"
    return Choices(state.look, title, state.server_services, cost, state.search.services)
