"""Updates from a running load or search to the load controller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

from tracetui.render.text import numbers

if TYPE_CHECKING:
    # imported late, so that the first screen is painted before
    from tracetui.analysis.analysis import Analysis
    from tracetui.ingest.loader import LoadProgress
    from tracetui.ingest.servers.pool import SearchReport
    from tracetui.model.server_stats import ServerStats
    from tracetui.session import FilteredSession

_LARGE = 1 << 20
"""Bytes from which on the size of the sources is shown."""


@dataclass
class LoadProgressed:
    """Progress of the load."""

    progress: LoadProgress


@dataclass
class TraceSetArrived:
    """A trace set to show, partial or complete (`whole`)."""

    selected: FilteredSession
    whole: bool
    reports: Sequence[SearchReport] = ()
    """One report for each server searched."""
    is_poll: bool = False
    """True for a poll while following, False for a request of the user."""


@dataclass
class ServersUnchanged:
    """A repeated search of the servers found nothing new."""

    reports: Sequence[SearchReport]
    is_poll: bool


@dataclass
class ServerStatsArrived:
    """Server statistics, and the analysis to compare them with."""

    server_stats: ServerStats
    analysis: Analysis


@dataclass
class NewestFound:
    """Start times of each service's newest trace."""

    starts: dict[str, int] = field(default_factory=dict)
    """Nanoseconds since the epoch by service; 0 for no trace."""


@dataclass
class LoadFailed:
    """A load or search ended without a result: by an error, or `stopped` by the user."""

    reason: str
    stopped: bool
    is_poll: bool = False


Update = LoadProgressed | TraceSetArrived | ServersUnchanged | ServerStatsArrived | NewestFound | LoadFailed


@dataclass
class LoadUpdate(Message):
    """Carries an update to the app."""

    update: Update

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LoadUpdate) and all(
            isinstance(one, LoadProgressed) for one in (self.update, message.update)
        )


def progress_text(progress: LoadProgress, *, is_search: bool) -> str:
    """Format the progress of a load, or of a search that adds to a complete set."""
    spans = f"{numbers.short_count(progress.spans)} spans"
    if progress.all_read:
        return f"assembling {spans}"
    share = f"{100 * progress.share:.0f} %" if progress.share else ""
    if progress.total_bytes >= _LARGE:
        # imported late, so that the first screen is painted before
        from tracetui.ingest.source_bytes import format_size

        share = f"{share or '0 %'} of {format_size(progress.total_bytes)}"
    words = [
        "searching" if is_search else "reading",
        share,
        spans if progress.spans else "",
    ]
    return "  ".join(filter(None, words))
