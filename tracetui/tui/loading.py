"""Loading behind the screen: one load at a time, in a process of its own, that can be stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from tracetui.ingest.load import Progress
from tracetui.ingest.worker import BackgroundLoad, LoadCancelledError
from tracetui.model.problems import InputError
from tracetui.model.traces import TraceSet


@dataclass
class LoadProgress(Message):
    """How far the load is."""

    progress: Progress

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LoadProgress)


@dataclass
class Loaded(Message):
    """The load is done."""

    sources: tuple[str, ...]
    traces: TraceSet


@dataclass
class LoadFailed(Message):
    """The load ended without traces; `stopped` by the user."""

    reason: str
    stopped: bool


def load_in_background(load: BackgroundLoad, sources: Sequence[str], post: object) -> None:
    """Run a load in this thread and post what becomes of it; `post` takes messages from any thread."""
    assert callable(post)
    try:
        traces = load.run(lambda progress: post(LoadProgress(progress)))
    except LoadCancelledError as error:
        post(LoadFailed(str(error), stopped=True))
    except InputError as error:
        post(LoadFailed(str(error), stopped=False))
    else:
        post(Loaded(tuple(sources), traces))
