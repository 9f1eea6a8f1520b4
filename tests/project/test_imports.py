"""Imports of the program: the command line must start fast."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import CHECKOUT, TESTS
from tests.support.program import code_of_command, imported_modules

HEAVY = {"textual", "networkx", "httpx", "pandas", "asyncio"}


@pytest.mark.parametrize(
    "args",
    [["--help"], ["analyze", "--help"], ["analyze", CHECKOUT], ["analyze", CHECKOUT, "--json"], ["show", CHECKOUT]],
)
def test_the_command_line_imports_no_terminal_interface(args: list[str]) -> None:
    modules = imported_modules(code_of_command(*args))
    assert "tracetui" in modules
    assert not modules & (HEAVY - {"asyncio"})


def test_the_package_itself_imports_nothing_heavy() -> None:
    before = imported_modules("")
    assert imported_modules("import tracetui") - before == {"tracetui"}


_ON_A_TERMINAL = """
import os, sys, tracetui.tui.run
os.environ["TERM"] = "xterm"
sys.stdin.isatty = sys.stdout.isatty = lambda: True
tracetui.tui.run.run_app = lambda *_, **__: 0
"""


def test_screen_does_not_import_the_option_parser() -> None:
    modules = imported_modules(_ON_A_TERMINAL + code_of_command(CHECKOUT))
    assert "textual" in modules
    assert not modules & {"typer", "numpy"}
    assert "typer" in imported_modules(_ON_A_TERMINAL + code_of_command(CHECKOUT, "--ascii"))


def test_version_imports_neither_numpy_nor_typer() -> None:
    modules = imported_modules("import sys\nsys.argv[1:] = ['--version']\nfrom tracetui.__main__ import main\nmain()")
    assert "tracetui" in modules
    assert not modules & {"numpy", "typer", "rich", "msgspec", "orjson", "dataclasses", "typing", *HEAVY}


def test_core_imports_no_terminal_library() -> None:
    modules = imported_modules("import tracetui.session")
    assert not modules & {"textual", "rich", "typer", "click"}


def test_screen_is_painted_before_analysis_is_imported() -> None:
    modules = imported_modules("import tracetui.tui.run")
    assert "textual" in modules
    assert not modules & {"numpy", "networkx", "httpx", "lark", "orjson"}


def test_modules_of_tests_share_helpers_through_the_support_alone() -> None:
    importing = re.compile(r"^\s*(from|import) tests\.[\w.]*\btest_\w+", re.MULTILINE)
    assert [path for path in TESTS.rglob("*.py") if importing.search(path.read_text("utf-8"))] == []
