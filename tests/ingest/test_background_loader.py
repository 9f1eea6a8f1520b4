"""Background load in a separate process: partial results, and stopping."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tracetui
from tests.support.paths import INCIDENT, SAMPLES
from tests.support.program import Program
from tests.support.servers import LiveServer
from tracetui.config import NO_OVERRIDES
from tracetui.ingest.loader import LoadProgress, StopReading, load
from tracetui.ingest.processes.background_load import BackgroundLoad, LoadCancelledError, _module_paths
from tracetui.ingest.processes.protocol import Failure, LoadRequest, decode_response, send_request, stop_signal
from tracetui.ingest.processes.shared_memory import receive, send
from tracetui.ingest.servers.pool import SearchReport
from tracetui.model.errors import InputError
from tracetui.model.search import NOTHING, Search
from tracetui.model.traces import TraceSet
from tracetui.session import BackgroundSessions

SHOP = str(SAMPLES / "shop")


def test_background_load_equals_load() -> None:
    words: list[LoadProgress] = []
    found = BackgroundLoad([INCIDENT]).run(words.append)
    here = load([INCIDENT])
    assert found.trace_ids == here.trace_ids
    assert np.array_equal(found.start, here.start)
    assert found.span(0) == here.span(0)
    assert words


def test_process_imports_this_program() -> None:
    assert Path(_module_paths()[0], "tracetui", "__init__.py").samefile(tracetui.__file__)


def test_modules_of_the_current_directory_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.joinpath("msgspec.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert BackgroundLoad([INCIDENT]).run(lambda _: None).trace_count == 100


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (signal.SIGKILL, "was killed, perhaps because memory ran out"),
        (signal.SIGBUS, "a file became shorter"),
        (signal.SIGSEGV, r"crashed \(Segmentation fault\)"),
    ],
)
def test_process_that_is_ended_by_a_signal_says_why(tmp_path: Path, number: signal.Signals, message: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    background = BackgroundLoad([str(pipe)])

    def end(progress: LoadProgress) -> None:
        assert background._process is not None
        background._process.send_signal(number)

    with pytest.raises(InputError, match=message):
        background.run(end)


NOT_UTF8 = os.fsdecode(b"\xff\xfe.json")


def test_file_name_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    whole = Path(INCIDENT).read_bytes()
    (tmp_path / NOT_UTF8).write_bytes(whole)
    (tmp_path / f"cut {NOT_UTF8}").write_bytes(whole[: len(whole) // 2])
    named: list[LoadProgress] = []
    for source in (str(tmp_path), str(tmp_path / NOT_UTF8)):
        assert BackgroundLoad([source]).run(named.append).trace_count == 100
    assert any(NOT_UTF8 in progress.name for progress in named)
    with pytest.raises(InputError, match="no such file"):
        BackgroundLoad([str(tmp_path / f"missing {NOT_UTF8}")]).run(named.append)


def test_partial_results_precede_the_final_set(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    arrived: list[TraceSet] = []
    here = threading.Event()

    def part(traces: TraceSet) -> None:
        arrived.append(traces)
        here.set()

    def feed() -> None:
        # the second source waits until the first one is on the screen
        with pipe.open("wb") as stream:
            here.wait(300)
            stream.write(Path(INCIDENT).with_name("after.json").read_bytes())

    feeder = threading.Thread(target=feed)
    feeder.start()
    whole = BackgroundLoad([INCIDENT, str(pipe)], first_part=0).run(lambda _: None, part)
    feeder.join()
    assert [traces.trace_count for traces in arrived][:1] == [100]
    assert whole.trace_count == 300
    assert arrived[0].span(0) == load([INCIDENT]).span(0)


def test_stopped_load_keeps_loaded_spans() -> None:
    def stop(progress: LoadProgress) -> None:
        if progress.spans > 100:
            raise StopReading

    found = load([SHOP, INCIDENT], stop)
    assert 100 < len(found) < len(load([SHOP, INCIDENT]))
    (warning,) = found.load_warnings
    assert "reading stopped" in str(warning)


def _fed(tmp_path: Path, data: bytes) -> tuple[Path, int]:
    """Open a pipe with some content that stays open. -> its path, and the descriptor to close at the end"""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)
    os.write(descriptor, data)
    return pipe, descriptor


def _stop_at_the_second_report(loading: BackgroundLoad) -> Callable[[LoadProgress], None]:
    """Stop at the second progress report; the pipe is read between the first two."""
    words: list[LoadProgress] = []

    def on_progress(progress: LoadProgress) -> None:
        words.append(progress)
        if len(words) == 2:
            loading.stop()

    return on_progress


def test_stopped_pipe_keeps_received_spans(tmp_path: Path) -> None:
    pipe, descriptor = _fed(tmp_path, (SAMPLES / "first-look" / "checkout.json").read_bytes())
    loading = BackgroundLoad([str(pipe)])
    found = loading.run(_stop_at_the_second_report(loading))
    os.close(descriptor)
    assert len(found) == 18
    assert "reading stopped" in str(found.load_warnings[-1])


def test_stopped_load_without_a_span_is_cancelled(tmp_path: Path) -> None:
    pipe, descriptor = _fed(tmp_path, b"")
    loading = BackgroundLoad([str(pipe)])
    with pytest.raises(LoadCancelledError):
        loading.run(_stop_at_the_second_report(loading))
    os.close(descriptor)


@pytest.mark.parametrize("number", [stop_signal(0), signal.SIGTERM], ids=str)
def test_stop_before_the_request_is_received_stops_it(number: signal.Signals, tmp_path: Path) -> None:
    pipe, descriptor = _fed(tmp_path, (SAMPLES / "first-look" / "checkout.json").read_bytes())
    here, there = socket.socketpair()
    with here, there:
        command = [sys.executable, "-P", "-m", "tracetui.ingest.processes.loading_process", str(there.fileno())]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=(there.fileno(),))
        there.close()
        while not _catches(process.pid, signal.SIGTERM):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        send_request(LoadRequest([str(pipe)], NOTHING, NO_OVERRIDES, first_part=60), here)
        # nothing else ends the load: the pipe stays open
        lines, _ = process.communicate(timeout=300)
        responses = [decode_response(line) for line in lines.splitlines()]
        assert process.returncode != 0
    os.close(descriptor)
    assert isinstance(responses[-1], Failure)


def test_stop_that_comes_after_the_response_does_not_stop_the_next_request() -> None:
    with LiveServer("zipkin") as server:
        loading = BackgroundLoad([server.url], search=Search(limit=10))
        loading.run(lambda _: None)
        assert loading._process is not None
        for number in range(4):
            # the signal of the request that has ended, handled while the process waits for the next one
            loading._process.send_signal(stop_signal(number))
            # unchanged, or the traces: not stopped
            loading.again(Search(limit=20 + number), lambda _: None)
        loading.cancel()


def test_stop_between_requests_stops_the_next_one() -> None:
    with LiveServer("zipkin") as server:
        loading = BackgroundLoad([server.url], search=Search(limit=10))
        loading.run(lambda _: None)
        loading.stop()
        with pytest.raises(LoadCancelledError):
            loading.again(Search(limit=20), lambda _: None)
        loading.resume()
        # unchanged, or the traces: not stopped
        loading.again(Search(limit=30), lambda _: None)
        loading.cancel()


def _catches(process: int, number: signal.Signals) -> bool:
    """Test whether a process has a handler for a signal."""
    status = Path(f"/proc/{process}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("end", [BackgroundLoad.stop, BackgroundLoad.cancel])
def test_commands_of_a_load_end_with_it(end: Callable[[BackgroundLoad], None], program: Program) -> None:
    pipe = program.home / "pipe"
    os.mkfifo(pipe)
    # like a helper that waits for a key; the shell's child has the pipe open, too
    name = program.profile("http://127.0.0.1:1", token_command=f"sh -c 'exec 3>{pipe}; sleep 1000; true'")
    running = BackgroundLoad([name])
    thread = threading.Thread(target=_cancelled, args=[running])
    thread.start()
    with pipe.open("rb") as stream:
        end(running)
        assert select.select([stream], [], [], 300)[0]
        assert stream.read() == b""
    thread.join()


def test_reused_process_id_is_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    over = BackgroundLoad([INCIDENT])
    over.run(lambda _: None)
    ended: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda number, _: ended.append(number))
    over.cancel()
    assert not ended


class _StoppedLoad(BackgroundLoad):
    """Load that is stopped during a request."""

    def again(
        self,
        search: Search,
        progress: Callable[[LoadProgress], object],
        told: Callable[[SearchReport], object] = lambda _: None,
        *,
        known_ns: int = 0,
    ) -> TraceSet:
        self.stop()
        return load([INCIDENT])


@pytest.mark.parametrize(("is_poll", "lines"), [(True, 1), (False, 0)])
def test_quick_reload_loses_no_log_line(is_poll: bool, lines: int, tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_text(f'{{"trace_id": "{load([INCIDENT]).trace_ids[0]}", "time": 1, "msg": "hello"}}')
    hurried = _StoppedLoad([INCIDENT])
    hurried.can_search_again = True
    sessions = BackgroundSessions(hurried, lambda: "", logs=[str(log)])
    selected = sessions.search(NOTHING, lambda _: None, lambda _: None, is_poll=is_poll)
    assert selected is not None
    assert len(selected.session.loaded.log_lines) == lines


def _cancelled(running: BackgroundLoad) -> None:
    with pytest.raises(LoadCancelledError):
        running.run(lambda _: None)


def test_unreadable_sources_raise_an_error() -> None:
    with pytest.raises(InputError, match=r"no-such-file\.json"):
        BackgroundLoad(["no-such-file.json"]).run(lambda _: None)


def test_set_is_sent_completely_or_not_at_all() -> None:
    here, there = socket.socketpair()
    with here, there:
        send(load([INCIDENT]), there)
        found = receive(here)
        assert isinstance(found, TraceSet)
        assert found.trace_count == 100
        there.close()
        assert receive(here) is None
