"""Faults between the program and a server: the messages, and the data that is kept."""

from __future__ import annotations

import base64
import gc
import gzip
import json
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import faults
from tests.support.faults import Certificate, Fault, Proxy, certificate, faulty, refused, tls
from tests.support.loopback import Handler, Loopback, Response
from tests.support.paths import CHECKOUT
from tests.support.program import Program, ProgramResult
from tests.support.recordings import FIRST_NS, LAST_NS, original_traces
from tests.support.servers import LiveServer
from tracetui.analysis.analysis import Analysis
from tracetui.config import NO_OVERRIDES
from tracetui.ingest.formats import otlp_json
from tracetui.ingest.loader import load
from tracetui.ingest.servers import pool, stream_split
from tracetui.model import intake
from tracetui.model.errors import InputError
from tracetui.session import compare_with

TOKEN = "planted-5ecret-t0ken"
ZIPKIN_WINDOW = f"?limit=100&endTs={LAST_NS // 1_000_000 + 1}&lookback=3600000"
TEMPO_WINDOW = f"?limit=100&start={FIRST_NS // 1_000_000_000}&end={LAST_NS // 1_000_000_000 + 1}"
WINDOW = f"?service=cart&limit=100&start={FIRST_NS // 1000}&end={LAST_NS // 1000}"


def assert_clear_error(result: ProgramResult, server: str, why: str) -> None:
    """Check that the error has one or two lines, and names the server, the cause and a remedy."""
    assert result.code == 4, result.err
    assert result.out == ""
    lines = result.err.splitlines()
    assert len(lines) <= 2, result.err
    assert lines[0].startswith(f"tracetui: {server}"), result.err
    assert re.search(why, result.err, re.MULTILINE), result.err


# faults of the first request

WHOLE: dict[str, tuple[Callable[[], AbstractContextManager[LiveServer]], str]] = {
    "refused": (refused, "connection refused; is the server running"),
    "reset": (lambda: faulty(faults.reset), r"cut off \(.*reset by peer\); try again"),
    "silent": (
        lambda: faulty(faults.silent),
        r"no response within 0\.3 s; is the server overloaded\? Try a shorter",
    ),
    "drip": (lambda: faulty(faults.drip), r"has stalled \(\d+ bytes/s\); is the server overloaded"),
    "drip headers": (lambda: faulty(faults.drip_headers), r"has stalled \(\d+ bytes/s\)"),
    "drip chunk": (lambda: faulty(faults.drip_chunk_extension), r"has stalled \(\d+ bytes/s\)"),
    "drip trailer": (lambda: faulty(faults.drip_trailer), r"has stalled \(\d+ bytes/s\)"),
    "interim": (lambda: faulty(faults.interim), "endless headers"),
    "empty members": (lambda: faulty(faults.empty_members), "compressed data are almost empty"),
    "empty blocks": (lambda: faulty(faults.empty_blocks), "compressed data are almost empty"),
    "gzip name": (lambda: faulty(faults.gzip_name), "compressed data are almost empty"),
    "cut": (lambda: faulty(faults.cut), "the response was cut off.*try again"),
    "cut chunks": (lambda: faulty(faults.cut_chunked), "the response was cut off.*try again"),
    "bad JSON": (lambda: faulty(faults.bad_json), "responds, but not with the API of.*check the port"),
    "other JSON": (lambda: faulty(faults.json_of_something_else), "responds, but not with the API of.*check the port"),
    "encoding": (lambda: faulty(faults.wrong_encoding), "marked as compressed but cannot be decompressed; is there a"),
    "login page": (lambda: faulty(faults.login_page), "a web page, perhaps a login page.*TRACETUI_TOKEN"),
    "login elsewhere": (lambda: faulty(faults.login_redirect()), "a web page, perhaps a login page.*TRACETUI_TOKEN"),
    "redirect loop": (lambda: faulty(faults.redirect_loop), "more than 5 redirects, perhaps a loop"),
    "huge": (lambda: faulty(faults.huge), "response larger than 2 MB"),
    "bomb": (lambda: faulty(faults.gzip_bomb), "response larger than 2 MB"),
    "401": (lambda: faulty(faults.status(401)), r"credentials required \(401, upstream says no\).*TRACETUI_TOKEN"),
    "403": (lambda: faulty(faults.status(403)), r"access denied \(403, upstream says no\); check the credentials"),
    "404": (
        lambda: faulty(faults.status(404)),
        "responds, but not with the API of.*check the port .* the base path",
    ),
    "429": (lambda: faulty(faults.status(429)), "too many requests .429., even after retries; try again later"),
    "500": (lambda: faulty(faults.status(500)), r"server error \(500\): upstream says no; try again"),
    "502": (lambda: faulty(faults.status(502)), r"server error \(502\): upstream says no; try again"),
    "503": (lambda: faulty(faults.status(503)), r"server error \(503\): upstream says no; try again"),
    "504": (lambda: faulty(faults.status(504)), r"server error \(504\): upstream says no; try again"),
    "429 long": (lambda: faulty(faults.status(429, retry_after="120")), r"too many requests \(429\).* in 2m$"),
    "503 long": (
        lambda: faulty(faults.status(503, retry_after="99")),
        r"server busy \(503\); try again in 1m39s$",
    ),
}


@pytest.mark.parametrize("fault", WHOLE)
def test_server_that_fails_at_the_first_request(fault: str, program: Program) -> None:
    served, why = WHOLE[fault]
    with served() as server:
        name = program.profile(server.url, timeout="300ms") if fault.startswith(("silent", "drip")) else server.url
        assert_clear_error(program.analyze(name), server.url, why)
        assert len(server.requests) < 20


def test_page_of_grafana(program: Program) -> None:
    page = Response((b"<!DOCTYPE html><html><head><title>Grafana</title>",), 200, faults.HTML)
    with Loopback(lambda request: page) as server:
        result = program.analyze(server.url)
        assert_clear_error(
            result, server.url, f"this is Grafana, .* {server.url}/api/datasources/proxy/uid/UID, with a serv"
        )


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", r"cut off \(server disconnected.*\); is the port right"),
        # responses of TLS servers to plain text, and of gRPC servers
        (b"\x15\x03\x01\x00\x02\x02\x46", r"invalid HTTP \(illegal.*\); is this the port .*, and is it https://\?"),
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00", "invalid HTTP"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://[::1\r\n\r\n", "invalid HTTP .*location"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "invalid HTTP .*chunk"),
        (
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
            r"not with the API of [^(]+ \(Client sent an HTTP request to an HTTPS server\.\); check",
        ),
    ],
)
def test_responses_of_other_ports(sent: bytes, why: str, program: Program) -> None:
    def answer(handler: Handler) -> None:
        handler.wfile.write(sent)
        handler.close_connection = True

    with faulty(answer) as server:
        assert_clear_error(program.analyze(server.url), server.url, why)


# faults of the search, after detection

AT_SEARCH: dict[str, tuple[Fault, str]] = {
    "reset": (faults.reset, "cut off"),
    "silent": (faults.silent, "no response within 0.3 s"),
    "bad JSON": (faults.bad_json, r"the response contains no traces \(damaged JSON.*is there a gateway in between"),
    "other JSON": (
        faults.json_of_something_else,
        r"the response contains no traces \(no traces: .* openapi, paths",
    ),
    "encoding": (faults.wrong_encoding, "marked as compressed but cannot be decompressed"),
    "login page": (faults.login_page, "a web page, not traces; perhaps a login page. Set TRACETUI_TOKEN"),
    "bomb": (faults.gzip_bomb, "more than .* GiB in one response.*Try a shorter time range"),
    "401": (faults.status(401), "credentials required"),
    "404": (faults.status(404), r"not found \(404, upstream says no\); is the base path right"),
    "500": (faults.status(500), r"server error \(500\): upstream says no; try again"),
    "503": (faults.status(503), r"server error \(503\)"),
    "429 long": (faults.status(429, retry_after="120"), r"try again in 2m$"),
}


@pytest.mark.parametrize("fault", AT_SEARCH)
def test_failed_search(fault: str, program: Program) -> None:
    shown, why = AT_SEARCH[fault]
    with faulty(shown, on="/api/traces$") as server:
        result = program.analyze(program.profile(f"{server.url}/search{WINDOW}", timeout="300ms"))
        assert_clear_error(result, server.url, why)


@pytest.mark.parametrize("kind", ["jaeger-v3", "zipkin", "tempo"])
@pytest.mark.parametrize("shown", [faults.bad_json, faults.reset, faults.status(500)], ids=["JSON", "reset", "500"])
def test_failed_searches_of_other_servers(kind: str, shown: Fault, program: Program) -> None:
    with faulty(shown, on="/traces$|/search$", then=kind) as server:
        assert_clear_error(program.analyze(server.url), server.url, "cut off|server error|JSON")


# partial responses


@pytest.mark.parametrize(
    ("shown", "loss"),
    [
        (faults.cut, "the response was cut off"),
        (faults.cut_chunked, "the response was cut off"),
        (faults.huge, "more than .* GiB in one response; the rest was skipped"),
    ],
    ids=["cut", "cut chunks", "huge"],
)
@pytest.mark.parametrize("kind", ["jaeger-v1", "jaeger-v3", "zipkin"])
def test_traces_before_a_cut_off_are_reported(kind: str, shown: Fault, loss: str, program: Program) -> None:
    with LiveServer(kind) as whole:
        every = program.analyze(whole.url + "/search" + WINDOW)
    with faulty(shown, on="/traces$", then=kind) as server:
        result = program.analyze(server.url + "/search" + WINDOW)
        assert result.code == 0, result.err
        assert re.search(f"warning: {server.url}/.*{loss}", result.err), result.err
    found = json.loads(result.out)["summary"]
    assert found["span_count"] > 0
    if shown is not faults.huge:
        assert found["trace_count"] < json.loads(every.out)["summary"]["trace_count"]
        assert any(re.search(loss, warning["message"]) for warning in json.loads(result.out)["warnings"])


@pytest.mark.parametrize("name", ["traces.jsonl", "traces.jsonl.gz"])
def test_file_on_a_web_server(name: str, program: Program) -> None:
    body = "".join(json.dumps(message) + "\n" for message in original_traces()).encode()
    with Loopback(lambda request: Response((gzip.compress(body) if name.endswith("gz") else body,), 200, {})) as server:
        result = program.analyze(f"{server.url}/of/{name}?signature={TOKEN}")
        assert json.loads(result.out)["summary"]["trace_count"] == 82
        assert server.requests[0].target == f"/of/{name}?signature={TOKEN}"
        assert TOKEN not in result.out + result.err
        server.fault = faults.cut
        result = program.analyze(f"{server.url}/of/{name}")
        assert (result.code, 0 < json.loads(result.out)["summary"]["trace_count"] < 82) == (0, True)
        assert f"warning: {server.url}/of/{name}: the response was cut off" in result.err
        server.fault = faults.status(403)
        assert_clear_error(program.analyze(f"{server.url}/of/{name}"), server.url, "access denied")


def test_other_sources_are_read_if_a_server_fails(program: Program, tmp_path: Path) -> None:
    with LiveServer("zipkin") as sound, faulty(faults.cut, on="/traces$") as broken:
        alone = program.analyze(f"{sound.url}/zipkin/{ZIPKIN_WINDOW}")
        both = program.analyze(f"{sound.url}/zipkin/{ZIPKIN_WINDOW}", broken.url + "/search" + WINDOW)
    assert both.code == 0
    count = [json.loads(result.out)["summary"]["span_count"] for result in (alone, both)]
    assert count[0] < count[1]


def test_unreadable_trace_of_tempo_costs_only_itself(program: Program) -> None:
    with LiveServer("tempo") as server:
        server.fault, server.faults_left, server.fault_on = faults.status(500), 1, "/traces/"
        result = program.analyze(f"{server.url}/api/search{TEMPO_WINDOW}")
    assert result.code == 0
    assert json.loads(result.out)["summary"]["trace_count"] == 81
    assert re.search(r"trace \w+ could not be read: .*server error \(500\)", result.err)


def test_memory_limit_for_responses(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_BYTES", 100_000)
    monkeypatch.setattr(otlp_json, "CHUNK_SPANS", 100)
    monkeypatch.setattr(intake, "CHUNK_SPANS", 100)
    with faulty(faults.huge, on="/traces$", then="jaeger-v3") as server:
        result = program.analyze(server.url + "/search" + WINDOW)
    assert result.code == 0
    assert f"{server.url}: more than 1 GiB of traces arrived; the rest was skipped" in result.err
    assert "in one response" not in result.err


def test_response_without_boundaries_is_limited(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_split, "_LARGEST", 1 << 20)
    with faulty(faults.gzip_bomb, on="/api/traces$") as server:
        result = program.analyze(server.url + "/search" + WINDOW)
        assert_clear_error(result, f"{server.url}/api/traces", "a trace exceeds the size limit")


# retries


@pytest.mark.parametrize(
    ("shown", "waits"),
    [
        (faults.status(429, retry_after="1"), [1.0]),
        (faults.status(503, retry_after="15"), [15.0]),
        (faults.status(502), [None]),
        (faults.reset, [None]),
    ],
    ids=["429", "503", "502", "reset"],
)
def test_transient_failures_are_retried(shown: Fault, waits: list[float | None], program: Program) -> None:
    with faulty(shown, times=1) as server:
        result = program.analyze(server.url + "/search" + WINDOW)
    assert result.code == 0
    assert "too many" not in result.err
    assert len(program.slept) == len(waits)
    assert all(wait is None or wait == slept for wait, slept in zip(waits, program.slept, strict=True))
    assert all(slept <= 15 for slept in program.slept)


@pytest.mark.parametrize(
    ("written", "waits"),
    [
        (f"\x1b]0;{TOKEN}\x07", 0),
        ("nan", 0),
        ("-1", 0),
        ("Wed, 21 Oct 1999 07:28:00 GMT", 0),
        ("Wed, 21 Oct 1999 07:28:00", 0),
        ("3", 3),
    ],
)
def test_any_retry_after_header_is_accepted(
    written: str, waits: float, program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """The library would log it to the terminal unescaped."""
    with faulty(faults.status(429, retry_after=written), times=1) as server:
        result = program.analyze(server.url + "/search" + WINDOW)
    assert result.code == 0
    (slept,) = program.slept
    # retried as soon as without a header
    assert slept == waits or (not waits and slept < 1)
    assert caplog.text == ""


def test_excessive_retry_after_is_not_waited_for(program: Program) -> None:
    for written in ("9" * 30, "Wed, 21 Oct 9999 07:28:00 GMT"):
        with faulty(faults.status(503, retry_after=written)) as server:
            assert_clear_error(program.analyze(server.url), server.url, r"try again in \d+d")


def test_server_that_recovers(program: Program) -> None:
    with refused() as server:
        assert program.analyze(server.url + "/search" + WINDOW).code == 4
        server.up()
        assert program.analyze(server.url + "/search" + WINDOW).code == 0


def test_unknown_names_are_reported(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert_clear_error(
        program.analyze("http://traces:1/"), "http://traces:1", "no such host; is the name right, and is a VPN needed"
    )


@pytest.mark.parametrize("host", ["a..b", ".", "a" * 300 + ".com"])
def test_invalid_host_names(host: str, program: Program) -> None:
    assert_clear_error(program.analyze(f"http://{host}/"), f"http://{host}", "not a valid address|no such host")


def test_host_and_port_without_a_scheme(program: Program) -> None:
    result = program.analyze("localhost:16686")
    assert (result.code, result.err) == (
        3,
        "tracetui: localhost:16686: no such file; did you mean http://localhost:16686?\n",
    )


def test_name_that_is_neither_a_file_nor_a_profile(program: Program) -> None:
    how = "write a server as http://host:port"
    assert program.analyze("jaeger").err == f"tracetui: jaeger: no such file or profile; {how}\n"
    program.profile("http://127.0.0.1:1")
    there_is = f"known profiles: prod; {how}"
    result = program.analyze("jaeger")
    assert (result.code, result.err) == (3, f"tracetui: jaeger: no such file or profile; {there_is}\n")
    assert program("server", "jaeger").err == f"tracetui: jaeger: neither an address nor a profile; {there_is}\n"
    file = program.home / "config" / "tracetui" / "config.toml"
    file.write_text("".join(f'[profiles.at-{number}]\nurl = "http://h"\n' for number in range(10)))
    assert "known profiles: at-0, at-1, " in program.analyze("jaeger").err
    assert f"at-7 and 2 more; {how}" in program.analyze("jaeger").err
    # a file by its name, but without traces
    assert program.analyze("jaeger.json").err == "tracetui: jaeger.json: no such file\n"
    assert program("show", CHECKOUT, "--logs", "jaeger").err == "tracetui: jaeger: no such file\n"


# redirects


def test_redirect_to_another_server_is_not_followed(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACETUI_TOKEN", TOKEN)
    with Loopback() as other, faulty(faults.login_redirect(f"{other.url}/login?{TOKEN}")) as server:
        result = program.analyze(server.url)
        assert_clear_error(
            result, server.url, f"redirects to another server \\({other.url}\\), perhaps a login page; not followed"
        )
        assert other.requests == []
        assert TOKEN not in result.err
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_redirect_to_another_port_is_one_to_another_server(program: Program) -> None:
    with Loopback(tls=tls()) as other, faulty(faults.login_redirect(f"{other.url}/api/services")) as server:
        assert_clear_error(program.analyze(server.url), server.url, "redirects to another server")
        assert other.requests == []


def test_redirect_within_the_server_is_followed(program: Program) -> None:
    with LiveServer("jaeger-v1") as server:

        def moved(handler: Handler) -> None:
            away = Response((), 301, {"location": handler.path.replace("/old/", "/")})
            right = server.respond(handler.request_read)
            server.send(handler, away if handler.path.startswith("/old/") else right)

        server.fault = moved
        assert program.analyze(f"{server.url}/old/search{WINDOW}").code == 0
    with faulty(
        lambda handler: handler.loopback.send(handler, Response((), 302, {"location": handler.path}))
    ) as server:
        result = program.analyze(server.url)
        assert result.code == 4
        assert len(server.requests) < 40


# TLS, proxies, sockets


@pytest.mark.parametrize("option", ["--ca", "--cert"])
def test_certificate_files_that_may_never_end_are_rejected(option: str, program: Program, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for file in (pipe, "/dev/zero"):
        result = program.analyze("https://127.0.0.1:1", option, str(file))
        assert (result.code, result.err) == (2, f"tracetui: {file}: not a regular file\n")


def test_certificate_from_a_pipe_of_the_shell(program: Program) -> None:
    ends = os.pipe()
    os.write(ends[1], certificate("server").certificate.read_bytes())
    os.close(ends[1])
    try:
        with LiveServer("zipkin", tls=tls()) as server:
            result = program.analyze(f"{server.url}/zipkin/{ZIPKIN_WINDOW}", "--ca", f"/dev/fd/{ends[0]}")
            assert result.code == 0, result.err
    finally:
        os.close(ends[0])


def test_tls(program: Program) -> None:
    ca = str(certificate("server").certificate)
    with LiveServer("zipkin", tls=tls()) as server:
        url = f"{server.url}/zipkin/{ZIPKIN_WINDOW}"
        assert_clear_error(program.analyze(url), server.url, "not trusted .*self-signed.*--ca FILE.*--insecure")
        other_name = program.analyze(url.replace("127.0.0.1", "127.1"), "--ca", ca)
        assert_clear_error(
            other_name, "https://127.1", r"mismatch.*'127\.1'\); use the name .* issued for, or use --insecure"
        )
        assert server.requests == []
        assert program.analyze(url, "--ca", ca).code == 0
        result = program.analyze(url, "--insecure")
        assert (result.code, f"warning: {server.url}: the server's certificate is not verified" in result.err) == (
            0,
            True,
        )
        result = program("server", server.url, "--insecure")
        assert (result.code, f"warning: {server.url}: the server's certificate is not verified" in result.err) == (
            0,
            True,
        )
        assert program.analyze(program.profile(url, ca=ca)).code == 0
        assert program.analyze(program.profile(url, insecure=True)).code == 0
        plain = url.replace("https", "http")
        assert program.analyze(plain).code == 4
    with LiveServer("zipkin") as server:
        assert_clear_error(
            program.analyze(server.url.replace("http", "https")), "https", "TLS failed: .*is it plain http://"
        )


def test_expired_certificate(program: Program, tmp_path: Path) -> None:
    own, expired = certificate("server"), tmp_path / "expired.pem"
    subprocess.run(
        ["openssl", "x509", "-in", own.certificate, "-signkey", own.key, "-days", "-1", "-out", expired],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(expired, own.key)
    with LiveServer("zipkin", tls=context) as server:
        result = program.analyze(f"{server.url}/zipkin/{ZIPKIN_WINDOW}", "--ca", str(expired))
        assert_clear_error(result, server.url, "certificate has expired.; it must be renewed, or use --insecure")


def test_client_certificates(program: Program) -> None:
    ca, own = str(certificate("server").certificate), certificate("client")
    with LiveServer("zipkin", tls=tls(client=own)) as server:
        url = f"{server.url}/zipkin/{ZIPKIN_WINDOW}"
        result = program.analyze(url, "--ca", ca)
        assert result.code == 4
        assert server.requests == []
        shown = ["--cert", str(own.certificate), "--key", str(own.key)]
        assert program.analyze(url, "--ca", ca, *shown).code == 0
        named = {"cert": str(own.certificate), "key": str(own.key), "ca": ca}
        assert program.analyze(program.profile(url, **named)).code == 0
        result = program.analyze(url, "--ca", ca, "--cert", str(own.certificate), "--key", "missing.pem")
        assert result.code == 2
        assert "missing.pem: No such file" in result.err


@pytest.mark.parametrize("option", ["--ca", "--cert"])
def test_invalid_certificates_are_rejected(option: str, program: Program, tmp_path: Path) -> None:
    file = tmp_path / "no.pem"
    file.write_text("nothing")
    for path, why in ((file, "no.pem: .+"), (tmp_path / "gone.pem", "gone.pem: No such file")):
        result = program.analyze("https://127.0.0.1:1", option, str(path))
        assert result.code == 2
        assert re.search(why, result.err), result.err


def test_key_with_a_passphrase_does_not_prompt(program: Program, tmp_path: Path) -> None:
    own = certificate("client")
    subprocess.run(
        ["openssl", "ec", "-in", own.key, "-aes256", "-passout", "pass:x", "-out", tmp_path / "locked.pem"],
        check=True,
        capture_output=True,
    )
    locked = Certificate(own.certificate, tmp_path / "locked.pem")
    result = program.analyze("https://127.0.0.1:1", "--cert", str(locked.certificate), "--key", str(locked.key))
    assert (result.code, "passphrase" in result.err) == (2, True)


def test_proxies(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    ca = str(certificate("server").certificate)
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy())
        plain, safe = stack.enter_context(LiveServer("zipkin")), stack.enter_context(LiveServer("zipkin", tls=tls()))
        urls = [f"{server.url}/zipkin/{ZIPKIN_WINDOW}" for server in (plain, safe)]
        assert program.analyze(program.profile(urls[0], proxy=proxy.url)).code == 0
        assert proxy.requests
        proxy.requests.clear()
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("HTTPS_PROXY", proxy.authority)
        assert program.analyze(urls[0]).code == 0
        assert proxy.requests[0].target.startswith(plain.url)
        assert program.analyze(urls[1], "--ca", ca).code == 0
        assert (proxy.requests[-1].method, proxy.requests[-1].target) == ("CONNECT", safe.authority)
        proxy.requests.clear()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert [program.analyze(urls[0]).code, program.analyze(urls[1], "--ca", ca).code] == [0, 0]
        assert proxy.requests == []
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1")
        result = program.analyze(urls[0])
        assert (result.code, "is not an HTTP proxy" in result.err) == (2, True)


def test_proxy_that_rejects_the_request(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    no = Response((b"who are you?",), 407, {"content-type": "text/plain"})
    with Loopback(lambda request: no) as proxy:
        gone = proxy.authority
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", f"//user:{TOKEN}@"))
        result = program.analyze("https://traces.invalid")
        rejected = f"the proxy {gone} rejects the credentials \\(407\\); .* NO_PROXY"
        assert_clear_error(result, "https://traces.invalid", rejected)
        assert TOKEN not in result.err
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        before = len(proxy.requests)
        result = program.analyze("http://traces.invalid")
        assert_clear_error(
            result, "http://traces.invalid", f"the proxy {gone} requires credentials \\(407\\); write it"
        )
        assert len(proxy.requests) == before + 1
    result = program.analyze("https://traces.invalid")
    assert_clear_error(result, "https://traces.invalid", f"the proxy {gone} refused the connection; is it running")
    assert TOKEN not in result.err


# httpcore leaves a socket open that failed to connect
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_unix_socket(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with LiveServer("zipkin", socket_path=path):
        assert program.analyze(f"unix:{path}:/zipkin/{ZIPKIN_WINDOW}").code == 0
    path.unlink(missing_ok=True)
    assert_clear_error(program.analyze(f"unix:{path}"), f"unix:{path}", "no such socket|connection refused")
    # raised here, where it can be ignored
    gc.collect()


# credentials


def sent(server: Any) -> set[str | None]:
    return {request.headers.get("authorization") for request in server.requests}


def test_sources_of_credentials(program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    basic = "Basic dXNlcjpwbGFudGVkLTVlY3JldC10MGtlbg=="
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    ways: list[tuple[dict[str, str], str]] = [
        ({"token_env": "MY_TOKEN"}, f"Bearer {TOKEN}"),
        ({"token_file": str(file)}, f"Bearer {TOKEN}"),
        ({"token_command": f"cat {file}"}, f"Bearer {TOKEN}"),
        ({"user": "user", "password_env": "MY_TOKEN"}, basic),
        ({"user": "user", "password_file": str(file)}, basic),
        ({"user": "user", "password_command": f"cat {file}"}, basic),
    ]
    for more, header in ways:
        with LiveServer("zipkin") as server:
            assert program.analyze(program.profile(f"{server.url}/zipkin/{ZIPKIN_WINDOW}", **more)).code == 0
            assert sent(server) == {header}, more
    with LiveServer("zipkin") as server:
        url = f"{server.url}/zipkin/{ZIPKIN_WINDOW}"
        netrc = tmp_path / ".netrc"
        netrc.write_text(f"machine 127.0.0.1 login user password {TOKEN}\ndefault login x password y\n")
        netrc.chmod(0o600)
        program.analyze(url)
        assert sent(server) == {basic}
        server.requests.clear()
        program.analyze(url.replace("127.0.0.1", "localhost"))
        assert sent(server) == {None}
        server.requests.clear()
        monkeypatch.setenv("TRACETUI_USER", "user")
        monkeypatch.setenv("TRACETUI_PASSWORD", TOKEN)
        program.analyze(url.replace("127.0.0.1", "localhost"))
        assert sent(server) == {basic}
        server.requests.clear()
        monkeypatch.setenv("TRACETUI_TOKEN", TOKEN)
        program.analyze(url)
        assert sent(server) == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            b"machine other login x password y odd\nmachine 127.0.0.1 login u password PW\n",
            "near line [12]: not an entry",
        ),
        (b"\nmachine 127.0.0.1 login u password PW\xe9\n", "line 2: not UTF-8"),
    ],
)
def test_unreadable_netrc_is_reported(text: bytes, fault: str, program: Program, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_bytes(text.replace(b"PW", TOKEN.encode()))
    netrc.chmod(0o600)
    with LiveServer("zipkin") as server:
        result = program.analyze(f"{server.url}/zipkin/{ZIPKIN_WINDOW}")
        assert sent(server) == {None}
    warning = f"{re.escape(str(netrc))}: {fault}"
    assert re.search(f"^tracetui: warning: .*{warning}", result.err, re.MULTILINE), result.err
    with faulty(faults.status(401)) as server:
        refused = program.analyze(server.url)
        assert_clear_error(refused, server.url, f"credentials required \\(401.*\\)\\. {warning}")
    assert TOKEN not in result.err + refused.err


@pytest.mark.parametrize("option", ["token_command", "password_command"])
def test_command_that_is_awaited_is_named(option: str, program: Program) -> None:
    seen: list[str] = []
    with LiveServer("zipkin") as server:
        more = {"user": "u"} if option == "password_command" else {}
        name = program.profile(f"{server.url}/zipkin/{ZIPKIN_WINDOW}", **{option: "echo x"}, **more)
        load([name], lambda progress: seen.append(progress.name))
    assert seen[0] == f"{name}, waiting for echo"
    assert name in seen


def test_netrc_of_others_is_reported(program: Program, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login u password {TOKEN}\n")
    netrc.chmod(0o644)
    with LiveServer("zipkin") as server:
        result = program.analyze(f"{server.url}/zipkin/{ZIPKIN_WINDOW}")
        assert sent(server) == {None}
    assert f"{netrc}: readable or owned by other users" in result.err


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, lambda data: quote(data).encode()])
def test_token_that_a_server_returns_in_another_encoding_is_not_shown(
    encode: Callable[[bytes], bytes], program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "pl\u00e4nted/secret+token?"
    monkeypatch.setenv("TRACETUI_TOKEN", quote(secret))
    written = encode(quote(secret).encode())
    with faulty(faults.status(403, body=b"no: " + written)) as server:
        result = program.analyze(server.url)
    assert "no: ***" in result.err
    assert written.decode()[:8] not in result.err


@pytest.mark.parametrize("variable", ["TRACETUI_TOKEN", "TRACETUI_USER"])
def test_credentials_of_the_environment_are_for_one_server(
    variable: str, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, TOKEN)
    refusal = f"{variable} would be sent to %s and %s; use a profile for each server, with"
    with LiveServer("zipkin") as one, LiveServer("zipkin") as other:
        urls = [f"{server.url}/zipkin/{ZIPKIN_WINDOW}" for server in (one, other)]
        plain = program.profile(urls[1])
        for result in (
            program.analyze(*urls),
            program.analyze(urls[0], plain),
            program("compare", *urls),
        ):
            assert result.code == 2
            assert refusal % (one.url, plain if plain in result.err else other.url) in result.err
        assert one.requests == other.requests == []
        # nor if the second one is entered on the screen
        with pytest.raises(InputError) as caught:
            compare_with([urls[1]], Analysis(load([CHECKOUT])), (urls[0],), NO_OVERRIDES)
        advice = "token-env, or user and password-env (see docs/servers.md)"
        assert str(caught.value) == f"{refusal % (one.url, other.url)} {advice}"
        assert one.requests == other.requests == []
        # one of them has its own credentials
        file = tmp_path / "token"
        file.write_text("its own")
        for own in (
            {"token_file": str(file)},
            {"user": "user", "password_file": str(file)},
        ):
            assert program.analyze(urls[0], program.profile(urls[1], **own)).code == 0
            assert all(TOKEN in str(header) or "Basic" in str(header) for header in sent(one))
            assert not sent(one) & sent(other)
        # two pages of one server are one server
        assert program.analyze(urls[0], f"{one.url}/zipkin/?limit=1").code == 0
        # sources that include files are opened as files
        assert program.analyze(urls[0], CHECKOUT).code == 0


@pytest.mark.parametrize("command", ["analyze", "compare", "server", "open"])
def test_help_names_the_sources_of_credentials(command: str, program: Program) -> None:
    assert "(for one server at a time), from ~/.netrc" in " ".join(program(command, "--help").out.split())


def test_headers_of_a_profile_take_precedence(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACETUI_TOKEN", TOKEN)
    monkeypatch.setenv("MY_HEADER", "Bearer its-own")
    with LiveServer("zipkin") as server, LiveServer("zipkin") as other:
        name = program.profile(f"{server.url}/zipkin/{ZIPKIN_WINDOW}")
        file = program.home / "config" / "tracetui" / "config.toml"
        file.write_text(file.read_text() + '\nheaders-env = { "authorization" = "MY_HEADER" }\n')
        assert program.analyze(name, f"{other.url}/zipkin/{ZIPKIN_WINDOW}").code == 0
        assert (sent(server), sent(other)) == ({"Bearer its-own"}, {f"Bearer {TOKEN}"})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"token_env": "NOT_SET"}, "the environment variable NOT_SET of the profile is not set"),
        ({"token_file": "/nowhere/token"}, "cannot read the token from /nowhere/token: No such file"),
        ({"token_command": "false"}, r"the command for the token \(false\) failed: exit status 1"),
        ({"token_command": "/nowhere/pass show x"}, r"\(/nowhere/pass\) failed: No such file"),
        ({"token_command": "true"}, r"\(true\) printed nothing"),
        ({"token_file": "/dev/zero"}, "cannot read the token from /dev/zero: it is not a regular file"),
        ({"token_file": "a\0b"}, "cannot read the token from a\u2400b"),
        ({"token_command": " "}, "the command for the token .* failed: it is blank"),
        ({"token_command": "pass 'token"}, r"\(pass\) failed: a quotation mark is not closed"),
        ({"token_command": "pass \\"}, r"\(pass\) failed: nothing follows the last backslash"),
        ({"token_command": "printf '\\351'"}, r"\(printf\) failed: not UTF-8"),
        ({"token_command": "yes"}, r"\(yes\) failed: it printed more than 64 KiB"),
        (
            {"token_command": "printf 'a\\tb'"},
            "the value of the header Authorization contains .* not allowed",
        ),
        ({"timeout": "soon"}, 'config.toml: the profile prod: "soon" is not a duration'),
        ({"lookback": "soon"}, 'config.toml: the profile prod: "soon" is not a duration'),
        ({"timeout": "0s"}, "timeout 0s: must be greater than 0"),
        ({"limit": -5}, "the profile prod: Expected `int` >= 0"),
        (
            {"token": TOKEN},
            "prod: secrets are not allowed here; use token-env, token-file or token-command",
        ),
        ({"password": TOKEN}, "secrets are not allowed here; use password-env, password-file or password-command"),
        ({"proxy": "socks5://127.0.0.1:1"}, "the proxy from the profile is not an HTTP proxy$"),
        ({"proxy": "proxy:port"}, "the proxy from the profile has no valid address; write it as http://host:port$"),
        ({"proxy": "http://127.0.0.1:99999"}, "the proxy from the profile has no valid address"),
        ({"shade": "red"}, "shade"),
        ({"kind": "datadog"}, "datadog"),
    ],
)
def test_unusable_profiles(more: dict[str, Any], why: str, program: Program) -> None:
    result = program.analyze(program.profile("http://127.0.0.1:1", **more))
    assert result.code == 2
    assert re.search(why, result.err, re.MULTILINE), result.err
    assert TOKEN not in result.err


@pytest.mark.parametrize("url", ["/var/traces.json", f"ftp://user:{TOKEN}@127.0.0.1", f"http://user:{TOKEN}@127.0.0.1"])
def test_invalid_addresses_in_profiles_are_rejected(url: str, program: Program) -> None:
    result = program.analyze(program.profile(url))
    assert result.code == 2
    assert "config.toml: the profile prod: " in result.err
    assert TOKEN not in result.err


def test_fault_in_one_profile_affects_no_other(program: Program) -> None:
    with LiveServer("zipkin") as server:
        name = program.profile(f"{server.url}/zipkin/{ZIPKIN_WINDOW}")
        file = program.home / "config" / "tracetui" / "config.toml"
        file.write_text(file.read_text() + '\n[profiles.next]\nurl = 5\ncolour = "red"\n')
        assert program.analyze(name).code == 0
    result = program.analyze("next")
    assert (result.code, "the profile next: " in result.err) == (2, True)


def test_invalid_headers_are_rejected(program: Program) -> None:
    name = program.profile("http://127.0.0.1:1")
    file = program.home / "config" / "tracetui" / "config.toml"
    file.write_text(file.read_text() + '\nheaders = { "X Y" = "z" }\n')
    result = program.analyze(name)
    assert (result.code, "'X Y' is not a valid header name" in result.err) == (2, True)


def test_rejected_credentials(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACETUI_TOKEN", TOKEN)
    with faulty(faults.status(401)) as server:
        assert_clear_error(
            program.analyze(server.url), server.url, r"credentials rejected \(401.*Check the credentials"
        )
