"""Run the whole app without a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.pilot import Driver, driven
from tests.support.screens import ByteCounter
from tracetui.ingest.loader import LoadProgress
from tracetui.ingest.processes.background_load import BackgroundLoad
from tracetui.ingest.processes.protocol import LoadRequest
from tracetui.model.traces import TraceSet
from tracetui.tui.app import TraceApp
from tracetui.tui.frame import FrameBottom
from tracetui.tui.loading import follower
from tracetui.tui.settings import Resume
from tracetui.tui.state import Look, State

_run = BackgroundLoad.run
_loaded: dict[object, TraceSet] = {}


class CountingApp(TraceApp, ByteCounter):
    pass


@asynccontextmanager
async def opened(
    *sources: str,
    size: tuple[int, int] = (120, 40),
    resume: Resume | None = None,
    keymap: Mapping[str, str] | None = None,
    logs: Sequence[str] = (),
    **look: Any,
) -> AsyncIterator[tuple[CountingApp, Driver]]:
    """Open the app over sources, and wait until they are loaded."""
    app = CountingApp(
        State(sources=sources, public_sources=sources, logs=tuple(logs), look=Look(**look)), resume, keymap=keymap
    )
    async with loaded(app, size) as pilot:
        yield app, pilot


@asynccontextmanager
async def loaded(app: TraceApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Driver]:
    """Run an app, and wait until its sources are loaded."""
    with pytest.MonkeyPatch.context() as patch:
        share_loads(patch)
        async with driven(app, size) as pilot:
            await pilot.settle()
            yield pilot


class LiveApp:
    """The app over servers, with waits for texts on its screen."""

    def __init__(self, app: CountingApp, pilot: Driver) -> None:
        self.app, self.pilot = app, pilot

    @property
    def text(self) -> str:
        return self.pilot.text

    async def until(self, *texts: str) -> None:
        await self.pilot.until(*texts)

    async def press(self, *keys: str) -> None:
        """Press keys, each after the effect of the previous one is shown, without waiting for servers."""
        for key in keys:
            self.pilot.post(key)
            await self.pilot.settle(without="load")


@asynccontextmanager
async def opened_live(*sources: str, size: tuple[int, int] = (120, 40)) -> AsyncIterator[LiveApp]:
    """Open the app over sources without waiting for them."""
    app = CountingApp(State(sources=sources))
    with pytest.MonkeyPatch.context() as patch:
        # a notice stays until the next key, even on a slow machine
        patch.setattr(FrameBottom, "NOTICE_SECONDS", 3600)
        async with driven(app, size) as pilot:
            yield LiveApp(app, pilot)


def poll_often(patch: pytest.MonkeyPatch) -> None:
    """Follow with polls in quick succession, however long each takes on a busy machine."""
    patch.setattr(follower, "FOLLOW_SECONDS", 0.05)
    patch.setattr(follower, "_PAUSE_FACTOR", 0)


def share_loads(patch: pytest.MonkeyPatch) -> None:
    """Load unchanged files once, in a separate process as always, and then return the same set."""

    def run(
        load: BackgroundLoad,
        progress: Callable[[LoadProgress], object],
        part: Callable[[TraceSet], object] = lambda _: None,
        *others: Any,
    ) -> TraceSet:
        files = _files(load._request)
        if not files:
            return _run(load, progress, part, *others)
        if files not in _loaded:
            _loaded[files] = _run(load, progress, lambda _: None, *others)
        return replace(_loaded[files])

    patch.setattr(BackgroundLoad, "run", run)


def _files(request: LoadRequest) -> tuple[object, ...]:
    """Identify the files that a request reads; empty if it reads anything else."""
    found: list[object] = []
    for source in request.sources:
        path = Path(source)
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if not file.is_file() and not file.is_dir():
                return ()
            status = file.stat()
            found.append((source, str(file), status.st_size, status.st_mtime_ns))
    return tuple(found)
