"""Imports of the program: the command line must start fast."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

SAMPLE = str(ROOT / "sample_traces/first-look/checkout.json")
HEAVY = {"textual", "networkx", "httpx", "pandas", "asyncio"}


def imported(code: str) -> set[str]:
    """List the top-level modules that are loaded after some code has run in a fresh process."""
    script = f"{code}\nimport sys\nprint('MODULES', *sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.splitlines()[-1].split()[1:])


def running(*args: str) -> str:
    return f"from tracetui.cli.main import run\nassert run({list(args)!r}) == 0"


@pytest.mark.parametrize(
    "args", [["--help"], ["analyze", "--help"], ["analyze", SAMPLE], ["analyze", SAMPLE, "--json"], ["show", SAMPLE]]
)
def test_the_command_line_imports_no_terminal_interface(args: list[str]) -> None:
    modules = imported(running(*args))
    assert "tracetui" in modules
    assert not modules & (HEAVY - {"asyncio"})


def test_the_package_itself_imports_nothing_heavy() -> None:
    before = imported("")
    assert imported("import tracetui") - before == {"tracetui"}


_ON_A_TERMINAL = """
import os, sys, tracetui.tui.run
os.environ["TERM"] = "xterm"
sys.stdout.isatty = lambda: True
tracetui.tui.run.run_app = lambda *_, **__: 0
"""


def test_screen_does_not_import_the_option_parser() -> None:
    modules = imported(_ON_A_TERMINAL + running(SAMPLE))
    assert "textual" in modules
    assert not modules & {"typer", "numpy"}
    assert "typer" in imported(_ON_A_TERMINAL + running(SAMPLE, "--ascii"))


def test_version_imports_neither_numpy_nor_typer() -> None:
    modules = imported("import sys\nsys.argv[1:] = ['--version']\nfrom tracetui.__main__ import main\nmain()")
    assert "tracetui" in modules
    assert not modules & {"numpy", "typer", "rich", "msgspec", "orjson", "dataclasses", "typing", *HEAVY}


def test_core_imports_no_terminal_library() -> None:
    modules = imported("import tracetui.session")
    assert not modules & {"textual", "rich", "typer", "click"}


def test_screen_is_painted_before_analysis_is_imported() -> None:
    modules = imported("import tracetui.tui.run")
    assert "textual" in modules
    assert not modules & {"numpy", "networkx", "httpx", "lark", "orjson"}
