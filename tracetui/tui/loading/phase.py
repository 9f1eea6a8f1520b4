"""Phases of the load controller, and the transitions between them.

IDLE and FOLLOWING are the phases at rest: nothing runs, or only the timer of the next poll. Every request ends at rest.
"""

from __future__ import annotations

from enum import Enum, auto


class Phase(Enum):
    """Phase of the load controller."""

    IDLE = auto()
    LOADING = auto()
    """All sources are read."""
    QUERYING = auto()
    """Servers are queried for the user."""
    FOLLOWING = auto()
    """The next poll waits for its time."""
    POLLING = auto()
    """Servers are searched for recent traces; any request of the user interrupts that."""
    STOPPING = auto()
    """The running request has been told to stop."""


class LoadEvent(Enum):
    """Event that changes the phase."""

    LOAD = auto()
    QUERY = auto()
    POLL = auto()
    STOP = auto()
    END = auto()
    """The running request has ended, with or without a result."""


AT_REST = None
"""Target of a transition that ends in IDLE, or in FOLLOWING while following is on."""

TRANSITIONS: dict[tuple[Phase, LoadEvent], Phase | None] = {
    (Phase.IDLE, LoadEvent.LOAD): Phase.LOADING,
    (Phase.IDLE, LoadEvent.QUERY): Phase.QUERYING,
    (Phase.FOLLOWING, LoadEvent.LOAD): Phase.LOADING,
    (Phase.FOLLOWING, LoadEvent.QUERY): Phase.QUERYING,
    (Phase.FOLLOWING, LoadEvent.POLL): Phase.POLLING,
    (Phase.LOADING, LoadEvent.STOP): Phase.STOPPING,
    (Phase.LOADING, LoadEvent.END): AT_REST,
    (Phase.QUERYING, LoadEvent.STOP): Phase.STOPPING,
    (Phase.QUERYING, LoadEvent.END): AT_REST,
    (Phase.POLLING, LoadEvent.STOP): Phase.STOPPING,
    (Phase.POLLING, LoadEvent.END): AT_REST,
    (Phase.STOPPING, LoadEvent.STOP): Phase.STOPPING,
    (Phase.STOPPING, LoadEvent.END): AT_REST,
}


class PhaseMachine:
    """The current phase, changed by events only."""

    def __init__(self) -> None:
        self.phase = Phase.IDLE
        self._is_following = False

    @property
    def is_following(self) -> bool:
        """True while following is on, also while another request runs."""
        return self._is_following

    @is_following.setter
    def is_following(self, wanted: bool) -> None:
        self._is_following = wanted
        if self.is_at_rest:
            self.phase = self._at_rest

    @property
    def is_at_rest(self) -> bool:
        """True while no request runs."""
        return self.phase in (Phase.IDLE, Phase.FOLLOWING)

    @property
    def _at_rest(self) -> Phase:
        return Phase.FOLLOWING if self._is_following else Phase.IDLE

    def can(self, event: LoadEvent) -> bool:
        """Return whether the event is possible in this phase."""
        return (self.phase, event) in TRANSITIONS

    def send(self, event: LoadEvent) -> None:
        """Change the phase. Raises ValueError for an event that is impossible in this phase."""
        if not self.can(event):
            raise ValueError(f"{event.name} while {self.phase.name}")
        self.phase = TRANSITIONS[self.phase, event] or self._at_rest
