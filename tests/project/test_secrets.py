"""A planted token occurs in nothing that the program writes, whoever repeats it."""

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
from tests.tui.test_live import over
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


def given_away(text: str) -> bool:
    return TOKEN in text or ENCODED in text


def untold(program: Program, said: ProgramResult, *planted: Path) -> None:
    """The token is in nothing that was written."""
    assert not given_away(said.out)
    assert not given_away(said.err)
    for file in program.home.rglob("*"):
        if file.is_file() and file not in planted:
            assert not given_away(file.read_bytes().decode("latin-1")), file


Plant = Callable[[Program, pytest.MonkeyPatch, str], tuple[str, Path | None]]
"""-> the source to open, and the file that the token is in"""


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
    """What the server was told, as a server may put it into an error."""
    header = request.headers.get("authorization", "")
    secret = header.partition(" ")[2]
    opened = base64.b64decode(secret).decode() if header.startswith("Basic ") else secret
    return f"refused: Authorization: {header} ({opened})"


def error_json(request: Request) -> bytes:
    return json.dumps({"errors": [{"code": 500, "msg": repeated(request)}], "data": None}).encode()


ANSWERS: dict[str, Callable[[Request], Response]] = {
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


def repeating(answer: str) -> Callable[[Handler], None]:
    return lambda handler: handler.loopback.send(handler, ANSWERS[answer](handler.request_read))


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
            said = program.analyze(source, "--verbose", "--output", str(out))
        assert said.code == 0
        assert given_away(server.requests[0].headers["authorization"])
        untold(program, said, *files)
        assert out.stat().st_size > 100
        server.faults_left = None
        with caplog.at_level(logging.DEBUG):
            said = program.analyze(source)
        assert said.code == 4
        untold(program, said, *files)
        assert "***" in said.err
    assert not given_away(caplog.text)
    assert [(name, logging.getLogger(name).level) for name, _ in before] == before


async def test_the_screen_does_not_show_it(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what the app leaves behind: a file that was saved, where the user was, what was copied."""
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        source, planted = by_a_command(program, monkeypatch, server.url + "/search?lookback=1h")
        found: list[str] = []
        saved = program.home / "s.jsonl"
        monkeypatch.chdir(program.home)
        async with over(source) as on:
            await on.until("82 traces")
            await on.press("x", *saved.name, "enter")
            await on.until("saved 82 traces")
            for key in ("enter", "y", "escape", "3", "S", "escape", "W", "escape", "question_mark", "escape"):
                await on.press(key)
                found.append(on.text)
            for answer in ("text", "JSON of v3", "401", "page", "type", "redirect"):
                server.fault = repeating(answer)
                await on.press("1", "r")
                await on.until("r tries again")
                found += [on.text, on.app.title, repr(on.app.state)]
                await on.press("escape")
            on.app.exit()
            await on.pilot.pause()
        assert given_away(server.requests[-1].headers["authorization"])
    assert not any(map(given_away, found))
    assert saved.stat().st_size > 100_000
    assert any(file.is_file() for file in (program.home / "state").rglob("*"))
    untold(program, ProgramResult(0, "", ""), *([] if planted is None else [planted]))


@pytest.mark.parametrize("where", ["", "/api/traces$"], ids=["from the start", "at the search"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_may_repeat_it(answer: str, where: str, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for plant in (in_environment, as_password):
        with monkeypatch.context() as patch, faulty(repeating(answer), on=where) as server:
            source, _ = plant(program, patch, server.url + SEARCH)
            said = program.analyze(source)
            assert said.code == 4
            assert given_away(server.requests[0].headers["authorization"])
            untold(program, said)


def test_a_tempo_may_repeat_it(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACETUI_TOKEN", TOKEN)
    with LiveServer("tempo") as server:
        whole = server.respond

        def partly(handler: Handler) -> None:
            body = json.loads(whole(handler.request_read).body) | {"status": "PARTIAL"}
            server.send(handler, Response((json.dumps(body | {"message": repeated(handler.request_read)}).encode(),)))

        server.fault, server.faults_left, server.fault_on = partly, 1, "/traces/"
        said = program.analyze(f"{server.url}/api/search?start={FIRST_NS // 10**9}&end={LAST_NS // 10**9 + 1}")
    assert "is incomplete: refused: Authorization: ***" in said.err
    untold(program, said)


async def test_a_secret_in_an_address(program: Program) -> None:
    """Is nowhere but in what the user typed, and what can be resumed without it is."""
    secret = f"&access_token={TOKEN}#id_token={TOKEN}"
    with LiveServer("jaeger-v3", ends_ns=time.time_ns()) as server:
        page = f"{server.url}/search?service=cart&lookback=2h{secret}"
        async with over(page) as on:
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
            said = program(*args)
            assert said.out + said.err
            untold(program, said)
    assert not any(map(given_away, found))


def test_a_secret_in_the_address_of_a_file(program: Program) -> None:
    with Loopback(lambda request: Response((f"no such signature: {request.query}".encode(),), 403, PLAIN)) as server:
        said = program.analyze(f"{server.url}/traces.json?signature={TOKEN}")
        assert "no such signature: {'signature': ['***']}" in said.err
        untold(program, said)
        assert given_away(server.requests[0].target)


def test_a_proxy_s_password(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(request: Request) -> Response:
        said = base64.b64decode(request.headers["proxy-authorization"].split()[1]).decode()
        return Response((f"who is {said}?".encode(),), 500, PLAIN)

    with Loopback(no) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", f"//user:{TOKEN}@"))
        said = program.analyze("http://traces.invalid")
    assert said.code == 4
    assert "who is user:***?" in said.err
    untold(program, said)


def test_a_command_that_fails_is_not_quoted(program: Program) -> None:
    file = program.home / "token"
    file.write_text(TOKEN)
    for command in (f"sh -c 'cat {file} >&2; exit 3'", f"sh -c 'cat {file}; exit 3'"):
        said = program.analyze(program.profile("http://127.0.0.1:1", token_command=command))
        assert said.code == 2
        assert "exit status 3" in said.err
        untold(program, said, file)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc to look at processes in")
def test_processes_do_not_show_it(tmp_path: Path) -> None:
    asked = threading.Event()

    def waits(handler: Handler) -> None:
        asked.set()
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
            assert asked.wait(300)
            shown = [arguments_of(number) for number in (process.pid, *children_of(process.pid))]
            server.down()
            printed = process.communicate()[0].decode()
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "analyze" in shown[0]
    assert not any(map(given_away, shown))
    assert process.returncode == 4
    assert not given_away(printed)


def arguments_of(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text()


def children_of(process: int) -> list[int]:
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(number) for one in lists for number in one.read_text().split()]


def test_what_holds_it_does_not_print_it(monkeypatch: pytest.MonkeyPatch) -> None:
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
        assert not given_away(repr(thing))
        assert not given_away(str(thing))
    assert given_away(access.headers["Authorization"])


@pytest.mark.parametrize("option", ["token_file", "ca"])
def test_secret_file_in_an_unknown_home_directory_is_an_error(option: str) -> None:
    profile = msgspec.structs.replace(Profile(), **{option: "~nobody-has-this-name/x"})
    with pytest.raises(UsageError, match="~nobody-has-this-name/x"):
        access_to(parse_address("http://localhost:1"), profile, Overrides())
