"""Sources: files, directories, globs, standard input; and the warnings of a load."""

from __future__ import annotations

import errno
import gc
import io
import json
import mmap
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support.paths import SAMPLES
from tracetui.ingest import source_bytes
from tracetui.ingest.loader import LoadProgress, load
from tracetui.ingest.source_bytes import read_file
from tracetui.model.errors import WARNINGS_PER_FILE, InputError, LoadWarning
from tracetui.model.span import Flag

CHECKOUT = SAMPLES / "first-look/checkout.json"
SEARCH = SAMPLES / "first-look/search.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_bytes(CHECKOUT.read_bytes())
    (tmp_path / "in").mkdir()
    (tmp_path / "in/b").write_bytes(SEARCH.read_bytes())
    return tmp_path


def test_file() -> None:
    found = load([str(CHECKOUT)])
    assert (found.trace_count, len(found), found.load_warnings) == (1, 18, [])


def test_file_truncated_during_read_does_not_crash(tmp_path: Path) -> None:
    """Truncating a mapped file kills the process, so a separate one reads it."""
    path = tmp_path / "log.jsonl"
    line = json.dumps({"traceId": "ID", "id": "1", "name": "x" * 200, "timestamp": 1_774_000_000_000_000})
    path.write_text("".join(line.replace("ID", f"{number:032x}") + "\n" for number in range(1, 20_001)))
    program = (
        "import os, sys\n"
        "from tracetui.ingest.loader import load\n"
        "from tracetui.ingest import source_bytes\n"
        "path = sys.argv[1]\n"
        "def cut(progress):\n"
        "    if progress.spans: os.truncate(path, 100)\n"
        "print(len(load([path], cut)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "20000\n"), done.stderr
    assert path.stat().st_size == 100


def test_only_a_file_beyond_the_memory_limit_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "traces.json"
    path.write_bytes(CHECKOUT.read_bytes())
    os.utime(path, (0, 0))
    assert isinstance(read_file(path, lambda: True, print), bytes)
    monkeypatch.setattr(source_bytes, "input_limit", lambda: 100)
    assert isinstance(read_file(path, lambda: True, print), mmap.mmap)


def test_directory_is_read_recursively_without_hidden_files(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git/c.json").write_bytes(b"nothing")
    (folder / ".hidden").write_bytes(b"nothing")
    found = load([str(folder)])
    assert (found.trace_count, found.load_warnings) == (3, [])


def test_unreadable_file_costs_no_other_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "listed").mkdir()
    (folder / "listed/not to be entered.json").write_bytes(b"")
    (folder / "closed").mkdir()
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder / "closed"))
    stat, scandir, open_path = Path.stat, os.scandir, Path.open

    def deny(path: Path, *args: Any, **options: Any) -> Any:
        if "not to be entered" in path.name or path.name == "closed":
            raise denied
        return stat(path, *args, **options)

    def deny_open(path: Path, *args: Any, **options: Any) -> Any:
        deny(path)
        return open_path(path, *args, **options)

    def deny_list(path: Any) -> Any:
        if Path(path).name == "closed":
            raise denied
        return scandir(path)

    monkeypatch.setattr(Path, "stat", deny)
    monkeypatch.setattr(Path, "open", deny_open)
    monkeypatch.setattr(os, "scandir", deny_list)
    found = load([str(folder)])
    assert found.trace_count == 3
    assert [(Path(one.file).name, one.message) for one in found.load_warnings] == [
        ("closed", "skipped: Permission denied"),
        ("not to be entered.json", "skipped: Permission denied"),
    ]


def test_other_files_in_a_directory_give_one_warning_each(folder: Path) -> None:
    (folder / "README").write_text("hello")
    (folder / "empty").write_bytes(b"")
    (folder / "lines").write_text('{"a": 1}\n' * 500)
    (folder / "broken-link").symlink_to(folder / "nowhere")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "fifo")
    found = load([str(folder)])
    assert found.trace_count == 3
    assert [Path(warning.file).name for warning in found.load_warnings] == ["README", "empty", "lines"]


def test_glob(folder: Path) -> None:
    assert load([str(folder / "*.json")]).trace_count == 1
    assert load([str(folder / "**/*")]).trace_count == 3


def test_broken_link_in_a_glob_gives_a_warning(folder: Path) -> None:
    (folder / "z.json").symlink_to(folder / "nowhere")
    found = load([str(folder / "*.json")])
    assert found.load_warnings == [LoadWarning(str(folder / "z.json"), "", "skipped: No such file or directory")]


def test_existing_file_name_with_glob_characters_is_a_name(folder: Path) -> None:
    (folder / "[x].json").write_bytes(SEARCH.read_bytes())
    assert load([str(folder / "[x].json")]).trace_count == 2


def test_same_file_by_several_names_is_read_once(folder: Path) -> None:
    (folder / "same.json").symlink_to(folder / "a.json")
    (folder / "hard.json").hardlink_to(folder / "a.json")
    sources = ["a.json", "./in/../a.json", "*.json", "", "same.json", "hard.json"]
    found = load([str(folder / source) for source in sources])
    assert (len(found), found.duplicates) == (18 + 16, {})


def test_spans_of_one_trace_are_joined_across_files_and_formats(tmp_path: Path) -> None:
    (trace,) = json.loads(CHECKOUT.read_bytes())["data"]
    first, rest = trace["spans"][0], trace["spans"][1:]
    (tmp_path / "a").write_text(json.dumps({**trace, "spans": rest}))
    zipkin = {
        "traceId": first["traceID"],
        "id": first["spanID"],
        "name": first["operationName"],
        "timestamp": first["startTime"],
        "duration": first["duration"],
        "localEndpoint": {"serviceName": "web-frontend"},
    }
    (tmp_path / "b").write_text(json.dumps([zipkin]))
    assert int((load([str(tmp_path / "a")]).flags & Flag.ORPHAN > 0).sum()) > 0
    found = load([str(tmp_path)])
    assert (found.trace_count, len(found)) == (1, 18)
    assert not (found.flags & Flag.ORPHAN).any()


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CHECKOUT.read_bytes())))
    found = load(["-", str(SEARCH), "-"])
    assert (found.trace_count, found.load_warnings) == (3, [])


def test_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(CHECKOUT.read_bytes(),))
    writer.start()
    assert len(load([str(pipe)])) == 18
    writer.join()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "empty source name; give a file"),
        ("/nowhere/x", "/nowhere/x: no such file"),
        ("/dev/null/x", "/dev/null/x: no such file"),
        ("/nowhere/*.json", "/nowhere/*.json: no file matches this glob"),
        ("[", "[: no file matches this glob"),
        ("a" * 5000, "a" * 5000 + ": File name too long"),
        ("~nobody-of-this-name/x", "~nobody-of-this-name/x: "),
        ("a\0b", "a\0b: "),
        ("/dev/null", "no spans found: /dev/null: the file is empty"),
    ],
)
def test_unreadable_sources(source: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load([str(CHECKOUT), source] if not message.startswith("no spans") else [source])
    assert str(caught.value).startswith(message)


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match=r"^-: standard input is closed$"):
        load(["-"])


def test_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no files in this directory"):
        load([str(tmp_path)])


def test_unreadable_file_is_an_error_only_if_named_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def forbidding(path: Path, *args: Any, **more: Any) -> IO[Any]:
        if path.name == "a.json":
            raise PermissionError(13, "Permission denied")
        file: IO[Any] = real(path, *args, **more)
        return file

    monkeypatch.setattr(Path, "open", forbidding)
    found = load([str(folder)])
    assert (found.trace_count, [warning.message for warning in found.load_warnings]) == (
        2,
        ["skipped: Permission denied"],
    )
    with pytest.raises(InputError, match=r"a\.json: Permission denied"):
        load([str(folder / "a.json")])


def test_many_warnings_about_one_file_are_counted(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    trace = json.dumps(json.loads(CHECKOUT.read_bytes())["data"][0])
    lines.write_text(trace + "\n" + "{oops\n" * 1000)
    warnings = load([str(lines)]).load_warnings
    assert len(warnings) == WARNINGS_PER_FILE + 1
    assert (warnings[0].position, warnings[-1].message) == ("line 2.byte 0", "980 more warnings like these")


def test_several_files_without_spans_are_all_listed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("[]")
    (tmp_path / "b").write_text("hello")
    (tmp_path / "c").write_text("")
    with pytest.raises(InputError) as caught:
        load([str(tmp_path / name) for name in "abc"])
    first, second, third = str(caught.value).splitlines()
    assert first == "no spans found in 3 files"
    assert third.endswith("c: the file is empty")
    assert "b: unknown format: not JSON, OTLP protobuf, collector records" in second
    assert second.endswith('starts with "hello"')


def test_progress_rises_to_the_end_and_names_the_files(folder: Path) -> None:
    (folder / "lines").write_text("\n".join([json.dumps({"resourceLogs": []})] * 2000))
    seen: list[LoadProgress] = []
    load([str(folder)], seen.append)
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.2 < shares[-1] <= 1
    assert list(dict.fromkeys(Path(progress.name).name for progress in seen)) == ["a.json", "b", "lines"]
    # the size is known before anything is decoded
    assert (seen[0].share, seen[0].spans) == (0, 0)
    names = ("a.json", "b", "lines")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.name in names)
    assert {progress.total_bytes for progress in seen if not progress.all_read} == {size}
    assert seen[-1].spans == 34


def test_garbage_collection_is_enabled_again_after_a_load() -> None:
    load([str(CHECKOUT)])
    assert gc.isenabled()
    with pytest.raises(InputError):
        load(["/dev/null"])
    assert gc.isenabled()


def test_every_sample_loads_and_every_span_can_be_read() -> None:
    for path in [*sorted(SAMPLES.rglob("*.json*")), SAMPLES / "otlp/traces.pb"]:
        found = load([str(path)])
        for span in map(found.span, range(0, len(found), 7)):
            assert span.duration_ns >= 0
