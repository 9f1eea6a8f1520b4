"""Run of the fuzzer: inputs by their numbers, failures by their causes, and the smallest input of each."""

from __future__ import annotations

import random
import resource
import signal
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import zstandard

from tests.fuzz.checks import BrokenError, check_whole
from tests.fuzz.corpus import corpus
from tests.fuzz.mutants import mutant
from tests.support.decoding import read
from tracetui.model.errors import TracetuiError

CPU_SECONDS = 10.0
"""Processor time after which an input counts as hanging: a hundred times that of the slowest inputs."""
_MEMORY_KB = 256 << 10
"""Largest growth of the peak memory by one input of some kilobytes."""
_TRIES = 600
"""Inputs tried to reduce one."""


class HangError(BaseException):
    """Input that exceeds `CPU_SECONDS`. Not an Exception, so that no handler for these catches it."""


@dataclass
class Failure:
    """One cause, and the smallest input with it."""

    cause: str
    number: int
    data: bytes
    whole: bool
    frames: str
    count: int = 1


@dataclass
class Result:
    """Result of a run."""

    inputs: int = 0
    with_spans: int = 0
    analysed: int = 0
    failures: dict[str, Failure] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Describe the failures for people."""
        head = f"{self.inputs:,} inputs, {self.with_spans:,} with spans, {self.analysed:,} analysed in whole"
        return "\n".join([head, *map(describe, self.failures.values())])


def describe(failure: Failure) -> str:
    kind = "analysed" if failure.whole else "read"
    return (
        f"\n{failure.count} x {failure.cause}\n  first at input {failure.number}, {kind}; "
        f"{len(failure.data)} bytes: {failure.data[:400]!r}\n{failure.frames}"
    )


def fuzz(
    seed: int,
    count: int,
    *,
    first: int = 0,
    share: float = 0.05,
    tries: int = _TRIES,
    progress: Callable[[Result], None] = lambda _: None,
) -> Result:
    """Try `count` inputs from number `first` on. Each depends on the seed and its number only.

    share: of the inputs, which are also analysed, drawn, exported and saved.
    progress: called after each input with the result so far, whose failures are not reduced yet.
    """
    found = Result()
    for number in range(first, first + count):
        rng = random.Random(f"{seed}-{number}")
        data = mutant(rng, corpus())
        whole = rng.random() < share
        cause, frames, spans = try_input(data, whole)
        found.inputs += 1
        found.with_spans += spans > 0
        found.analysed += whole and spans > 0
        if cause:
            failure = found.failures.setdefault(cause, Failure(cause, number, data, whole, frames, count=0))
            failure.count += 1
            if len(data) < len(failure.data):
                failure.number, failure.data, failure.whole, failure.frames = number, data, whole, frames
        progress(found)
    for failure in found.failures.values():
        # each hanging input costs its time again
        most = tries if "HangError" not in failure.cause else tries // 50
        failure.data = reduce_input(failure.data, partial(fails_for_the_same_cause, failure), most)
    return found


def fails_for_the_same_cause(failure: Failure, data: bytes) -> bool:
    """Test whether an input fails for the same cause."""
    return try_input(data, failure.whole)[0] == failure.cause


def try_input(data: bytes, whole: bool) -> tuple[str, str, int]:
    """Try one input. -> the cause of its failure ('' for none), its frames, and the number of spans"""
    spans = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with _bounded(CPU_SECONDS * (3 if whole else 1)):
            traces = read(data)
            spans = len(traces)
            if whole and spans:
                check_whole(traces)
    except TracetuiError:
        # the message describes the input
        return "", "", spans
    except (Exception, HangError) as error:
        return cause_of(error), "".join(traceback.format_exception(error)[-6:]), spans
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > _MEMORY_KB:
        return "memory", "", spans
    return "", "", spans


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Raise HangError after this much processor time, which does not depend on other load."""

    def end(*_: object) -> None:
        raise HangError

    former = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)


def cause_of(error: BaseException) -> str:
    """Name the cause of a failure without parts that differ between inputs: the invariant, or exception and
    position.
    """
    if isinstance(error, BrokenError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/tracetui/" in frame.filename] or list(frames)
    at = own[-1]
    return f"{type(error).__name__} in {at.filename.rpartition('/tracetui/')[2]}, {at.name}"


def reduce_input(data: bytes, fails: Callable[[bytes], bool], tries: int) -> bytes:
    """Unpack an input and remove parts, large ones first, as long as it fails."""
    while (plain := _unpacked(data)) and fails(plain):
        data = plain
    step = max(len(data) // 2, 1)
    while step:
        at, smaller = 0, False
        while at < len(data):
            if not tries:
                return data
            tries -= 1
            shorter = data[:at] + data[at + step :]
            if fails(shorter):
                data, smaller = shorter, True
            else:
                at += step
        if step > 1 or not smaller:
            step //= 2
    return data


def _unpacked(data: bytes) -> bytes:
    try:
        if data[:2] == b"\x1f\x8b":
            return zlib.decompressobj(31).decompress(data)
        if data[:4] == b"\x28\xb5\x2f\xfd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    except (zlib.error, zstandard.ZstdError):
        pass
    return b""
