"""Every output that may contain names from outside, tested with hostile names.

The outputs are listed by the program itself: commands and their options, questions and diagram formats of the service
graph, views and their keys, items of the copy menu, encoders. New ones are tested here automatically, or fail the test
that each has values.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import yaml
from textual.widgets import Input

from tests.support.hostile import ALL, ARGUMENT, FILE_NAME, KINDS, POISON, write_logs, write_samples, write_traces
from tests.support.loopback import Loopback, Request, Response
from tests.support.program import Program
from tests.support.screens import painted
from tests.support.texts import is_harmless
from tests.support.trace_app import opened
from tracetui import export
from tracetui.analysis.analysis import Analysis
from tracetui.analysis.new_findings import NewFindings
from tracetui.analysis.service_graph import Target
from tracetui.cli import progress
from tracetui.cli.command_spec import spec
from tracetui.cli.commands import COMMANDS
from tracetui.cli.graph_questions import QUESTIONS
from tracetui.ingest.loader import load
from tracetui.model.errors import LoadWarning
from tracetui.render.graph.diagram import FORMATS
from tracetui.render.graph.json import answer_json
from tracetui.render.graph.text_blocks import GraphPage
from tracetui.render.report.alert_rules import alert_rules
from tracetui.render.report.text_blocks import ReportOptions
from tracetui.render.text.clipboard import clipboard_text
from tracetui.render.text.glyphs import ASCII
from tracetui.render.traces.new_findings import new_finding_lines
from tracetui.session import Session
from tracetui.tui.keys.everywhere import APP, FINDINGS, LISTS
from tracetui.tui.keys.view_key_tables import VIEW_KEYS
from tracetui.tui.loading.service_choice import service_choice
from tracetui.tui.messages import CopyText, FilterTraces, Notice, ReadText
from tracetui.tui.state import Look, State
from tracetui.tui.views.registry import VIEWS
from tracetui.tui.widgets.copy_menu import CopyMenu, CopySource, copy_items, trace_items
from tracetui.tui.widgets.line_input import LineInput

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_EXIT_CODES = {0, 2, 3, 4}
"""All except 1: no name causes an internal error."""


def assert_harmless(text: str, sink: str) -> None:
    """Check text for a terminal: styles are allowed, other control and invisible characters are not."""
    shown = _STYLE.sub("", text).replace("\n", "")
    is_error = {character for character in set(shown) if not is_harmless(character)}
    lines = [line for line in text.split("\n") if is_error & set(line)] if is_error else []
    assert not is_error, f"{sink}: {[f'U+{ord(character):04X}' for character in is_error]} in {lines[0][:300]!r}"


@pytest.fixture(autouse=True)
def lines_as_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines replace control characters, which would hide that a caller does not clean its text."""
    monkeypatch.setattr("tracetui.render.text.line.safe", lambda text: text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write traces below a directory with a hostile name, and `logs` next to it."""
    made = tmp_path_factory.mktemp("sinks") / FILE_NAME
    write_traces(made)
    write_logs(made.parent / "logs")
    return made


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the bundled traces with hostile names."""
    made = tmp_path_factory.mktemp("samples") / "traces"
    write_samples(made)
    return made


@pytest.fixture(scope="module")
def analysis(folder: Path) -> Analysis:
    return Analysis(load([str(folder)]))


def test_hostile_names_are_loaded_unchanged(analysis: Analysis) -> None:
    """Otherwise the tests here would be void. Only invalid UTF-8 is replaced."""
    services = set(analysis.traces.services)
    assert len(services) >= 2 * len(KINDS)
    for kind, text in KINDS.items():
        assert any(is_same(text, service) for service in services), kind


def is_same(text: str, service: str) -> bool:
    return re.sub("[\ud800-\udfff]", "\ufffd", text) == re.sub("[\ud800-\udfff]", "\ufffd", service)


# --- the command line ------------------------------------------------------------------------------------------------

SOURCES: dict[str, list[list[str]]] = {
    "analyze": [["SOURCE"]],
    "show": [["SOURCE"]],
    "graph": [["SOURCE", "services"]],
    "compare": [["SOURCE", "SOURCE"]],
    "contrast": [["SOURCE", "--select", "error"]],
    "why": [["SOURCE"], ["SOURCE", "--baseline", "SOURCE"]],
    "alerts": [["SOURCE", "--service", ALL]],
    "server": [["SERVER"]],
    "export": [["SOURCE"]],
    "demo": [[]],
    "config": [["show"], ["validate"]],
    "samples": [[]],
    "open": [["SOURCE"]],
}
"""Arguments of each command."""
VALUES: dict[str, list[str]] = {
    "--service": [ALL, ARGUMENT],
    "--operation": [ALL, ARGUMENT],
    "--query": [f"name = {json.dumps(ALL, ensure_ascii=False)}", json.dumps(ALL), ARGUMENT, f'"{ARGUMENT}'],
    "--select": [f"service = {json.dumps(ALL, ensure_ascii=False)}", ARGUMENT],
    "--trace": [ARGUMENT, "failed", "newest"],
    "--normal": ["newest", ARGUMENT],
    "--slow": ["50", ARGUMENT],
    "--latency-threshold": ["1", ARGUMENT],
    "--time-range": ["1h", ARGUMENT],
    "--since": ["10:05", ARGUMENT],
    "--until": ["10:05", ARGUMENT],
    "--limit": ["3", ARGUMENT],
    "--focus": [ALL, ARGUMENT],
    "--hops": ["1", ARGUMENT],
    "--threshold": ["5", ARGUMENT],
    "--at": ["10:05", ARGUMENT],
    "--by": ["region", ARGUMENT, f"{ARGUMENT}={ARGUMENT},x"],
    "--max-rows": ["2", ARGUMENT],
    "--baseline": ["SOURCE", ARGUMENT],
    "--width": ["40", "300", ARGUMENT],
    "--logs": ["LOGS", ARGUMENT],
    "--namespace": [ARGUMENT],
    "--unit": ["s", ARGUMENT],
    "--theme": [ARGUMENT],
    "--format": ["jaeger", "zipkin", ARGUMENT],
    "--output": ["FILE", f"{ARGUMENT}/{ARGUMENT}"],
    "--save": ["FILE", f"{ARGUMENT}/{ARGUMENT}"],
    "--tenant": [ARGUMENT],
    "--ca": [ARGUMENT],
    "--cert": [ARGUMENT],
    "--key": [ARGUMENT],
}
"""Values for options: valid and invalid ones."""
_ON_SCREEN = {"open", "demo"}
"""Commands that open the screen where standard output is a terminal."""
_OUTSIDE_TEXT = {"Servers", "Display", "Input"}


@cache
def options() -> dict[str, list[dict[str, Any]]]:
    """Options of each command, without help."""
    return {
        command["name"]: [option for option in command["options"] if option["name"] != "--help"]
        for command in spec()["commands"]
    }


def command_lines() -> Iterator[Any]:
    """Yield every command alone and with each option, and every graph question in every format.

    If several commands have an option, only the first is tested with all its values; the others without, if no text
    depends on it.
    """
    seen: set[str] = set()
    for name, known in options().items():
        for given in SOURCES.get(name, ()):
            yield pytest.param([name, *given], id=name)
            yield pytest.param(
                [name, *(ARGUMENT if word == "SOURCE" else word for word in given)], id=f"{name} nothing"
            )
            for option in known:
                values = list(_given(option))
                if option["name"] in seen:
                    values = values[:1] if option["group"] not in _OUTSIDE_TEXT else []
                seen.add(option["name"])
                for at, words in enumerate(values):
                    yield pytest.param([name, *given, *words], id=f"{name} {words[0]} {at}")
    for question, definition in QUESTIONS.items():
        names = [ALL, f"{ALL} 2"][: max(definition.least, min(definition.most or 0, 1))]
        for form in ([], ["--json"], *(["--format", form] for form in FORMATS)):
            yield pytest.param(["graph", "SOURCE", question, *names, *form], id=f"graph {question} {' '.join(form)}")
        yield pytest.param(["graph", "SOURCE", question, *[ARGUMENT] * len(names)], id=f"graph {question} nothing")
    yield pytest.param(["graph", "SOURCE", ARGUMENT], id="graph nothing")
    yield pytest.param([ARGUMENT], id="no command")


def _given(option: dict[str, Any]) -> Iterator[list[str]]:
    name = option["name"]
    if option["value"] is None:
        yield [name]
    else:
        yield from ([name, value] for value in option["choices"] or VALUES.get(name, ()))


def test_every_command_and_option_has_values_here() -> None:
    assert {command.name for command in COMMANDS} == set(options()) == set(SOURCES)
    for name, known in options().items():
        for option in known:
            assert list(_given(option)), f"{name} {option['name']}: add values to VALUES"


@pytest.fixture(scope="module")
def hostile_server() -> Iterator[str]:
    """Serve a Jaeger with hostile names and error messages."""

    def respond(request: Request) -> Response:
        names = {"/api/services": [ALL, *KINDS.values()], "/api/dependencies": [_edge(text) for text in KINDS.values()]}
        if request.path in names:
            return Response((json.dumps({"data": names[request.path], "errors": None}).encode(),))
        words = json.dumps({"errors": [{"code": 500, "msg": ALL}]}).encode()
        return Response((words,), 500)

    with Loopback(respond) as server:
        yield server.url


def _edge(text: str) -> dict[str, Any]:
    return {"parent": text, "child": f"{text} 2", "callCount": 3}


@pytest.mark.parametrize("words", list(command_lines()))
def test_command_output_is_harmless(
    program: Program,
    folder: Path,
    hostile_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    file = tmp_path / "written"
    paths = {"SOURCE": folder, "SERVER": hostile_server, "LOGS": folder.parent / "logs", "FILE": file}
    if words[0] not in _ON_SCREEN and words != [ARGUMENT]:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    result = program(*(str(paths.get(word, word)) for word in words))
    assert result.code in _EXIT_CODES
    assert result.out or result.err or file.exists()
    assert_harmless(result.out, "standard output")
    assert_harmless(result.err, "standard error")
    if "--json" in words and result.out:
        orjson.loads(result.out)
    if file.exists():
        written = file.read_bytes()
        if "--save" in words or words[0] == "export":
            assert all(map(orjson.loads, written.splitlines()))
            assert program("analyze", str(file)).code == 0
        else:
            assert_harmless(written.decode(), "--output")
    if words[0] == "alerts" and result.code == 0 and result.out:
        assert yaml.safe_load(result.out)["groups"]


_INCIDENT = ["BEFORE", "AFTER"]
ANALYSES = {
    "report": ["analyze", "SAMPLES"],
    "filtered report": ["analyze", "SAMPLES", "--query", f'NOT "{POISON}x"', "--verbose"],
    "trace": ["show", "SAMPLES", "--trace", "failed"],
    "slow trace": ["show", "SAMPLES", "--trace", "slowest", "--all"],
    "graph": ["graph", "SAMPLES", "services"],
    "most critical services": ["graph", "SAMPLES", "critical"],
    "filtered graph": ["graph", "SAMPLES", "services", "--query", f'NOT "{POISON}x"'],
    "map": ["graph", "SAMPLES", "map"],
    "comparison": ["compare", *_INCIDENT],
    "filtered comparison": ["compare", *_INCIDENT, "--query", f'NOT "{POISON}x"'],
    "comparison of versions": ["compare", "SAMPLES", "--by", "service.version"],
    "trace with a normal one": ["compare", "SAMPLES", "--trace", "slowest"],
    "contrast": ["contrast", "SAMPLES", "--select", "error"],
    "filtered contrast": ["contrast", "SAMPLES", "--slow", "10", "--query", f'NOT "{POISON}x"'],
    "causes": ["why", "AFTER"],
    "causes with a baseline": ["why", "AFTER", "--baseline", "BEFORE", "--query", f'NOT "{POISON}x"'],
    "causes in a network": ["why", "NETWORK"],
}


@pytest.mark.parametrize("words", ANALYSES.values(), ids=ANALYSES)
def test_analysis_of_hostile_samples_is_harmless(
    program: Program, samples: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    incident = samples / "incident"
    paths = {"SAMPLES": samples, "NETWORK": samples / "network", "AFTER": incident / "after.json"}
    paths["BEFORE"] = incident / "before.json"
    result = program(*(str(paths.get(word, word)) for word in words))
    assert result.code == 0, result.err
    assert result.out
    assert_harmless(result.out + result.err, words[0])


@pytest.mark.parametrize("action", ["show", "validate"])
@pytest.mark.parametrize("key", ["theme", "keymap.x", "profiles.p.tenant", "profiles.p.headers.x", "profiles.p.kind"])
def test_config_file_with_hostile_texts_is_harmless(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, key: str
) -> None:
    home = tmp_path / FILE_NAME.replace("/", "")
    (home / "tracetui").mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    text = json.dumps(ARGUMENT.encode("utf-8", "replace").decode())
    for name in (key, f"{key}.{text}"):
        (home / "tracetui" / "config.toml").write_text(f"{name} = {text}", "utf-8")
        result = program("config", action)
        assert result.code in (0, 2)
        assert_harmless(result.out + result.err, "config")


def test_progress_with_hostile_file_names_is_harmless(
    program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(progress, "_SHOWN_AFTER", -1)
    monkeypatch.setattr(progress, "_INTERVAL", 0)
    shown = program("analyze", str(folder)).err.replace("\r\x1b[K", "\n")
    assert "loading " in shown
    assert "reading " in shown
    assert_harmless(shown, "progress")


# --- functions behind the commands -----------------------------------------------------------------------------------


def harmful(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not is_harmless(line)]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_graph_question_about_a_hostile_name(analysis: Analysis, question: str, kind: str) -> None:
    definition = QUESTIONS[question]
    service = next(name for name in analysis.traces.services if is_same(KINDS[kind], name))
    if question == "find" and not service.strip():
        service = "x"
    response = definition.answer(analysis, [Target(service)] * definition.least)
    for width in (40, 100):
        assert not harmful(line.text for line in response.text(GraphPage(analysis, ReportOptions(width=width))))
    orjson.loads(answer_json(response.json()))
    for form in FORMATS.values():
        made = form(response.diagram())
        # Mermaid shows code points as characters
        assert not harmful(
            [*made.splitlines(), re.sub(r"#(\d+);", lambda code: chr(int(code[1])), made).replace("\n", "")]
        )


def test_unescaped_diagram_format_is_detected(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "raw", lambda diagram: "\n".join(node.name for node in diagram.nodes))
    with pytest.raises(AssertionError):
        test_graph_question_about_a_hostile_name(analysis, "services", "CSI")


@pytest.mark.parametrize("name", export.__all__)
def test_encoder_output_can_be_loaded(analysis: Analysis, name: str, tmp_path: Path) -> None:
    traces = analysis.traces
    spans = [traces.span(span) for span in range(len(traces))]
    path = tmp_path / "encoded"
    path.write_bytes(getattr(export, name)(spans))
    assert load([str(path)]).trace_count == traces.trace_count


@pytest.mark.parametrize("kind", KINDS)
def test_copy_items_are_harmless(analysis: Analysis, kind: str) -> None:
    traces = analysis.traces
    trace = next(
        trace
        for trace in range(traces.trace_count)
        if any(is_same(KINDS[kind], traces.span(span).service) for span in traces.spans_of(trace))
    )
    source = CopySource(traces, Session(traces).trace_json, Look(), "https://jaeger.example/trace/{id}", (ALL,))
    items = [
        *trace_items(source, trace),
        *copy_items(source, int(traces.first[trace]), (ALL, ALL)),
    ]
    for item in items:
        if item.key in "wml":
            # drawings are cleaned before the clipboard cleans everything
            assert_harmless(item.make(), item.title)
        copied = clipboard_text(item.make(), one_line=item.one_line)
        copied.encode()
        assert not [c for c in copied if (ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0], item.title
        assert not set(copied) & set(KINDS["bidi"].replace("gpj.exe", "")), item.title
        assert not item.one_line or len(copied.splitlines()) <= 1, item.title


def test_alert_rules_with_hostile_names_are_valid(analysis: Analysis) -> None:
    from tracetui.analysis.alerts import baselines

    found = {service: baselines(analysis.traces, service)[0] for service in analysis.traces.services}
    assert any(found.values())
    for service, base in found.items():
        text = alert_rules(service, base)
        assert not harmful(text.splitlines())
        assert not base or yaml.safe_load(text)["groups"]


@pytest.mark.parametrize("kind", KINDS)
def test_alert_of_new_findings_is_harmless(kind: str) -> None:
    text = KINDS[kind]
    found = NewFindings(patterns=((text, text),), edges=((text, text),))
    assert not harmful(new_finding_lines(found, ascii_only=False))


def test_load_warnings_are_harmless() -> None:
    assert_harmless("\n".join(_shown_lines(str(LoadWarning(FILE_NAME, ALL, ALL)))), "a warning")


def _shown_lines(text: str) -> list[str]:
    from tracetui.render.text.safe_text import safe_lines

    return safe_lines(text)


# --- the screen ------------------------------------------------------------------------------------------------------

_NEVER_PRESSED = {"app.quit", "app.quit-at-once", "app.reload", "app.redraw", "app.follow", "app.more", "app.theme"}


def keys_of(view: str) -> list[str]:
    """Return a key for each action of a view, its lists and the app."""
    return [
        key.binding.key.split(",")[0]
        for table in (VIEW_KEYS[view], FINDINGS, LISTS, APP)
        for key in table.keys
        if key.id not in _NEVER_PRESSED and not key.id.startswith("view.") and key.binding.key != f"none:{key.id}"
    ]


def assert_screen_is_harmless(app: Any, after: str) -> None:
    for line in painted(app):
        assert not harmful([line]), f"after {after}: {line!r}"
    for title in (app.title, app.sub_title):
        assert is_harmless(title)


@pytest.mark.parametrize("view", [view for view, _ in VIEWS])
@pytest.mark.parametrize("traces", ["folder", "samples"])
async def test_view_is_harmless_after_every_key(request: pytest.FixtureRequest, traces: str, view: str) -> None:
    source = str(request.getfixturevalue(traces))
    async with opened(source, size=(120, 40)) as (app, pilot):
        number = str([one for one, _ in VIEWS].index(view) + 1)
        await pilot.press("enter", number)
        keys = keys_of(view)
        assert len(keys) > 5
        for key in keys:
            await pilot.press(key)
            assert_screen_is_harmless(app, f"{view} {key}")
            # what has opened takes a text, or has rows to choose from
            for then in ("", ARGUMENT):
                if len(app.screen_stack) == 1 and not isinstance(app.focused, LineInput | Input):
                    break
                if then:
                    await pilot.paste(then)
                    assert_screen_is_harmless(app, f"{view} {key} and a paste")
                for choice in ("down", "enter"):
                    await pilot.press(choice)
                    assert_screen_is_harmless(app, f"{view} {key} {then and 'a paste '}{choice}")
            # close what has opened, list all traces, and return to the view
            while len(app.screen_stack) > 1:
                await pilot.press("escape")
            if app.main.controller.query:
                app.main.post_message(FilterTraces("", search_servers=False))
                await pilot.settle()
            if app.view != view or app.focused is None or isinstance(app.focused, LineInput | Input):
                await pilot.press("escape", number)
            assert app.is_running


@pytest.mark.parametrize("view", [view for view, _ in VIEWS])
async def test_text_copied_in_views_is_harmless(folder: Path, view: str) -> None:
    async with opened(str(folder), size=(120, 40)) as (app, pilot):
        await pilot.press("enter", str([one for one, _ in VIEWS].index(view) + 1), "y")
        keys = [item.key for item in app.screen._items] if isinstance(app.screen, CopyMenu) else [""]
        for key in keys:
            if key:
                if not isinstance(app.screen, CopyMenu):
                    await pilot.press("y")
                await pilot.press(key)
            assert app.clipboard
            app.clipboard.encode()
            assert not [c for c in app.clipboard if (ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0], key


@pytest.mark.parametrize("traces", ["folder", "samples"])
async def test_stand_ins_are_ascii_on_an_ascii_screen(request: pytest.FixtureRequest, traces: str) -> None:
    async with opened(str(request.getfixturevalue(traces)), size=(120, 40), glyphs=ASCII) as (app, pilot):
        await pilot.press("enter")
        for number in range(1, len(VIEWS) + 1):
            for key in (str(number), "slash"):
                await pilot.press(key)
                await pilot.paste(KINDS["CSI"])
                shown = "".join(painted(app))
                assert "^[" in shown
                assert not re.findall("[\u2400-\u2426]", shown)
            await pilot.press("escape", "escape")


async def test_reason_of_a_match_is_harmless(samples: Path) -> None:
    async with opened(str(samples)) as (app, pilot):
        await pilot.press("slash", *"timeout", "enter")
        for key in ("home", "end"):
            await pilot.press(key)
            assert "match: " in pilot.lines[-1]
            assert_screen_is_harmless(app, "a search for a word")


async def test_choice_of_services_is_harmless(folder: Path) -> None:
    async with opened(str(folder)) as (app, pilot):
        app.push_screen(service_choice(State(sources=(str(folder),), server_services=[ALL, *KINDS.values()])))
        await pilot.settle()
        for key in ("down", "space", *"red", "down", "space"):
            await pilot.press(key)
            assert_screen_is_harmless(app, f"the choice of services and {key}")


async def test_notices_and_pager_are_harmless(folder: Path) -> None:
    async with opened(str(folder)) as (app, pilot):
        for text in (ALL, KINDS["long"], KINDS["newlines"]):
            app.post_message(Notice(text, is_error=True))
            app.post_message(CopyText(text, text, one_line=True))
            await pilot.settle()
            assert "\n" not in app.clipboard
            app.copy_to_clipboard(text)
            assert not [c for c in app.clipboard if (ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0]
            assert_screen_is_harmless(app, "a notice")
            app.post_message(ReadText(text, text))
            await pilot.settle()
            assert_screen_is_harmless(app, "the pager")
            await pilot.press("escape")


async def test_hostile_names_of_unreadable_files_are_harmless(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"{")
    async with opened(str(path), str(tmp_path / f"{FILE_NAME}2")) as (app, pilot):
        assert_screen_is_harmless(app, "the load")
        await pilot.press("W")
        assert_screen_is_harmless(app, "the warnings")


def test_hostile_set_has_errors_calls_and_names(analysis: Analysis) -> None:
    """The views have rows to show for this set."""
    assert analysis.errors.patterns
    assert analysis.graph.names
    assert np.any(analysis.traces.trace_errors > 0)
