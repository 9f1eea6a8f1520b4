"""The registry of commands, and everything derived from it: parser, help pages and `--spec`."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.paths import INCIDENT, ROOT
from tests.support.program import Program
from tracetui.cli.arguments import options_of
from tracetui.cli.commands import COMMANDS, OPEN, Command, command_named
from tracetui.cli.main import _OWN_OPTIONS
from tracetui.cli.parser import build_command
from tracetui.model.search import NOTHING, Search
from tracetui.tui.settings import Resume, Settings


def test_every_command_is_found_by_its_name() -> None:
    assert [command_named(command.name) for command in COMMANDS] == list(COMMANDS)
    assert command_named("analyse") is None


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_examples_are_valid_arguments(command: Command) -> None:
    parser = build_command(command)
    for example in command.examples:
        args = shlex.split(example.split(" | ")[0].split(" > ")[0])
        if command is not OPEN:
            assert args.pop(0) == command.name
        parser.make_context(command.name, args)


def test_spec_lists_what_the_help_pages_list(program: Program) -> None:
    found = json.loads(program("--spec").out)
    assert [command["name"] for command in found["commands"]] == [command.name for command in COMMANDS]
    root = {name for option in found["options"] for name in (option["name"], *option["aliases"])}
    assert root == _OWN_OPTIONS
    for command in found["commands"]:
        words = program(command["name"], "--help").out.split()
        listed = {word.rstrip(",") for word in words if word.startswith("-") and word.strip("-,.")}
        names = {name for option in command["options"] for name in (option["name"], *option["aliases"])}
        assert names <= listed, command["name"]
        assert command["summary"].endswith(".")


def test_spec_has_values_defaults_and_limits(program: Program) -> None:
    (analyze,) = (one for one in json.loads(program("--spec").out)["commands"] if one["name"] == "analyze")
    options = {option["name"]: option for option in analyze["options"]}
    assert analyze["arguments"] == [
        {
            "name": "SOURCE",
            "required": True,
            "multiple": True,
            "choices": [],
            "help": "Files, directories, globs, - for standard input, server addresses or profiles.",
        }
    ]
    assert (options["--color"]["choices"], options["--color"]["default"]) == (["auto", "always", "never"], "auto")
    assert (options["--limit"]["value"], options["--limit"]["min"], options["--limit"]["multiple"]) == ("N", 1, False)
    assert (options["--service"]["multiple"], options["--json"]["value"]) == (True, None)
    assert (options["--output"]["aliases"], options["--help"]["aliases"]) == (["-o"], ["-h"])
    assert options["--errors-only"]["group"] == "Filters"


def test_an_option_takes_a_value_in_every_command_or_in_none() -> None:
    takes: dict[str, bool] = {}
    for command in COMMANDS:
        for name, value in options_of(command).items():
            assert takes.setdefault(name, value) == value, name
    assert takes["--query"]
    assert not takes["--json"]


def test_a_command_imports_no_other_command() -> None:
    code = (
        "import sys; from tracetui.cli.main import run; run(['samples'])\n"
        "print(*sorted(name for name in sys.modules if name.startswith('tracetui.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    modules = set(done.stdout.splitlines()[-1].split())
    assert "tracetui.cli.demo" in modules
    assert not modules & {f"tracetui.cli.{name}" for name in ("analyze", "graph", "compare", "show")}


@pytest.fixture
def opened(program: Program, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Opened]:
    """Run the program on a terminal, with the screen replaced by a recorder of its arguments."""
    found: list[Opened] = []

    def run_app(sources: list[str], settings: Settings, resume: Resume | None, *_: object, **more: bool) -> int:
        found.append(Opened(sources, resume, **more))
        return 0

    def call(*args: str) -> Opened:
        with monkeypatch.context() as patch:
            patch.setattr("tracetui.tui.run.run_app", run_app)
            patch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
            patch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
            patch.setenv("TERM", "xterm")
            result = program(*args)
        assert (result.code, result.err) == (0, "")
        return found.pop()

    return call


@dataclass
class Opened:
    sources: list[str]
    resume: Resume | None
    exact_names: bool


def test_filters_become_the_first_query_of_the_screen(opened: Callable[..., Opened]) -> None:
    given = ["--service", "api", "--errors-only", "--time-range", "30m", "--query", "depth > 3"]
    resume = opened(INCIDENT, *given).resume
    assert resume is not None
    assert resume.query == "service = api AND error AND trace.age <= 30m AND depth > 3"
    assert resume.search == NOTHING
    assert opened(INCIDENT, "--ascii") == Opened([INCIDENT], None, False)
    assert opened(INCIDENT, "--exact-names") == Opened([INCIDENT], None, True)


def test_server_is_searched_over_the_time_range_of_the_filters(opened: Callable[..., Opened]) -> None:
    resume = opened("http://localhost:1", "--time-range", "30m", "--limit", "7", "--service", "api").resume
    assert resume is not None
    assert resume.query == "service = api"
    assert resume.search == Search(lookback_ns=1_800_000_000_000, limit=7)


def test_limit_of_files_is_rejected_on_the_screen(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    result = program(INCIDENT, "--limit", "7")
    assert (result.code, "--limit: the screen limits traces of servers only" in result.err) == (2, True)
