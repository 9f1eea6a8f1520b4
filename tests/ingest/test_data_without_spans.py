"""Large data without spans is rejected after an amount of work that does not grow with it."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from tests.support.paths import SAMPLES
from tracetui.ingest import mixed_text, source_bytes
from tracetui.ingest.data_without_spans import LARGE_DATA, is_noise, names_spans
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import cannot_hold_spans, decode
from tracetui.model.intake import Intake

_SPAN = b'{"traceId":"5b8efff798038103d269b633813fc60c","id":"eee19b7ec3c1b174","name":"a","timestamp":1,"duration":2}'
_TOKENS = [b"{", b"}", b"[", b"]", b",", b":", b"1", b"true", b'"a"', b'"traceId"', b'"spans"', b'"doc"', b"\n"]


def _random_bytes(size: int) -> bytes:
    return b"{" + random.Random(1).randbytes(size)


def _random_lines(size: int) -> bytes:
    rng = random.Random(2)
    return bytes(rng.choices([*range(0x20, 0x7F), 0x0A], k=size))


def _random_tokens(size: int) -> bytes:
    return b"".join(random.Random(3).choices(_TOKENS, k=size // 3))


def _opened_objects(size: int) -> bytes:
    return b'{"doc"\n' * (size // 7)


def _calls(data: bytes) -> tuple[int, Intake]:
    """Decode some bytes, and count the function calls."""
    intake, count = Intake(), 0

    def profile(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(profile)
    try:
        decode(data, DecodeContext(intake, "x"))
    finally:
        sys.setprofile(None)
    return count, intake


@pytest.mark.parametrize("make", [_random_bytes, _random_lines, _random_tokens, _opened_objects])
def test_work_on_noise_does_not_grow_with_its_size(
    make: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixed_text, "_MAX_FAILURES", 500)
    small, large = make(2 * LARGE_DATA), make(4 * LARGE_DATA)
    fewer, intake = _calls(small)
    more, _ = _calls(large)
    assert len(intake) == 0
    assert intake.warnings
    # the remaining calls are searches, a few for each MiB or line that may be JSON
    assert more < fewer + len(large) // 500


def test_damaged_lines_before_the_first_span_cost_none_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixed_text, "_MAX_FAILURES", 20)
    _, intake = _calls(b"\n".join([_SPAN, *[b'{"traceId":[,,'] * 50, _SPAN.replace(b"eee", b"fff")]))
    assert len(intake) == 2


def test_noise_is_binary_from_its_first_bytes_to_its_last() -> None:
    noise = random.Random(4).randbytes(2 * LARGE_DATA)
    assert is_noise(noise)
    assert is_noise(bytes(2 * LARGE_DATA))
    assert not is_noise(noise[: LARGE_DATA // 2])
    assert not is_noise(_SPAN + noise)
    assert not is_noise(noise[:LARGE_DATA] + _random_lines(LARGE_DATA))
    assert not is_noise("Żółć 注文 é".encode("cp1250", "ignore") * LARGE_DATA)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/*.json*")), ids=lambda path: path.name)
def test_every_text_with_spans_contains_a_span_word(path: Path) -> None:
    data = path.read_bytes()
    _, intake = _calls(data)
    assert names_spans(data) or not len(intake)
    assert not cannot_hold_spans(data) or not len(intake)


def test_protobuf_and_compressed_bytes_are_not_noise() -> None:
    protobuf = (SAMPLES / "otlp" / "traces.pb").read_bytes()
    assert not cannot_hold_spans(protobuf * 200)
    assert not cannot_hold_spans(b"\x1f\x8b" + random.Random(5).randbytes(2 * LARGE_DATA))
    assert cannot_hold_spans(random.Random(5).randbytes(2 * LARGE_DATA))


def test_stream_of_noise_is_read_only_at_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_bytes, "_PROBED_BYTES", 2 * LARGE_DATA)
    warnings: list[str] = []
    with subprocess.Popen(["cat", "/dev/urandom"], stdout=subprocess.PIPE) as source:
        assert source.stdout is not None
        data = source_bytes.read_stream(cast(BinaryIO, source.stdout), lambda: True, warnings.append, cannot_hold_spans)
        source.kill()
    assert len(data) <= LARGE_DATA
    assert len(warnings) == 1
    assert "no span in the first" in warnings[0]
