"""Loading behind the screen: one load at a time, in a process of its own, that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from textual.message import Message

from tracetui.analysis.findings import Findings
from tracetui.ingest.load import Progress
from tracetui.ingest.logs import with_logs
from tracetui.ingest.worker import BackgroundLoad, LoadCancelledError
from tracetui.model.problems import InputError, LoadWarning, UsageError
from tracetui.model.traces import TraceSet
from tracetui.session import Session


@dataclass
class LoadProgress(Message):
    """How far the load is."""

    progress: Progress

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LoadProgress)


@dataclass
class Arrived(Message):
    """A set to show: what is here so far, or all of it (`whole`), filtered by `query`."""

    session: Session
    query: str
    shown: np.ndarray
    findings: Findings
    whole: bool


@dataclass
class LoadFailed(Message):
    """The load ended without traces; `stopped` by the user."""

    reason: str
    stopped: bool


def load_in_background(
    load: BackgroundLoad, logs: Sequence[str], query: Callable[[], str], post: Callable[[Message], object]
) -> None:
    """Run a load in this thread and post what becomes of it; `post` takes messages from any thread.

    `logs` are files with log lines, which are read when all traces are here; `query` tells the filter that is wanted
    when a set is here.
    """

    def arrived(traces: TraceSet, whole: bool) -> None:
        session, text = Session(traces), query()
        try:
            shown, findings = session.select(text)
        except UsageError:
            # remembered from another version of the language
            text = ""
            shown, findings = session.select(text)
        post(Arrived(session, text, shown, findings, whole))

    try:
        traces = load.run(lambda progress: post(LoadProgress(progress)), lambda part: arrived(part, whole=False))
        arrived(_with_logs(traces, logs, lambda: not load.is_stopped), whole=True)
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True))
    except InputError as error:
        post(LoadFailed(str(error), stopped=False))


def _with_logs(traces: TraceSet, logs: Sequence[str], go_on: Callable[[], bool]) -> TraceSet:
    """The traces with log lines; logs that cannot be read are warned of, and cost no trace."""
    try:
        return with_logs(traces, logs, go_on)
    except InputError as error:
        return replace(traces, load_warnings=[*traces.load_warnings, LoadWarning("", "", str(error))])
