"""README and docs show the current output of the program, valid commands and valid links."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tracetui.cli.main import run
from tracetui.query import parse

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "sample_traces" / "README.md"])
}
WIDTH = "84"
TEXT = "\n".join(PAGES.values())
SHOWN = re.findall(r"^    \$ tracetui (.+)\n((?:    .*\n|\n)+?)(?=\n\S)", TEXT, re.MULTILINE)
BUNDLED = re.findall(
    r"^    tracetui ((?:analyze|alerts|compare|contrast|export|graph|show|why) (?:incident|network|shop)/[^|>\n]*?)"
    r"(?:  +#.*)?$",
    TEXT,
    re.M,
)
"""Commands over bundled traces."""


def test_docs_show_three_commands_with_output() -> None:
    assert [command.split()[0] for command, _ in SHOWN] == ["analyze", "show", "contrast"]


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_output(command: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "sample_traces")
    assert run([*shlex.split(command), "--width", WIDTH]) == 0
    shown = "\n".join(line.removeprefix("    ") for line in output.rstrip("\n").split("\n"))
    assert capsys.readouterr().out.rstrip("\n") == shown


def test_commands_over_bundled_traces_succeed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder in ("incident", "network", "shop"):
        tmp_path.joinpath(folder).symlink_to(ROOT / "sample_traces" / folder)
    monkeypatch.chdir(tmp_path)
    assert len(BUNDLED) >= 15
    for command in dict.fromkeys(BUNDLED):
        assert run(shlex.split(command)) == 0, command
    assert capsys.readouterr().out


def test_queries_of_the_docs_parse() -> None:
    lines = [
        line.strip().split("   ")[0] for line in PAGES["docs/query-language.md"].splitlines() if line[:4] == "    "
    ]
    assert len(lines) >= 4
    for line in lines:
        parse(line)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    shown = re.findall(r'(?:src|srcset)="([^"]+)"', PAGES[page])
    for target in [*re.findall(r"\]\(([^)\s]+)\)", PAGES[page]), *shown]:
        if re.match(r"https?:", target):
            continue
        path, _, heading = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page}: {target}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 150
