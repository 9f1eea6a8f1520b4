"""Measurements of the screen: time until the user sees a response."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.measure import report
from tests.support.paths import INCIDENT
from tests.support.terminal import Terminal

_OF_A_SPAN = b'"operationName"'
"""Occurs once in each span of a file."""
_MAX_KEYS = 200
_KEYS = (b"j", b"j", b"\x04", b"k", b"l", b"h", b"\x15", b"G", b"g", b"L", b"H", b"L")

_SERVICE_KEYS = (
    b"j",
    b"j",
    b"\x04",
    b"k",
    b"b",
    b"j",
    b"b",
    b"b",
    b"l",
    b"h",
    b"+",
    b"-",
    b"o",
    b"O",
    b"G",
    b"g",
    b"v",
    b"v",
)
_MAP_KEYS = (b"j", b"k", b"l", b"h", b"j", b"z", b"Z", b"\r", b"j", b"l", b"k", b"h", b"\x1b")


def measure_screen(large: str, one_trace: str, services: str, spans: int, runs: int) -> None:
    """First paint, keys on a trace as large as the file, and keys while the large file loads."""
    empty, painted = [], []
    for _ in range(runs):
        empty.append(_time_to(["-m", "tests.bench.empty_app"], b"ready"))
        painted.append(_time_to(["-m", "tracetui", INCIDENT], b"Hot spots"))
    share = statistics.median(painted) / statistics.median(empty)
    report("first paint", share, 1.6, "x empty", f"{1000 * statistics.median(painted):.0f} ms")

    whole = f"{spans:,} spans".encode()
    terminal = Terminal([sys.executable, "-m", "tracetui", large])
    terminal.wait_for(b"Hot spots")
    answers: list[float] = []
    while whole not in terminal.seen and len(answers) < _MAX_KEYS:
        for key, answer in ((b"2", b"2 Waterfall"), (b"1", b"1 Traces")):
            answers.append(1000 * terminal.answer(key, answer))
    terminal.close()
    report("key while the file loads, p95", _p95(answers), 50, "ms", f"{len(answers)} keys")

    terminal = Terminal([sys.executable, "-m", "tracetui", one_trace])
    # partial results are on the screen before
    terminal.wait_for(whole)
    terminal.press(b"\r")
    terminal.wait_for(b"self time")
    answers = _answers(terminal, _KEYS * runs)
    terminal.close()
    report("key on the one trace of that many spans, p95", _p95(answers), 16, "ms", f"slowest {max(answers):.0f} ms")

    terminal = Terminal([sys.executable, "-m", "tracetui", services])
    # partial results are on the screen before; keys are measured on the complete set
    terminal.wait_for(f"{Path(services).read_bytes().count(_OF_A_SPAN):,} spans".encode())
    terminal.press(b"3")
    terminal.wait_for("▼ traces".encode())
    answers = _answers(terminal, _SERVICE_KEYS * min(runs, 2))
    report("key in the services view of that many, p95", _p95(answers), 50, "ms", f"slowest {max(answers):.0f} ms")
    terminal.press(b"m")
    terminal.wait_for(b"services in")
    answers = _answers(terminal, _MAP_KEYS * min(runs, 2))
    terminal.close()
    report("key on the map of 1,000 services, p95", _p95(answers), 50, "ms", f"slowest {max(answers):.0f} ms")


def _answers(terminal: Terminal, keys: Sequence[bytes]) -> list[float]:
    """Measure the milliseconds until the screen responds to each of the keys."""
    return [1000 * seconds for seconds, sent in map(terminal.press, keys) if sent]


def _time_to(arguments: list[str], text: bytes) -> float:
    terminal = Terminal([sys.executable, *arguments])
    seconds = terminal.wait_for(text)
    terminal.close()
    return seconds


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
