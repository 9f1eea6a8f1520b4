"""Traces saved from the screen go to new files only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import INCIDENT
from tests.support.trace_app import opened


@pytest.mark.parametrize("source", ["folder/traces.json", "folder", "folder/*.json"])
async def test_saving_never_overwrites_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "folder/traces.json"
    path.parent.mkdir()
    path.write_bytes(before := Path(INCIDENT).read_bytes())
    async with opened(source) as (_, pilot):
        await pilot.press("x", *"folder/traces.json", "enter")
        assert "it already exists; choose another name" in pilot.text
    assert path.read_bytes() == before


async def test_only_the_beginning_of_a_typed_name_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(INCIDENT) as (_, pilot):
        await pilot.press("x", *"./~root.json", "enter")
        assert "saved 100 traces to ~root.json" in pilot.text
    assert (tmp_path / "~root.json").is_file()
