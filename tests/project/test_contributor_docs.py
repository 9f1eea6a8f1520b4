"""ARCHITECTURE.md and CONTRIBUTING.md name files and classes that exist."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import ROOT

FOLDERS = ("tracetui", "tests", "docs")
FILES = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md", ".json")]
FILES += ROOT.glob("*.md")
PATHS = ["/" + path.relative_to(ROOT).as_posix() for path in FILES]
WORDS = {word for path in FILES if path.suffix == ".py" for word in re.findall(r"\w+", path.read_text("utf-8"))}


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_named_files_and_identifiers_exist(page: str) -> None:
    quoted = re.findall(r"`([^`\n]+)`", (ROOT / page).read_text("utf-8"))
    files = {text for text in quoted if re.fullmatch(r"[\w/.-]+\.(py|md|json)", text) and "NAME" not in text}
    assert {file for file in files if not any(path.endswith("/" + file) for path in PATHS)} == set()
    # names of classes and constants, and calls
    names = {text.partition("(")[0] for text in quoted if re.fullmatch(r"[A-Z]\w+|_[A-Z]\w+|[a-z_]+\([^)]*\)", text)}
    assert names - WORDS == set()
    assert len(files) > 20
    assert len(names) > 20
