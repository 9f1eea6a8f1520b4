"""Memory while following servers does not grow with the number of traces received."""

from __future__ import annotations

import gc
import sys
import time
import types
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from tests.support.servers import KINDS, LiveServer
from tracetui.ingest import loader
from tracetui.ingest.servers import tempo
from tracetui.model import intake
from tracetui.model.search import Search
from tracetui.session import FilteredSession, Session
from tracetui.tui.bookmark import LocationKeeper
from tracetui.tui.loading.load_warnings import LoadWarnings
from tracetui.tui.state import State

TRACES_EACH = 40
"""New traces in each poll."""
POLLS = 24
_NOT_OWNED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.FrameType, types.CodeType)


def held_bytes(*roots: object) -> int:
    """Return the size of all objects reachable from the roots, except code and modules."""
    seen: dict[int, object] = {}
    waiting: list[object] = list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_OWNED):
            continue
        seen[id(one)] = one
        waiting += gc.get_referents(one)
        if isinstance(one, np.ndarray) and one.base is not None:
            waiting.append(one.base)
    return sum(sys.getsizeof(one) for one in seen.values())


def polls(kind: str) -> Iterator[int]:
    """Poll a server that has only new traces each time. Yield the memory in use after each poll."""
    with LiveServer(kind, ends_ns=time.time_ns() - 60_000_000_000) as server:
        whole = [trace for trace in server.trace_ids if not server.document(trace).broken]
        first, known = min(map(server.document, whole), key=lambda document: len(document.text)), server.trace_ids
        # newer than all others, as the oldest are dropped
        by_ns = max(server.document(trace).start_ns for trace in known) - first.start_ns
        state = State(sources=(server.url,))
        location, load_warnings = LocationKeeper(state, None), LoadWarnings(state)
        loading = loader.Loader([server.url])
        with closing(loading.servers):
            loading.read(search=Search())
            for poll in range(POLLS):
                server.hide(known)
                known = [f"{poll * TRACES_EACH + at + 1:032x}" for at in range(TRACES_EACH)]
                server.add_all([first.copy_with(trace, by_ns=by_ns + (1 + poll) * 1_000_000) for trace in known])
                search = Search(limit=TRACES_EACH)
                found = loading.search_again(search, lambda _: None)
                assert found is not None
                assert set(known) & set(found.trace_ids)
                session = Session(found)
                shown, analysis = session.select("")
                new = frozenset(range(found.trace_count))
                location.install(FilteredSession(session, "", shown, analysis, new), "traces", is_placed=False)
                load_warnings.new_lines(NO_KEYS)
                del found, session, shown, analysis
                yield held_bytes(loading, location, load_warnings, state)


class _NoKeys:
    def short(self, text: str) -> str:
        return text


NO_KEYS: Any = _NoKeys()


@pytest.mark.parametrize("kind", KINDS)
def test_memory_does_not_grow_while_following(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # so little that each poll replaces the previous one
    monkeypatch.setattr(loader, "MAX_BYTES", 1 << 13)
    monkeypatch.setattr(tempo, "MAX_REMEMBERED", TRACES_EACH)
    monkeypatch.setattr(intake, "_FEW_ENTRIES", TRACES_EACH)
    used = list(polls(kind))
    half = POLLS // 2
    growth = max(used[half:]) - max(used[:half])
    # a kept trace id takes 80 bytes and a reference
    assert growth < half * TRACES_EACH * 40, used
