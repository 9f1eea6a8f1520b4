"""A planted token occurs in no output of the program, whatever repeats it."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.support.faults import HTML, faulty
from tests.support.loopback import JSON, Handler, Loopback, Request, Response
from tests.support.program import Program, ProgramResult
from tests.support.recordings import FIRST_NS, LAST_NS
from tests.support.servers import LiveServer
from tests.support.trace_app import opened_live
from tracetui.config import Overrides, Profile
from tracetui.ingest.servers.access import access_to
from tracetui.ingest.servers.address import parse_address
from tracetui.ingest.servers.connection import Connection
from tracetui.ingest.servers.request_errors import HttpError
from tracetui.model.errors import UsageError
from tracetui.tui.settings import load_resume, portable_sources

TOKEN = "pl4nted-5ecret-t0ken"
ENCODED = base64.b64encode(f"user:{TOKEN}".encode()).decode()
SEARCH = f"/search?service=cart&limit=100&start={FIRST_NS // 1000}&end={LAST_NS // 1000}"
PLAIN = {"content-type": "text/plain"}


def contains_token(text: str) -> bool:
    return TOKEN in text or ENCODED in text


def assert_no_token(program: Program, result: ProgramResult, *planted: Path) -> None:
    """Check that no output contains the token."""
    assert not contains_token(result.out)
    assert not contains_token(result.err)
    for file in program.home.rglob("*"):
        if file.is_file() and file not in planted:
            assert not contains_token(file.read_bytes().decode("latin-1")), file


Plant = Callable[[Program, pytest.MonkeyPatch, str], tuple[str, Path | None]]
"""Plants the token. -> the source to open, and the file with the token"""


def in_environment(program: Program, patch: pytest.MonkeyPatch, url: str) -> tuple[str, Path | None]:
    patch.setenv("TRACETUI_TOKEN", TOKEN)
    return url, None


def as_password(program: Program, patch: pytest.MonkeyPatch, url: str) -> tuple[str, Path | None]:
    patch.setenv("TRACETUI_USER", "user")
    patch.setenv("TRACETUI_PASSWORD", TOKEN)
    return url, None


def in_a_variable(program: Program, patch: pytest.MonkeyPatch, url: str) -> tuple[str, Path | None]:
    patch.setenv("MY_TOKEN", TOKEN)
    return program.profile(url, token_env="MY_TOKEN"), None


def in_a_file(program: Program, patch: pytest.MonkeyPatch, url: str) -> tuple[str, Path | None]:
    file = program.home / "token"
    file.write_text(TOKEN)
    return program.profile(url, token_file=str(file)), file


def by_a_command(program: Program, patch: pytest.MonkeyPatch, url: str) -> tuple[str, Path | None]:
    file = program.home / "token"
    file.write_text(TOKEN)
    return program.profile(url, token_command=f"cat {file}"), file


def in_netrc(program: Program, patch: pytest.MonkeyPatch, url: str) -> tuple[str, Path | None]:
    file = program.home / ".netrc"
    file.write_text(f"machine 127.0.0.1 login user password {TOKEN}\n")
    file.chmod(0o600)
    return url, file


def in_a_header(program: Program, patch: pytest.MonkeyPatch, url: str) -> tuple[str, Path | None]:
    patch.setenv("MY_KEY", TOKEN)
    name = program.profile(url)
    file = program.home / "config" / "tracetui" / "config.toml"
    file.write_text(file.read_text() + '\nheaders-env = { "Authorization" = "MY_KEY" }\n')
    return name, None


PLANTS: list[Plant] = [in_environment, as_password, in_a_variable, in_a_file, by_a_command, in_netrc, in_a_header]


def repeated(request: Request) -> str:
    """Return the credentials that the server received, as a server may repeat them in an error."""
    header = request.headers.get("authorization", "")
    secret = header.partition(" ")[2]
    opened = base64.b64decode(secret).decode() if header.startswith("Basic ") else secret
    return f"refused: Authorization: {header} ({opened})"


def error_json(request: Request) -> bytes:
    return json.dumps({"errors": [{"code": 500, "msg": repeated(request)}], "data": None}).encode()


RESPONSES: dict[str, Callable[[Request], Response]] = {
    "text": lambda request: Response((repeated(request).encode(),), 500, PLAIN),
    "text far in": lambda request: Response((b"x" * 180 + b" " + repeated(request).encode(),), 500, PLAIN),
    "text apart": lambda request: Response((repeated(request).replace(" ", "\n ").encode(),), 400, PLAIN),
    "JSON": lambda request: Response((error_json(request),), 500, JSON),
    "JSON of v3": lambda request: Response(
        (json.dumps({"error": {"message": repeated(request)}}).encode(),), 500, JSON
    ),
    "401": lambda request: Response((repeated(request).encode(),), 401, PLAIN),
    "403": lambda request: Response((repeated(request).encode(),), 403, PLAIN),
    "404": lambda request: Response((repeated(request).encode(),), 404, PLAIN),
    "page": lambda request: Response((f"<html>{repeated(request)}".encode(),), 200, HTML),
    "no JSON": lambda request: Response((repeated(request).encode(),), 200, PLAIN),
    "type": lambda request: Response((b"no JSON",), 200, {"content-type": repeated(request)}),
    "answer with errors": lambda request: Response((error_json(request),), 200, JSON),
    "other JSON": lambda request: Response((json.dumps({repeated(request): 1}).encode(),), 200, JSON),
    "redirect": lambda request: Response((), 302, {"location": "http://127.0.0.2/?" + repeated(request).split()[-2]}),
}


def repeating(response: str) -> Callable[[Handler], None]:
    return lambda handler: handler.loopback.send(handler, RESPONSES[response](handler.request_read))


@pytest.mark.parametrize("plant", PLANTS)
def test_token_is_sent_and_not_shown(
    plant: Plant, program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = [(name, logging.getLogger(name).level) for name in ("", "httpx", "httpcore", "httpx_retries")]
    with faulty(repeating("text"), times=0) as server:
        source, planted = plant(program, monkeypatch, server.url + SEARCH)
        files = () if planted is None else (planted,)
        out = program.home / "report.json"
        with caplog.at_level(logging.DEBUG):
            result = program.analyze(source, "--verbose", "--output", str(out))
        assert result.code == 0
        assert contains_token(server.requests[0].headers["authorization"])
        assert_no_token(program, result, *files)
        assert out.stat().st_size > 100
        server.faults_left = None
        with caplog.at_level(logging.DEBUG):
            result = program.analyze(source)
        assert result.code == 4
        assert_no_token(program, result, *files)
        assert "***" in result.err
    assert not contains_token(caplog.text)
    assert [(name, logging.getLogger(name).level) for name, _ in before] == before


async def test_screen_does_not_show_the_token(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the files of the app: a saved file, the saved location, copied text."""
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        source, planted = by_a_command(program, monkeypatch, server.url + "/search?lookback=1h")
        found: list[str] = []
        saved = program.home / "s.jsonl"
        monkeypatch.chdir(program.home)
        async with opened_live(source) as on:
            await on.until("82 traces")
            await on.press("x", *saved.name, "enter")
            await on.until("saved 82 traces")
            for key in ("enter", "y", "escape", "3", "S", "escape", "W", "escape", "question_mark", "escape"):
                await on.press(key)
                if key == "S":
                    await on.until("Server statistics, last")
                found.append(on.text)
            for response in ("text", "JSON of v3", "401", "page", "type", "redirect"):
                server.fault = repeating(response)
                await on.press("1", "r")
                await on.until("r tries again")
                found += [on.text, on.app.title, repr(on.app.state)]
                await on.press("escape")
            on.app.exit()
            await on.pilot.pause()
        assert contains_token(server.requests[-1].headers["authorization"])
    assert not any(map(contains_token, found))
    assert saved.stat().st_size > 100_000
    assert any(file.is_file() for file in (program.home / "state").rglob("*"))
    assert_no_token(program, ProgramResult(0, "", ""), *([] if planted is None else [planted]))


@pytest.mark.parametrize("where", ["", "/api/traces$"], ids=["from the start", "at the search"])
@pytest.mark.parametrize("response", RESPONSES)
def test_token_repeated_by_a_server_is_not_shown(
    response: str, where: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    for plant in (in_environment, as_password):
        with monkeypatch.context() as patch, faulty(repeating(response), on=where) as server:
            source, _ = plant(program, patch, server.url + SEARCH)
            result = program.analyze(source)
            assert result.code == 4
            assert contains_token(server.requests[0].headers["authorization"])
            assert_no_token(program, result)


def test_token_repeated_by_tempo_is_not_shown(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACETUI_TOKEN", TOKEN)
    with LiveServer("tempo") as server:
        whole = server.respond

        def partly(handler: Handler) -> None:
            body = json.loads(whole(handler.request_read).body) | {"status": "PARTIAL"}
            server.send(handler, Response((json.dumps(body | {"message": repeated(handler.request_read)}).encode(),)))

        server.fault, server.faults_left, server.fault_on = partly, 1, "/traces/"
        result = program.analyze(f"{server.url}/api/search?start={FIRST_NS // 10**9}&end={LAST_NS // 10**9 + 1}")
    assert "is incomplete: refused: Authorization: ***" in result.err
    assert_no_token(program, result)


async def test_secret_in_an_address_is_not_shown(program: Program) -> None:
    """It occurs nowhere but in the user's input, and the rest can be resumed without it."""
    secret = f"&access_token={TOKEN}#id_token={TOKEN}"
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        page = f"{server.url}/search?service=cart&lookback=2h{secret}"
        async with opened_live(page) as on:
            await on.until("traces from")
            found = [on.text, on.app.title]
            server.fault = repeating("text")
            await on.press("r")
            await on.until("r tries again")
            found += [on.text]
            on.app.exit()
            await on.pilot.pause()
        server.fault = None
        kept = load_resume().sources
        assert kept == [f"{server.url}/search?service=cart&lookback=2h&access_token=***#id_token=***"]
        assert parse_address(kept[0]) == parse_address(page)
        assert portable_sources([page]) == kept
        for args in (
            ("analyze", page, "--json", "--verbose"),
            ("compare", page, page),
            ("compare", page, f"{server.url}/search?service=none{secret}"),
            ("server", page),
            ("analyze", page.removeprefix("http://")),
            ("analyze", page.replace("127.0.0.1", "127.0.0.1:x")),
            ("analyze", page.replace("http", "ftp")),
            ("server", page.replace("http", "ftp")),
            ("analyze", page.replace("//", f"//user:{TOKEN}@")),
            ("analyze", page.replace("//", f"//user:{TOKEN}/?@")),
        ):
            result = program(*args)
            assert result.out + result.err
            assert_no_token(program, result)
    assert not any(map(contains_token, found))


def test_secret_in_the_address_of_a_file_is_not_shown(program: Program) -> None:
    with Loopback(lambda request: Response((f"no such signature: {request.query}".encode(),), 403, PLAIN)) as server:
        result = program.analyze(f"{server.url}/traces.json?signature={TOKEN}")
        assert "no such signature: {'signature': ['***']}" in result.err
        assert_no_token(program, result)
        assert contains_token(server.requests[0].target)


def test_proxy_password_is_not_shown(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(request: Request) -> Response:
        result = base64.b64decode(request.headers["proxy-authorization"].split()[1]).decode()
        return Response((f"who is {result}?".encode(),), 500, PLAIN)

    with Loopback(no) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", f"//user:{TOKEN}@"))
        result = program.analyze("http://traces.invalid")
    assert result.code == 4
    assert "who is user:***?" in result.err
    assert_no_token(program, result)


def test_failed_command_is_not_quoted(program: Program) -> None:
    file = program.home / "token"
    file.write_text(TOKEN)
    for command in (f"sh -c 'cat {file} >&2; exit 3'", f"sh -c 'cat {file}; exit 3'"):
        result = program.analyze(program.profile("http://127.0.0.1:1", token_command=command))
        assert result.code == 2
        assert "exit status 3" in result.err
        assert_no_token(program, result, file)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc to look at processes in")
def test_process_arguments_do_not_contain_the_token(tmp_path: Path) -> None:
    requested = threading.Event()

    def waits(handler: Handler) -> None:
        requested.set()
        handler.loopback.ended.wait()
        handler.close_connection = True

    config = tmp_path / "tracetui" / "config.toml"
    config.parent.mkdir()
    token = tmp_path / "token"
    token.write_text(TOKEN)
    environ = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    environ |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "TRACETUI_DEBUG": "1"}
    with faulty(waits, on="/api/traces$") as server:
        config.write_text(f'[profiles.prod]\nurl = "{server.url}{SEARCH}"\ntoken-file = "{token}"\n')
        command = [sys.executable, "-m", "tracetui", "analyze", "prod"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ) as process:
            assert requested.wait(300)
            shown = [arguments_of(number) for number in (process.pid, *children_of(process.pid))]
            server.down()
            printed = process.communicate()[0].decode()
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "analyze" in shown[0]
    assert not any(map(contains_token, shown))
    assert process.returncode == 4
    assert not contains_token(printed)


def arguments_of(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text()


def children_of(process: int) -> list[int]:
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(number) for one in lists for number in one.read_text().split()]


def test_objects_with_the_token_do_not_print_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACETUI_TOKEN", TOKEN)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:{TOKEN}@127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    address = parse_address("http://127.0.0.1:1")
    access = access_to(address, Profile(), Overrides())
    made = Connection(address, access)
    with pytest.raises(HttpError) as error:
        made.get("/")
    made.close()
    for thing in (access, made, error.value, error.value.__context__, error.value.args):
        assert not contains_token(repr(thing))
        assert not contains_token(str(thing))
    assert contains_token(access.headers["Authorization"])


@pytest.mark.parametrize("option", ["token_file", "ca"])
def test_secret_file_in_an_unknown_home_directory_is_an_error(option: str) -> None:
    profile = msgspec.structs.replace(Profile(), **{option: "~nobody-has-this-name/x"})
    with pytest.raises(UsageError, match="~nobody-has-this-name/x"):
        access_to(parse_address("http://localhost:1"), profile, Overrides())
