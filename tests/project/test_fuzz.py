"""A short run of the fuzzer with a fixed seed, and faults that the fuzzer must find."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz import checks, runs
from tests.fuzz.corpus import corpus
from tests.fuzz.mutants import mutant
from tests.fuzz.runs import fuzz, reduce_input
from tests.fuzz.screen import fuzz_screen, hostile_sources, interpreted_sequences
from tests.support.decoding import read


def test_short_run_finds_no_failure() -> None:
    found = fuzz(116, 300, share=0.2)
    assert not found.failures, found.text
    assert found.with_spans > 100
    assert found.analysed > 10


def test_input_depends_on_seed_and_number_only() -> None:
    made = [[mutant(random.Random(f"{seed}-{at}"), corpus()) for at in range(50)] for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_every_folder_and_format_has_seeds() -> None:
    assert len(corpus()) > 300
    assert any(seed.fields for seed in corpus())
    for text in ("resourceSpans", "traceID", "parentId", "startTimeUnixNano"):
        assert any(text in (seed.json or "") for seed in corpus())


def test_exception_is_found_with_its_smallest_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: bytes) -> object:
        if b"traceI" in data:
            raise KeyError(data)
        return read(data)

    monkeypatch.setattr(runs, "read", fails)
    (failure,) = fuzz(1, 40, share=0).failures.values()
    assert failure.cause.startswith("KeyError in ")
    assert failure.count > 1
    assert failure.data == b"traceI"


def test_a_broken_invariant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "self_times", lambda traces: -1 - traces.duration)
    found = fuzz(1, 40, share=1, tries=0)
    assert "self time is not negative" in found.failures


def test_endless_loop_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends_never(data: bytes) -> None:
        while True:
            pass

    monkeypatch.setattr(runs, "CPU_SECONDS", 0.05)
    monkeypatch.setattr(runs, "read", ends_never)
    (failure,) = fuzz(1, 2, share=0, tries=0).failures.values()
    assert failure.cause.startswith("HangError in ")
    assert failure.count == 2


def test_input_is_reduced() -> None:
    assert reduce_input(b"x" * 1_000 + b"bad" + b"y" * 1_000, lambda data: b"bad" in data, 500) == b"bad"


def test_random_events_on_the_screen(tmp_path: Path) -> None:
    assert fuzz_screen(15, 90, hostile_sources(tmp_path), tmp_path) > 5_000


def test_a_control_character_on_the_screen_is_found() -> None:
    assert not list(interpreted_sequences(b"\x1b[1;31mname\x1b[0m\x1b[3;4H\x1b]52;c;eA==\x07"))
    for text in ("\x1b]0;title\x07", "\x9b31m", "\u202e", "\x07", "\x1b[201~"):
        assert list(interpreted_sequences(f"\x1b[1mname {text}".encode()))
