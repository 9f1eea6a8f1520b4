"""Measure time and peak memory of code in a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_SECONDS_BETWEEN_CHECKS = 0.03

_HARNESS = """
import json, resource, sys, time
def usage():
    return [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
def processor_seconds():
    return sum(one.ru_utime + one.ru_stime for one in usage())
{setup}
begin, before = time.perf_counter(), processor_seconds()
{work}
seconds, busy = time.perf_counter() - begin, processor_seconds() - before
# pages that processes share count once for each: the figure is an upper bound
peak = sum(one.ru_maxrss for one in usage()) * (1 if sys.platform == "darwin" else 1024)
print(json.dumps([seconds, busy, peak]), file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    seconds: float
    processor_seconds: float
    """Time of all processes on the processors, which other load on the machine affects less."""
    peak_bytes: int


def cost(work: str, setup: str = "", runs: int = 3) -> Cost:
    """Measure the median time and the largest peak of Python statements over some runs."""
    times, busy_times, peaks = [], [], []
    for _ in range(runs):
        source = _HARNESS.format(setup=setup, work=work)
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
        seconds, busy, peak = json.loads(done.stderr.strip().splitlines()[-1])
        times.append(seconds)
        busy_times.append(busy)
        peaks.append(peak)
    return Cost(statistics.median(times), statistics.median(busy_times), max(peaks))


def peak_of_pages(work: str) -> int:
    """Measure the peak memory of Python statements and the processes they start, in bytes.

    Unlike in the peak of `cost`, which is an upper bound, a page shared by processes counts once. Memory is sampled
    about thirty times a second, so shorter peaks can be missed. 0 if the system does not report it.
    """
    with subprocess.Popen([sys.executable, "-c", work]) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(_pages, _with_children(process.pid))))
            time.sleep(_SECONDS_BETWEEN_CHECKS)
    return peak


def _with_children(pid: int) -> list[int]:
    try:
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except OSError:
        return []


def _pages(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Pss:")), 0)


def printed_median(source: str, runs: int = 3) -> float:
    """Run Python statements that print a number on stderr. -> the median"""
    found = []
    for _ in range(runs):
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
        found.append(float(done.stderr.strip().splitlines()[-1]))
    return statistics.median(found)


def report(name: str, figure: float, budget: float, unit: str, detail: str) -> None:
    """Print one line: the measurement, the figure, its budget, and details."""
    verdict = "within" if figure <= budget else "OVER"
    print(f"{name:<44} {figure:8.2f} {unit:<10} budget {budget:<6g} {verdict:<7} {detail}", flush=True)
