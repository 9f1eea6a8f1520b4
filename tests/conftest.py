"""Fixtures for every test."""

from __future__ import annotations

import functools
import gc
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

from tests.support.program import Program

# what a property test finds depends neither on chance nor on how fast the machine is
for name, count in (("fixed", 50), ("thorough", 500)):
    settings.register_profile(
        name,
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=count,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("EXAMPLES", "fixed"))

# collections that find nothing take a tenth of the time
gc.set_threshold(50_000, 20, 100)
# processes that tests start need not compile the package, each again
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# an error that no decoder should raise fails a test, also in processes that it starts
os.environ["TRACETUI_DEBUG"] = "raise"


# no test copies into the tmux in which it runs
os.environ.pop("TMUX", None)


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the saved location, filters and marks of the screen below `tmp_path`."""
    from tracetui.tui import settings

    monkeypatch.setattr(settings, "_resume_path", lambda: tmp_path / "state" / "resume.json")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """The program in a home of its own, for which an answer is too large from 2 MiB on."""
    # most tests speak to no server
    from tracetui.ingest.servers import connection

    found = Program(tmp_path, capsys)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("TOKEN", "USER", "PASSWORD", "TENANT"):
        monkeypatch.delenv(f"TRACETUI_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    clock = SimpleNamespace(sleep=found.slept.append, time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr("httpx_retries.retry.time", clock)
    monkeypatch.setattr(connection, "Connection", functools.partial(connection.Connection, max_response_bytes=2 << 20))
    monkeypatch.setattr(connection, "_SMALL_RESPONSE_BYTES", 2 << 20)
    return found
