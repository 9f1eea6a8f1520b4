"""Config file, saved location and query history."""

from __future__ import annotations

import fcntl
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.hostile import DAMAGED_STATE
from tests.support.paths import INCIDENT
from tests.support.trace_app import CountingApp, loaded
from tracetui.model.errors import UsageError
from tracetui.tui import settings
from tracetui.tui.help import HelpScreen
from tracetui.tui.run import run_app
from tracetui.tui.settings import (
    Resume,
    Settings,
    load_filters,
    load_queries,
    load_resume,
    load_settings,
    save_filters,
    save_queries,
    save_resume,
)
from tracetui.tui.state import State
from tracetui.tui.widgets.query_bar import QueryBar


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def test_missing_config_file_gives_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "config.toml") == Settings()


def test_config_with_all_settings(tmp_path: Path) -> None:
    text = 'theme = "ansi-dark"\nascii = true\nmouse = false\nlocal_time = true\n[keymap]\n"app.quit" = "f10"\n'
    expected = Settings("ansi-dark", True, False, True, {"app.quit": "f10"})
    assert load_settings(written(tmp_path, text)) == expected


def test_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, '\ufefftheme = "ansi-dark"\r\n')).theme == "ansi-dark"


@pytest.mark.parametrize(
    "text",
    [
        "theme =",
        'theme = "pink"',
        "colour = 1",
        "mouse = 3",
        "[keymap]\nx = 1",
        "\x00",
        "mouse = " + "9" * 5_000,
        "x = " + "[" * 5_000,
        "#" * (5 << 20),
    ],
    ids=lambda text: text[:12],
)
def test_config_errors_name_the_file(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=str(path)):
        load_settings(path)


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/full", "folder", "pipe"])
def test_config_must_be_a_regular_file(tmp_path: Path, target: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "config.toml"
    path.symlink_to(target)
    with pytest.raises(UsageError, match=str(path)):
        load_settings(path)


def test_config_below_a_file_gives_defaults(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    assert load_settings(file / "tracetui" / "config.toml") == Settings()


def test_keymap_errors_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=rf"{tmp_path}/tracetui/config.toml: keymap: app.quit: unknown key"):
        run_app([INCIDENT], Settings(keymap={"app.quit": "crtl+x"}))


async def test_keys_can_be_rebound() -> None:
    app = CountingApp(State(sources=(INCIDENT,)))
    app.set_keymap({"app.keys": "f1", "list.down": "x"})
    async with loaded(app) as pilot:
        before = app.state.trace
        await pilot.press("x")
        assert app.state.trace != before
        await pilot.send("f1")
        assert isinstance(app.screen, HelpScreen)


@pytest.fixture
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setattr(settings, "_resume_path", lambda: folder / "resume.json")
    return folder


async def test_query_history_is_kept_between_runs(state_folder: Path) -> None:
    for keys in (["slash", *"error", "enter"], ["slash", *"depth", "space", "equals_sign", "space", "2", "enter"]):
        app = CountingApp(State(sources=(INCIDENT,), previous_queries=load_queries()))
        async with loaded(app) as pilot:
            await pilot.press(*keys)
            # queries that were not submitted or not valid are not saved
            await pilot.press("slash", *"nonsense", "escape", "slash", *"((", "enter")
            await pilot.send("escape", "q")
    assert load_queries() == ["error", "depth = 2"]
    assert (state_folder / "queries.json").stat().st_mode & 0o777 == 0o600
    assert (state_folder / "resume.json").stat().st_mode & 0o777 == 0o600
    app = CountingApp(State(sources=(INCIDENT,), previous_queries=load_queries()))
    async with loaded(app) as pilot:
        await pilot.send("slash", "up", "up")
        assert app.query_one(QueryBar).input.text == "error"


@pytest.mark.parametrize(
    "query",
    [
        'http.request.header.authorization = "abc"',
        "attr.session_id = 17",
        '`x.api-key` = "abc"',
        "`password` = hunter2",
        "`Session id`",
        ".`KEY` = hunter2",
        'attr."password" = hunter2',
        'attr."key" = hunter2',
        "attr.'Auth' = hunter2",
        "attr.`key` = hunter2",
        "resource.key = hunter2",
        "span.`Sig` = hunter2",
        "{ error AND event.`PASSWORD` =~ hunter2 }",
        'url.full =~ "token=abc"',
        'url.full = "https://me:abc@host/"',
        'db.query.text =~ "Bearer abc"',
        'attr.note = "eyJhbGciOiJIUzI1NiJ9.x"',
        'attr.note = "q7Gd92kLmZ01xYtR5vBn8sWc"',
    ],
)
def test_queries_with_secrets_are_not_saved(state_folder: Path, query: str) -> None:
    save_queries([query, "error"])
    save_resume(Resume([], query=query))
    assert load_queries() == ["error"]
    assert load_resume().query == ""


def test_query_history_is_unique_and_limited(state_folder: Path) -> None:
    ordinary = [
        "duration > 500ms AND service = legacy-auth",
        'trace.id = "0deb0068db520cf77815b52f43c2d604"',
        "{ operation = getUserByIdFromDatabase } AND .region = eu",
        "`region` = 'auth'",
        "auth",
        "trace.start >= 2026-03-10T10:03Z",
    ]
    save_queries(ordinary)
    save_queries([ordinary[0], "x" * 1_001])
    assert load_queries() == [*ordinary[1:], ordinary[0]]
    save_queries([f"depth = {number}" for number in range(300)])
    assert load_queries() == [f"depth = {number}" for number in range(200, 300)]


@pytest.mark.parametrize("content", DAMAGED_STATE, ids=lambda content: repr(content[:12]))
def test_damaged_state_is_reported_and_renamed(state_folder: Path, content: bytes) -> None:
    state_folder.mkdir()
    for name in ("queries.json", "resume.json"):
        (state_folder / name).write_bytes(content)
    warnings: list[str] = []
    assert load_queries(warnings) == []
    assert len(warnings) == 1
    assert "queries.json was damaged" in warnings[0]
    with pytest.raises(UsageError, match=rf"resume\.json was damaged.* in {state_folder}"):
        load_resume()
    assert sorted(path.name for path in state_folder.iterdir()) == ["queries.json.damaged", "resume.json.damaged"]
    assert load_queries(warnings) == []
    assert len(warnings) == 1
    save_queries(["error"])
    save_resume(Resume(["a.json"], view="errors"))
    assert load_queries() == ["error"]
    assert load_resume().view == "errors"


def test_programs_that_end_at_the_same_time_lose_no_filter(state_folder: Path) -> None:
    at_once = threading.Barrier(8)

    def end(number: int) -> None:
        at_once.wait()
        save_filters({f"filter {number}": "error"})
        save_queries([f"depth = {number}"])

    with ThreadPoolExecutor(8) as programs:
        list(programs.map(end, range(8)))
    assert sorted(load_filters()) == [f"filter {number}" for number in range(8)]
    assert sorted(load_queries()) == [f"depth = {number}" for number in range(8)]
    assert sorted(path.name for path in state_folder.iterdir()) == ["filters.json", "queries.json"]


def test_a_stopped_program_does_not_keep_others_from_ending(
    state_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "LOCK_SECONDS", 0)
    state_folder.mkdir()
    directory = os.open(state_folder, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        save_filters({"slow": "duration > 1s"})
    finally:
        os.close(directory)
    assert load_filters() == {"slow": "duration > 1s"}


def test_state_is_only_written_to_a_regular_file(state_folder: Path) -> None:
    state_folder.mkdir()
    os.mkfifo(state_folder / "queries.json")
    assert load_queries() == []
    save_queries(["error"])
    assert (state_folder / "queries.json").is_fifo()


@pytest.mark.parametrize("text", ["x = " + "[" * 5_000, "x = " + "{a=" * 5_000, "[" + "a." * 20_000 + "a]"])
def test_deeply_nested_config_is_rejected(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=str(path)):
        load_settings(path)


def test_names_that_are_not_utf8_can_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    name = str(tmp_path / os.fsdecode(b"\xff.json"))
    save_resume(Resume([name], query='service = "\udcff"', logs=[name]))
    assert load_resume() == Resume([name], query='service = "\udcff"', logs=[name])
    save_queries(['service = "\udcff"'])
    assert load_queries() == ['service = "\udcff"']
