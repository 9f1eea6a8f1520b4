"""The command line: flags, exit codes, streams."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import CHECKOUT, INCIDENT, ROOT, SAMPLES
from tests.support.terminal import Terminal
from tracetui import __version__
from tracetui.cli.commands import COMMANDS
from tracetui.cli.main import run
from tracetui.model.errors import UsageError
from tracetui.render.text.cells import cell_width
from tracetui.tui.run import run_app
from tracetui.tui.settings import Settings

PROGRAM = [sys.executable, "-m", "tracetui"]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


class Result:
    """Exit code and output of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def tracetui(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*args: str) -> Result:
        code = run(args)
        printed = capsys.readouterr()
        assert "internal error" not in printed.err
        assert "Traceback" not in printed.err
        return Result(code, printed.out, printed.err)

    return call


FILTERS: dict[str, list[str]] = {
    "service": ["--service", "recommendation-service"],
    "operation": ["--operation", "fetch_recommendations"],
    "latency": ["--latency-threshold", "1000"],
    "errors": ["--errors-only"],
    "range": ["--time-range", "10m"],
    "query": ["--query", "status = error OR duration > 1s"],
    "limit": ["--limit", "5"],
}
COUNTS = {"service": 85, "operation": 85, "errors": 8, "limit": 5}


@pytest.mark.parametrize("name", FILTERS)
def test_single_filters(name: str, tracetui: Any) -> None:
    result = tracetui("analyze", INCIDENT, *FILTERS[name], "--json")
    count = result.json["summary"]["trace_count"]
    assert (result.code, result.err) == (0, "")
    assert count == COUNTS[name] if name in COUNTS else 0 < count < 100


def test_combined_filters_select_the_intersection(tracetui: Any) -> None:
    def ids(*flags: str) -> set[str]:
        paths = tracetui("analyze", INCIDENT, "--json", "--critical-path", *flags).json["critical_paths"]
        return {path["trace_id"] for path in paths}

    alone = {name: ids(*flags) for name, flags in FILTERS.items() if name not in ("limit", "range")}
    for one, other in combinations(alone, 2):
        assert ids(*FILTERS[one], *FILTERS[other]) == alone[one] & alone[other]
    assert len(ids(*FILTERS["errors"], *FILTERS["limit"])) == 5
    assert ids(*(flag for flags in FILTERS.values() for flag in flags)) <= set.intersection(*alone.values())


SECTIONS = {
    "--bottlenecks": ("bottlenecks", "Bottlenecks"),
    "--critical-path": ("critical_paths", "Critical path"),
    "--errors": ("errors", "Errors"),
    "--dependencies": ("dependencies", "Dependencies"),
}


@pytest.mark.parametrize("count", range(5))
def test_sections_in_every_combination(count: int, tracetui: Any) -> None:
    for flags in combinations(SECTIONS, count):
        wanted = flags or tuple(SECTIONS)
        keys = {SECTIONS[flag][0] for flag in wanted}
        keys |= {"findings", "async_work"} if "--bottlenecks" in wanted else set()
        assert set(tracetui("analyze", CHECKOUT, "--json", *flags).json) == {
            "summary",
            "verdict",
            "warning_kinds",
            "warnings",
            *keys,
        }
        text = tracetui("analyze", CHECKOUT, *flags).out
        found = [flag for flag, (_, heading) in SECTIONS.items() if f"\n{heading}" in text]
        assert found == list(wanted)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--latency-threshold", "-1"], "--latency-threshold"),
        (["--latency-threshold", "nan"], "--latency-threshold"),
        (["--latency-threshold", "inf"], "--latency-threshold: inf is not a number of milliseconds"),
        (["--latency-threshold", "fast"], "--latency-threshold"),
        (["--time-range", ""], "is not a duration"),
        (["--time-range", "-1h"], "is not a duration"),
        (["--time-range", "1 fortnight"], "is not a duration"),
        (["--limit", "0"], "--limit"),
        (["--limit", "some"], "--limit"),
        (["--query", ""], "the query is empty"),
        (["--query", "duration >"], "duration >\n            ^"),
        (["--query", 'service =~ "("'], "not a regular expression"),
        (["--width", "wide"], "--width"),
        (["--color", "green"], "--color"),
        (["--output", "/nowhere/x"], "cannot write /nowhere/x: No such file or directory"),
        (["--output", "/"], "cannot write /: Is a directory"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_invalid_values_are_bad_usage(flags: list[str], message: str, tracetui: Any) -> None:
    result = tracetui("analyze", INCIDENT, *flags)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


@pytest.mark.parametrize("flags", [["--limit", "9" * 20], ["--time-range", "9" * 15 + "d"], ["--width", "9999999"]])
def test_very_large_values_are_accepted(flags: list[str], tracetui: Any) -> None:
    result = tracetui("analyze", INCIDENT, *flags)
    assert (result.code, result.out.splitlines()[0].split("  ")[0]) == (0, "FAILING")


def test_missing_sources(tracetui: Any) -> None:
    assert tracetui("analyze").code == 2
    assert tracetui("show").code == 2
    assert tracetui("analyze", "/nowhere").code == 3
    assert tracetui("/nowhere").err == "tracetui: /nowhere: no such file\n"


@pytest.mark.parametrize(("missing", "code"), [("/nowhere", 3), ("/nowhere/*.json", 3), ("http://127.0.0.1:1", 4)])
def test_report_covers_all_sources_or_none(tracetui: Any, missing: str, code: int) -> None:
    for sources in ([INCIDENT, missing], [missing, INCIDENT]):
        result = tracetui("analyze", *sources)
        assert (result.code, result.out) == (code, "")
        assert result.err.startswith(f"tracetui: {missing}")


@pytest.mark.parametrize(
    ("args", "same"),
    [
        (["--ascii", "demo"], ["demo", "--ascii"]),
        (["--width", "60", "analyze", INCIDENT], ["analyze", INCIDENT, "--width", "60"]),
        (["--width=60", "--json", "analyze", INCIDENT], ["analyze", INCIDENT, "--width=60", "--json"]),
        (["--trace", "newest", "show", INCIDENT, "--ascii"], ["show", INCIDENT, "--trace", "newest", "--ascii"]),
        (["--query", "error", INCIDENT], ["analyze", INCIDENT, "--query", "error"]),
        ([INCIDENT, "--errors-only", "--limit", "3"], ["analyze", INCIDENT, "--errors-only", "--limit", "3"]),
    ],
)
def test_options_before_a_command_belong_to_it(args: list[str], same: list[str], tracetui: Any) -> None:
    result, expected = tracetui(*args), tracetui(*same)
    assert (result.code, result.out) == (expected.code, expected.out)
    assert (expected.code, expected.err) == (0, "")


def test_option_value_equal_to_a_command_is_no_command(tracetui: Any) -> None:
    result = tracetui("--query", "trace.demo", INCIDENT)
    assert (result.code, "no field trace.demo" in result.err) == (2, True)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["analyz", INCIDENT], "analyz is not a command, file or profile; did you mean tracetui analyze?"),
        (["Shwo", INCIDENT, "--ascii"], "Shwo is not a command, file or profile; did you mean tracetui show?"),
        ([INCIDENT, "analyze"], "the command goes first: tracetui analyze ..."),
        ([INCIDENT, "--errors"], "--errors is an option of tracetui analyze"),
        ([INCIDENT, "--theme", "x", "--trace=newest"], "--trace is an option of tracetui show"),
        ([INCIDENT, "--frob"], "No such option: --frob"),
        (["--ascii", "samples"], "No such option: --ascii"),
    ],
)
def test_misplaced_and_misspelled_words_get_a_hint(args: list[str], message: str, tracetui: Any) -> None:
    result = tracetui(*args)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_a_file_named_like_a_command_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracetui: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("analyz", "alert"):
        (tmp_path / name).write_bytes(Path(CHECKOUT).read_bytes())
    assert tracetui("analyz", "alert").code == 0
    assert tracetui("whatever").code == 3


@pytest.mark.parametrize("command", ["analyze", "show", "graph", "contrast"])
def test_unknown_service_in_a_filter_is_bad_usage(command: str, tracetui: Any) -> None:
    more = ["services"] if command == "graph" else []
    result = tracetui(command, INCIDENT, *more, "--service", "user-servise", "--service", "api-gateway")
    assert (result.code, result.out) == (2, "")
    assert result.err == "tracetui: no service named 'user-servise' in 100 traces; did you mean user-service?\n"


def test_compare_accepts_a_service_of_one_side(tmp_path: Path, tracetui: Any) -> None:
    after = str(SAMPLES / "shop")
    both = ["--service", "api-gateway", "--service", "checkout-api"]
    assert tracetui("compare", INCIDENT, after, *both).code == 0
    result = tracetui("compare", INCIDENT, after, *both, "--service", "nosuch")
    assert (result.code, "no service named 'nosuch' in " in result.err) == (2, True)


@pytest.mark.parametrize("command", ["analyze", "show", "graph", "contrast"])
def test_unknown_operation_in_a_filter_is_bad_usage(command: str, tracetui: Any) -> None:
    more = ["services"] if command == "graph" else []
    result = tracetui(command, INCIDENT, *more, "--operation", "GET /profiles", "--operation", "GET /profile")
    assert (result.code, result.out) == (2, "")
    assert result.err == "tracetui: no operation named 'GET /profiles' in 100 traces; did you mean GET /profile?\n"


def test_operation_of_another_service_is_not_a_typo(tracetui: Any) -> None:
    result = tracetui("analyze", INCIDENT, "--service", "user-service", "--operation", "GET /profile")
    assert (result.code, result.out) == (0, "No trace matches\nfilter: service user-service, operation GET /profile\n")


def test_compare_accepts_an_operation_of_one_side(tmp_path: Path, tracetui: Any) -> None:
    after = str(SAMPLES / "shop")
    both = ["--operation", "GET /profile", "--operation", "POST /checkout"]
    assert tracetui("compare", INCIDENT, after, *both).code == 0
    result = tracetui("compare", INCIDENT, after, *both, "--operation", "GET /nosuch")
    assert (result.code, "no operation named 'GET /nosuch' in " in result.err) == (2, True)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("look", [[], ["--ascii"], ["--verbose"], ["--local-time"]])
def test_no_line_is_wider_than_the_width_option(width: int, look: list[str], tracetui: Any) -> None:
    shop = str(SAMPLES / "shop/shop.json")
    show_look = [flag for flag in look if flag != "--verbose"]
    for args in (["analyze", shop, *look], ["show", CHECKOUT, *show_look]):
        result = tracetui(*args, "--width", str(width))
        assert result.code == 0
        assert max(map(cell_width, result.out.splitlines())) <= width
        if "--ascii" in look:
            assert result.out.isascii()


def test_color_option_switches_colours(tracetui: Any) -> None:
    assert "\x1b[" in tracetui("analyze", INCIDENT, "--color", "always").out
    assert "\x1b[" not in tracetui("analyze", INCIDENT).out
    assert "\x1b[" not in tracetui("show", INCIDENT, "--color", "never").out


def test_output_goes_to_a_file(tmp_path: Path, tracetui: Any) -> None:
    for flags, name in ((["--json"], "a.json"), ([], "a.txt")):
        result = tracetui("analyze", INCIDENT, *flags, "--output", str(tmp_path / name))
        assert (result.code, result.out, result.err) == (0, "", "")
        assert (tmp_path / name).read_text() == tracetui("analyze", INCIDENT, *flags).out


def test_adjust_skew_shortens_traces_and_adds_warnings(tracetui: Any) -> None:
    skewed = str(SAMPLES / "broken/clock-skew.json")
    raw = tracetui("analyze", skewed, "--json").json["summary"]
    moved = tracetui("analyze", skewed, "--json", "--adjust-skew").json["summary"]
    assert moved["duration_stats"]["max_ms"] < raw["duration_stats"]["max_ms"]
    assert moved["warning_count"] > raw["warning_count"]


def test_warnings_go_to_stderr_and_into_the_json(tmp_path: Path, tracetui: Any) -> None:
    lines = tmp_path / "lines"
    lines.write_text(json.dumps(json.loads(Path(CHECKOUT).read_bytes())["data"][0]) + "\n{what?" * 15)
    result = tracetui("analyze", str(lines), "--json")
    assert result.err.count("tracetui: warning: ") == 10
    assert result.err.endswith("tracetui: 5 more warnings; --verbose lists all\n")
    assert result.json["warnings"][0] == {
        "file": str(lines),
        "position": "line 2.byte 0",
        "message": "damaged JSON (unexpected 'what?'); the last 6 bytes skipped",
    }
    assert tracetui("analyze", str(lines), "--json", "--verbose").err.count("tracetui: warning: ") == 15


@pytest.mark.parametrize(
    ("wanted", "code", "message"),
    [
        ("slowest", 0, ""),
        ("newest", 0, ""),
        ("failed", 0, ""),
        ("4CE7F52F", 0, ""),
        ("4ce7f52ffe3770398f43f1a60084043d", 0, ""),
        ("0", 2, "2 trace ids begin with 0: "),
        ("nosuch", 2, "no trace nosuch; the slowest of 100 are 4ce7f52f"),
        ("", 2, "no trace "),
    ],
)
def test_show_finds_the_trace_or_reports_why_not(wanted: str, code: int, message: str, tracetui: Any) -> None:
    result = tracetui("show", INCIDENT, "--trace", wanted)
    assert result.code == code
    assert message in result.err
    assert bool(result.out) == (code == 0)


def test_show_failed_without_errors_is_bad_usage(tracetui: Any) -> None:
    result = tracetui("show", CHECKOUT, "--trace", "failed")
    assert (result.code, result.err) == (2, "tracetui: no trace has errors\n")


def test_long_traces_are_cut_unless_all_is_given(tracetui: Any) -> None:
    deep = str(SAMPLES / "hostile/deep.json")
    short = tracetui("show", deep, "--max-rows", "20").out.splitlines()
    assert len(short) < 30
    assert any("--all" in line for line in short)
    assert len(tracetui("show", deep, "--all").out.splitlines()) > 3000


def test_sources_without_a_command_print_the_report(tracetui: Any) -> None:
    assert tracetui(INCIDENT, CHECKOUT).out == tracetui("analyze", INCIDENT, CHECKOUT).out


def test_demo_shows_the_incident(tracetui: Any) -> None:
    assert tracetui("demo").out == tracetui("analyze", INCIDENT).out
    assert Path(tracetui("samples").out.strip()) == SAMPLES


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_help_has_no_python_types_and_fits_80_columns(command: str, tracetui: Any) -> None:
    lines = tracetui(command, "--help").out.splitlines()
    assert not [line for line in lines if re.search(r"<(list\[|str>|int>|bool>)|\.\.\.\.\.\.", line)]
    assert max(map(cell_width, lines)) <= 80


def test_root_help_shows_whole_summaries(tracetui: Any) -> None:
    lines = tracetui("--help").out.splitlines()
    shown = {command.name for command in COMMANDS if not command.is_hidden}
    summaries = [line for line in lines if line.split()[:1] and line.split()[0] in shown]
    assert len(summaries) == len(shown) == len(COMMANDS) - 1
    assert all(line.endswith(".") and not line.endswith("...") for line in summaries)


def test_version_and_help(tracetui: Any) -> None:
    assert tracetui("--version").out == f"tracetui {__version__}\n"
    for args in (["--help"], ["-h"], ["analyze", "--help"], ["show", "-h"]):
        result = tracetui(*args)
        assert result.code == 0
        assert result.out.lstrip().startswith("Usage: tracetui")


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tracetui: Any) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(INCIDENT).read_bytes())))
    assert tracetui("analyze", "-", "--json").json["summary"]["trace_count"] == 100


def test_file_name_that_is_not_utf8(tmp_path: Path, tracetui: Any) -> None:
    name = os.fsencode(tmp_path) + b"/bad\xff\x1b[31m\n.json"
    with open(name, "wb") as file:  # noqa: PTH123 - a name as bytes
        file.write(Path(CHECKOUT).read_bytes() + b"#")
    result = tracetui("analyze", os.fsdecode(name), "--json")
    assert result.code == 0
    assert "\x1b" not in result.err
    assert result.json["warnings"][0]["file"].endswith("bad?\x1b[31m\n.json")


def test_an_internal_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("oops\x1b")

    monkeypatch.delenv("TRACETUI_DEBUG", raising=False)
    monkeypatch.setattr("tracetui.cli.analyze.report_json", fail)
    assert run(["analyze", CHECKOUT, "--json"]) == 1
    err = capsys.readouterr().err
    assert err.splitlines()[0] == "tracetui: internal error: KeyError: 'oops\\x1b'"
    assert "Traceback" not in err
    monkeypatch.setenv("TRACETUI_DEBUG", "1")
    run(["analyze", CHECKOUT, "--json"])
    assert "Traceback" in capsys.readouterr().err


def test_too_many_open_files_are_explained(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("tracetui.cli.analyze.report_json", fail)
    assert run(["analyze", CHECKOUT, "--json"]) == 2
    assert capsys.readouterr().err == "tracetui: too many open files; raise the limit with ulimit -n\n"


def test_an_unknown_colour_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "x")
    with pytest.raises(UsageError, match="TEXTUAL_COLOR_SYSTEM: unknown colour system x; colour systems are auto, "):
        run_app([CHECKOUT], Settings())


def shell(command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line with the program as $TRACETUI and a sample as $FILE."""
    variables = {
        **os.environ,
        "TRACETUI": " ".join(PROGRAM),
        "FILE": INCIDENT,
        "DEEP": str(SAMPLES / "hostile/deep.json"),
    }
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT, env={**variables, **environ}
    )


@pytest.mark.parametrize("args", ['show "$DEEP" --all', 'analyze "$FILE" --json', 'analyze "$FILE"'])
def test_closed_pipe_is_no_error(args: str) -> None:
    done = shell(f'$TRACETUI {args} | head -n 1; exit "${{PIPESTATUS[0]}}"')
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)


def test_streams_that_are_closed_or_full() -> None:
    error = "tracetui: standard output is closed\n"
    assert (shell('$TRACETUI analyze "$FILE" >&-').stderr, shell('$TRACETUI show "$FILE" >&-').returncode) == (
        error,
        2,
    )
    full = shell('$TRACETUI analyze "$FILE" --json >/dev/full')
    assert (full.returncode, full.stderr) == (2, "tracetui: cannot write to standard output: No space left on device\n")
    closed = shell("$TRACETUI analyze - <&-")
    assert (closed.returncode, closed.stderr) == (3, "tracetui: -: standard input is closed\n")
    silent = shell('$TRACETUI analyze "$FILE" /dev/null --json 2>&-')
    assert json.loads(silent.stdout)["summary"]["trace_count"] == 100


def test_closed_standard_input_gives_the_report_on_a_terminal() -> None:
    """The screen could not read keys."""
    terminal = Terminal(["sh", "-c", f"exec {sys.executable} -m tracetui {INCIDENT} <&-"])
    terminal.wait_for(b"100 traces")
    assert terminal.end() == 0


def test_locale_without_unicode_gets_ascii() -> None:
    done = shell(
        '$TRACETUI show "$FILE"', LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "#" in done.stdout


def test_an_interrupt_ends_the_program_quietly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [*PROGRAM, "analyze", str(pipe)]
    # a shell starts background jobs, and all their children, with interrupts ignored
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=_restore_interrupts)
    with program, pipe.open("wb"):
        # opened: the program waits for data
        program.send_signal(signal.SIGINT)
        _, err = program.communicate(timeout=300)
    assert (program.returncode, err) == (130, "")


def _restore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_query_without_a_match_is_reported(tracetui: Any) -> None:
    result = tracetui("analyze", INCIDENT, "--query", "duration > 1h", "--json")
    assert (result.code, result.json["summary"]["trace_count"]) == (0, 0)
    assert "none of 100 traces matches duration > 1h" in result.err


@pytest.mark.parametrize(
    "query",
    [
        "service = user-servise",
        "duration > 1ms AND { service = user-servise AND error }",
        "service = user-servise OR service = user-servise AND error",
        "{ service = user-servise } >> { service = user-service }",
        "{ service = user-service } >> { service = user-servise }",
        "{ service = user-servise OR service = user-servise }",
        "root.service = user-servise",
    ],
)
def test_unknown_service_in_a_query_is_no_empty_result(tracetui: Any, query: str) -> None:
    result = tracetui("analyze", INCIDENT, "--query", query)
    assert result.code == 2
    assert result.err == "tracetui: no service named 'user-servise' in 100 traces; did you mean user-service?\n"
    # another part of the query may match without it
    assert tracetui("analyze", INCIDENT, "--query", f"{query} OR error").code == 0


@pytest.mark.parametrize(
    "query",
    [
        "(service = user-service OR service = user-servise) AND error",
        "{ service = user-servise OR service = user-service } AND error",
        "{ service = user-service } >> { service = user-servise OR error }",
        "error AND NOT service = user-servise",
        "error AND service != user-servise",
    ],
)
def test_unknown_service_is_no_error_where_the_query_matches_without_it(tracetui: Any, query: str) -> None:
    result = tracetui("analyze", INCIDENT, "--query", query, "--json")
    assert result.code == 0
    assert result.json["summary"]["trace_count"] > 0


def test_misspelled_name_of_a_trace_is_corrected(tracetui: Any) -> None:
    result = tracetui("show", INCIDENT, "--trace", "slowst")
    assert (result.code, "no trace slowst; did you mean slowest?" in result.err) == (2, True)


@pytest.mark.parametrize("sources", [["nosuch.json"], ["nosuch.json", "nor*this.json"]])
def test_missing_files_do_not_open_the_screen(
    tracetui: Any, sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracetui.cli.open_screen.has_screen", lambda: True)
    monkeypatch.setattr("tracetui.tui.run.run_app", lambda *_, **__: 0)
    result = tracetui(*sources)
    assert (result.code, result.err) == (3, "tracetui: nosuch.json: no such file\n")
    assert tracetui(*sources, INCIDENT).code == 0
