"""Following servers for ever: nothing that lives on grows with the traces that have come and gone."""

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

from tests.servers import KINDS, LiveServer
from tracetui.ingest import loader
from tracetui.ingest.servers import tempo
from tracetui.model import intake
from tracetui.model.search import Search
from tracetui.session import Session
from tracetui.tui.loading.messages import TraceSetArrived
from tracetui.tui.loading.trace_set_loader import TraceSetLoader
from tracetui.tui.state import State

TRACES_EACH = 40
"""New ones of each look at the server."""
LOOKS = 24
_NOT_OWNED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.FrameType, types.CodeType)


def held_bytes(*roots: object) -> int:
    """Return the size of all objects that can be reached from some, but for code and modules."""
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


def looks(kind: str) -> Iterator[int]:
    """Follow a server of which each look finds new traces alone. Yield what is held after each look."""
    with LiveServer(kind, ends_ns=time.time_ns() - 60_000_000_000) as server:
        whole = [trace for trace in server.trace_ids if not server.document(trace).broken]
        first, known = min(map(server.document, whole), key=lambda document: len(document.text)), server.trace_ids
        # the newest of all, as the oldest are dropped
        by_ns = max(server.document(trace).start_ns for trace in known) - first.start_ns
        state = State(sources=(server.url,))
        loader = TraceSetLoader(state, None, lambda _: None)
        loading = loader.Loader([server.url])
        with closing(loading.servers):
            loading.read(search=Search())
            for look in range(LOOKS):
                server.hide(known)
                known = [f"{look * TRACES_EACH + at + 1:032x}" for at in range(TRACES_EACH)]
                server.add_all([first.copied(trace, by_ns=by_ns + (1 + look) * 1_000_000) for trace in known])
                search = Search(limit=TRACES_EACH)
                found = loading.ask(search, lambda _: None)
                assert found is not None
                assert set(known) & set(found.trace_ids)
                session = Session(found)
                shown, findings = session.select("")
                new = frozenset(range(found.trace_count))
                loader.install(
                    TraceSetArrived(session, "", shown, findings, whole=False, new=new), "traces", is_placed=False
                )
                loader.warning_lines(NO_KEYS)
                del found, session, shown, findings
                yield held_bytes(loading, loader, state)


class _NoKeys:
    def short(self, text: str) -> str:
        return text


NO_KEYS: Any = _NoKeys()


@pytest.mark.parametrize("kind", KINDS)
def test_following_holds_no_more_after_twice_as_many_traces(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # so little that each look takes the place of the one before
    monkeypatch.setattr(loader, "MOST_BYTES", 1 << 13)
    monkeypatch.setattr(tempo, "MOST_REMEMBERED", TRACES_EACH)
    monkeypatch.setattr(intake, "_FEW_ENTRIES", TRACES_EACH)
    held = list(looks(kind))
    half = LOOKS // 2
    growth = max(held[half:]) - max(held[:half])
    # each id that is kept, of those that came in the second half, takes 80 bytes and a reference
    assert growth < half * TRACES_EACH * 40, held
