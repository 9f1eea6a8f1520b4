"""Globs: equal to the standard library's, without loops through links."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest

from tracetui.ingest.files import matching_files

FILES = [
    "a.json",
    "b.txt",
    ".hidden.json",
    "in/a.json",
    "in/deep/c.json",
    "in/deep/[x].json",
    ".git/a.json",
    "in/.h/d.json",
]
PATTERNS = ["*", "*.json", "**", "**/*", "**/*.json", "in/**/*.json", "*/**/c.*", "**/deep/*", "**/deep/**/*.json"]
PATTERNS += [
    "**/[[]x].json",
    "**/[!a].json",
    "**/.hidden.json",
    ".git/**/*",
    "**/.git/*",
    "**/**/a.json",
    "in*/**/?.json",
]
PATTERNS += ["**/nothing", "in/**/deep/**", "in*/**/?.json"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "in" / "link.json").symlink_to("a.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("pattern", PATTERNS)
def test_globs_match_like_the_standard_library(folder: Path, pattern: str) -> None:
    for written in (pattern, f"{folder}/{pattern}"):
        expected = glob.glob(written, recursive=True)  # noqa: PTH207 - the reference
        assert matching_files(written) == sorted({str(Path(path)) for path in expected if not Path(path).is_dir()})


def test_link_cycles_are_not_followed(folder: Path) -> None:
    before = matching_files("**/*.json")
    for number in range(3):
        (folder / "in" / f"loop{number}").symlink_to("..")
    (folder / "root").symlink_to("/")
    assert matching_files("**/*.json") == before
    assert matching_files(f"{folder}/**/*.json") == [os.path.join(folder, path) for path in before]  # noqa: PTH118
    # a link that is named is followed
    assert "in/loop0/a.json" in matching_files("in/loop0/*.json")
