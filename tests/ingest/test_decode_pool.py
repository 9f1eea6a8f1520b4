"""Decode pool: same spans in the same order as in this process, even if workers fail."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.ingest.processes import decode_pool, worker
from tracetui.ingest.processes.decode_pool import DecodePiece, DecodePool
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake


def document(number: int) -> bytes:
    """Make a document with its own trace, a part of a trace that continues in the next ones, and an unreadable span."""
    spans: list[Any] = [
        {"spanID": f"{number}{i:x}", "operationName": f"get {i % 3}", "startTime": 10 + i, "duration": 5}
        for i in range(4)
    ]
    traces = [
        {"traceID": trace, "spans": [*({**span, "processID": "p"} for span in spans), 7], "processes": {"p": {}}}
        for trace in (f"a{number}", "f")
    ]
    return json.dumps({"data": traces}).encode()


def take(data: bytes, intake: Intake) -> None:
    decode(data, DecodeContext(intake, "server"))


def found(intake: Intake) -> tuple[Any, ...]:
    traces = assemble(intake)
    spans = [
        (traces.trace_ids[trace], traces.span_id(span), traces.service_name(span), traces.operation_name(span))
        for trace in range(len(traces.trace_ids))
        for span in range(traces.spans_of(trace).start, traces.spans_of(trace).stop)
    ]
    return spans, traces.start.tolist(), list(intake.warnings)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the process ids of the started workers; with three processors, and two small documents first."""
    pids: list[int] = []

    def noted() -> int:
        pid = fork()
        pids.append(pid)
        return pid

    fork = worker.fork
    monkeypatch.setattr(worker, "fork", noted)
    monkeypatch.setattr(decode_pool, "processors", lambda: 3)
    monkeypatch.setattr(decode_pool, "PIECE_BYTES", len(document(10)))
    return pids


def decoded_in_this_process(documents: list[bytes]) -> Intake:
    intake = Intake()
    for data in documents:
        take(data, intake)
    return intake


def decode_until_error(documents: list[bytes], intake: Intake, take: DecodePiece, error: BaseException) -> None:
    with DecodePool(intake, take) as pieces:
        for data in documents:
            pieces.decode(data)
        raise error


@pytest.mark.parametrize("numbers", [range(10, 30), [*range(10), *range(10, 16), 1, 17, 18], range(9)])
def test_pieces_keep_their_order(processes: list[int], numbers: Sequence[int]) -> None:
    documents = [document(number) for number in numbers]
    intake = Intake()
    with DecodePool(intake, take) as pieces:
        for data in documents:
            pieces.decode(data)
    assert found(intake) == found(decoded_in_this_process(documents))
    assert len(processes) == (2 if max(numbers) > 9 else 0)
    assert not any(map(is_running, processes))


def test_traces_without_an_id_stay_separate(processes: list[int]) -> None:
    span = {"spanID": "a", "operationName": "get", "startTime": 10, "duration": 5, "processID": "p"}
    data = json.dumps({"data": [{"spans": [span], "processes": {"p": {}}}], "filler": "x" * len(document(10))}).encode()
    intake, again = Intake(), decoded_in_this_process([data] * 3)
    with DecodePool(intake, take) as pieces:
        for _ in range(3):
            pieces.decode(data)
    assert len(processes) == 2
    assert intake.traces.ids == ["no-trace-id-1", "no-trace-id-2", "no-trace-id-3"]
    assert found(intake) == found(decoded_in_this_process([data] * 3))
    # a repeated search of the same server has no new results
    assert not intake.replace(again)


def test_pieces_of_failed_workers_are_decoded_here(processes: list[int]) -> None:
    here, documents = os.getpid(), [document(number) for number in range(10, 20)]

    def dies(data: bytes, intake: Intake) -> None:
        if os.getpid() != here and data == documents[2]:
            os.kill(os.getpid(), signal.SIGKILL)
        if os.getpid() != here and data == documents[5]:
            raise ValueError
        take(data, intake)

    intake = Intake()
    with DecodePool(intake, dies) as pieces:
        for data in documents:
            pieces.decode(data)
    assert found(intake) == found(decoded_in_this_process(documents))


def test_pieces_are_decoded_here_while_workers_are_busy(processes: list[int]) -> None:
    here, documents = os.getpid(), [document(number) for number in range(10, 18)]
    taken_here = []

    def waits(data: bytes, intake: Intake) -> None:
        if os.getpid() != here:
            signal.pause()
        taken_here.append(data)
        take(data, intake)

    intake = Intake()
    with pytest.raises(KeyboardInterrupt):
        decode_until_error(documents, intake, waits, KeyboardInterrupt())
    # no waiting for results of the processes
    assert taken_here == documents[4:]
    assert len(intake) == 0
    assert len(processes) == 2
    assert not any(map(is_running, processes))


def test_pieces_before_an_error_are_kept(processes: list[int]) -> None:
    documents, intake = [document(number) for number in range(10, 14)], Intake()
    with pytest.raises(ConnectionError):
        decode_until_error(documents, intake, take, ConnectionError())
    assert found(intake) == found(decoded_in_this_process(documents))
    assert not any(map(is_running, processes))


@pytest.mark.parametrize("most", [0, 1])
def test_fewer_workers_decode_all_pieces(processes: list[int], monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    fork = worker.fork

    def scarce() -> int:
        if len(processes) == most:
            raise BlockingIOError
        return fork()

    monkeypatch.setattr(worker, "fork", scarce)
    documents, intake = [document(number) for number in range(10, 20)], Intake()
    with DecodePool(intake, take) as pieces:
        for data in documents:
            pieces.decode(data)
    assert found(intake) == found(decoded_in_this_process(documents))
    assert len(processes) == most
    assert not any(map(is_running, processes))


@pytest.mark.parametrize("most", [0, 1])
def test_fewer_processes_decode_all_shares(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    fork = worker.fork
    started: list[int] = []

    def scarce() -> int:
        if len(started) == most:
            raise BlockingIOError
        started.append(fork())
        return started[-1]

    monkeypatch.setattr(worker, "fork", scarce)
    documents, intake = [document(number) for number in range(10, 14)], Intake()
    worker.decode_shares([partial(take, data) for data in documents], intake)
    assert found(intake) == found(decoded_in_this_process(documents))
    assert not any(map(is_running, started))


def test_large_piece_is_decoded_here(processes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = document(10), document(100)
    monkeypatch.setattr(decode_pool, "LARGE_BYTES", len(large))
    intake = Intake()
    with DecodePool(intake, take) as pieces:
        pieces.decode(large)
        assert not processes
        assert len(intake) == 8
        pieces.decode(small)
        pieces.decode(large)
        assert len(intake) == 24
    assert found(intake) == found(decoded_in_this_process([large, small, large]))


def test_one_processor_decodes_here(processes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "processors", lambda: 1)
    intake = Intake()
    with DecodePool(intake, take) as pieces:
        pieces.decode(document(10))
        assert len(intake) == 8
    assert not processes
