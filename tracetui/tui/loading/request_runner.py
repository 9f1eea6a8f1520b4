"""One request at a time: its phase, and the request that waits for its end."""

from __future__ import annotations

import time
from collections.abc import Callable

from tracetui.tui.loading.phase import LoadEvent, Phase, PhaseMachine


class RequestRunner:
    """Runs a request in a thread, and one after it; a request of the user interrupts one that yields."""

    def __init__(self, run: Callable[[Callable[[], None]], None], stop: Callable[[], None]) -> None:
        """`run` runs a function in a thread; `stop` tells the loading process to stop the running request."""
        self._run, self._stop = run, stop
        self._machine = PhaseMachine()
        self.status = ""
        """Progress of the request, or state of following; '' for none. Keys are named by their actions."""
        self.started = 0.0
        """Start of the last request (`time.monotonic`)."""
        self._yields = False
        """True if the running request gives way to any request of the user."""
        self._queued: Callable[[], None] | None = None
        """Request to run after the current one."""

    @property
    def phase(self) -> Phase:
        """The current phase."""
        return self._machine.phase

    @property
    def is_busy(self) -> bool:
        """True while a request runs."""
        return not self._machine.is_at_rest

    @property
    def is_yielding(self) -> bool:
        """True while a request runs that gives way to any request of the user."""
        return self.is_busy and self._yields

    @property
    def timed_status(self) -> str:
        """The status, with the seconds that a load or search has taken: they go on where progress is slow."""
        seconds = int(time.monotonic() - self.started)
        is_timed = self.phase in (Phase.LOADING, Phase.QUERYING) and seconds >= 1
        return f"{self.status}  {seconds} s" if is_timed else self.status

    @property
    def can_stop(self) -> bool:
        """True if the user can stop the running request."""
        return self.phase in (Phase.LOADING, Phase.QUERYING) or (self.phase is Phase.STOPPING and not self._yields)

    @property
    def is_following(self) -> bool:
        """True while servers are polled for new traces."""
        return self._machine.is_following

    def follow(self, wanted: bool) -> None:
        """Change whether FOLLOWING is the phase at rest."""
        self._machine.is_following = wanted

    def begin(self, event: LoadEvent, request: Callable[[], None], *, yields: bool = False) -> None:
        """Begin a request. Raises ValueError while another one runs."""
        self._machine.send(event)
        self._yields = yields
        self.started = time.monotonic()
        self._run(request)

    def stop(self) -> None:
        """Stop the running request for the user."""
        self._machine.send(LoadEvent.STOP)
        self._stop()
        # a request that yields has nothing to discard
        self.status = "stopping" if self._yields else "stopping; {app.back} again discards it"

    def interrupt(self, then: Callable[[], None]) -> None:
        """Run a request of the user next, after stopping the running one if that yields."""
        self._queued = then
        if self._yields and self.phase is not Phase.STOPPING:
            self._machine.send(LoadEvent.STOP)
            self._stop()
            self.status = "searching"

    def end(self) -> None:
        """Note that the running request has ended."""
        self._machine.send(LoadEvent.END)
        self.status = ""

    def run_queued(self) -> None:
        """Begin the request that waits, if any."""
        queued, self._queued = self._queued, None
        if queued is not None:
            queued()
