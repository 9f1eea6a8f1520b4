"""Access to a back end: credentials, certificates, proxies.

Secrets come from the environment, netrc, files and commands, and are only sent in request headers.
"""

from __future__ import annotations

import base64
import functools
import netrc
import os
import re
import select
import shlex
import ssl
import stat
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from tracetui.config import Overrides, Profile, plain_text
from tracetui.ingest.servers.address import Address, secrets_in
from tracetui.model.errors import UsageError
from tracetui.model.times import parse_duration
from tracetui.model.user_path import user_path

TENANT_HEADERS = ("x-tenant", "X-Scope-OrgID", "x-greptime-db-name")
"""Tenant headers of Jaeger, Tempo and GreptimeDB."""
_NUMBERED_TENANT = re.compile(r"(\d{1,10})(?::(\d{1,10}))?")
"""Tenant of VictoriaTraces: an account, and optionally a project."""
_TOKEN, _USER, _PASSWORD, _TENANT = (f"TRACETUI_{name}" for name in ("TOKEN", "USER", "PASSWORD", "TENANT"))
_COMMAND_SECONDS = 60
_MAX_PRINTED = 1 << 16
"""Size limit of what a command prints."""
_SHORTEST = 2
_SHELL_FAULTS = {
    "No closing quotation": "a quotation mark is not closed",
    "No escaped character": "nothing follows the last backslash",
}
"""Faults of a command line, for the messages of `shlex`."""
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TIMEOUT = "30s"


@dataclass(frozen=True, slots=True)
class Access:
    """Settings of a connection besides the address."""

    headers: Mapping[str, str] = field(repr=False)
    """May contain secrets."""
    verify: ssl.SSLContext
    proxy: str = field(repr=False)
    """'' for none."""
    timeout: float
    """Longest time in seconds without data from the server."""
    has_credentials: bool
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts that must never be shown, even if the server returns them."""
    netrc_fault: str = ""
    """Why the credentials in the user's netrc could not be read; '' if they could be, or are not needed."""


def access_to(address: Address, profile: Profile, overrides: Overrides) -> Access:
    """Determine the access to a back end. Raises UsageError if a named variable or file is missing or unreadable."""
    headers = dict(profile.headers)
    for name, variable in profile.headers_env.items():
        headers[name] = _from_environment(variable)
    tenant = overrides.tenant or profile.tenant or os.environ.get(_TENANT, "")
    if tenant:
        names = (profile.tenant_header,) if profile.tenant_header else TENANT_HEADERS
        headers.update(dict.fromkeys(names, tenant))
        numbers = _NUMBERED_TENANT.fullmatch(tenant)
        if numbers and not profile.tenant_header:
            headers |= {"AccountID": numbers[1], "ProjectID": numbers[2] or "0"}
    authorization, netrc_fault = _authorization(address, profile)
    if authorization:
        headers["Authorization"] = authorization
    headers = {name: value.strip() for name, value in headers.items()}
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            raise UsageError(f"{name!r} is not a valid header name")
        if not value.isprintable():
            raise UsageError(
                f"the value of the header {name} contains a character that is not allowed, such as a line break"
            )
    timeout = parse_duration(profile.timeout or _TIMEOUT) / 1e9
    if timeout <= 0:
        raise UsageError(f"timeout {profile.timeout}: must be greater than 0")
    insecure = overrides.insecure or profile.insecure
    proxy = _proxy(address, profile)
    named = [*profile.headers, *profile.headers_env, "Authorization"]
    return Access(
        headers=headers,
        verify=_certificates(profile, overrides, insecure),
        proxy=proxy,
        timeout=timeout,
        has_credentials=bool(authorization),
        secrets=_secrets([headers[name] for name in named if name in headers], proxy, secrets_in(address.file)),
        netrc_fault=netrc_fault,
    )


def _secrets(values: Sequence[str], proxy: str, others: Sequence[str]) -> tuple[str, ...]:
    """Return all texts that reveal a header, the proxy's password or one of `others`, the longest first."""
    found = {*values, *others}
    for value in values:
        scheme, _, credentials = value.partition(" ")
        found.add(credentials)
        if scheme == "Basic":
            try:
                found.add(base64.b64decode(credentials).decode().partition(":")[2])
            except ValueError:
                # the user wrote the header without encoding it
                continue
    password = urlsplit(proxy).password or ""
    found |= {password, unquote(password)}
    # servers may return them in the encodings of addresses and headers
    found |= {encoded for text in found if len(text) > _SHORTEST for encoded in _encodings(text)}
    # shorter texts are not secrets, and occur in ordinary words
    return tuple(sorted((text for text in found if len(text) > _SHORTEST), key=len, reverse=True))


def _encodings(text: str) -> Iterator[str]:
    data = text.encode("utf-8", "surrogateescape")
    yield quote(data, safe="")
    yield quote(data)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(data).decode()
        # without the last characters, which depend on what follows
        yield encoded[: len(data) // 3 * 4]
        yield encoded


def _authorization(address: Address, profile: Profile) -> tuple[str, str]:
    """Determine the credentials. -> the value of the header, '' for none; why netrc could not be read"""
    token = _secret("token", profile.token_env, profile.token_file, profile.token_command)
    if token:
        return f"Bearer {token}", ""
    if profile.user:
        sources = (profile.password_env or _PASSWORD, profile.password_file, profile.password_command)
        if sources[1] or sources[2]:
            sources = (profile.password_env, *sources[1:])
        return _basic(profile.user, _secret("password", *sources)), ""
    if _has_own_header(profile):
        return "", ""
    if os.environ.get(_TOKEN):
        return f"Bearer {os.environ[_TOKEN].strip()}", ""
    if os.environ.get(_USER):
        return _basic(os.environ[_USER], os.environ.get(_PASSWORD, "")), ""
    return ("", "") if address.socket else _from_netrc(address.host)


def _from_netrc(host: str) -> tuple[str, str]:
    """Read the credentials for a host, as `_authorization`."""
    path = Path.home() / ".netrc"
    try:
        found = netrc.netrc()
    except FileNotFoundError:
        return "", ""
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
        return "", f"{path}: {_fault_in_netrc(path, error)}; no credentials in it are used"
    known = found.authenticators(host)
    # never use the default entry of a .netrc: a mistyped host must not receive its password
    if known is None or host not in found.hosts:
        return "", ""
    return _basic(known[0], known[2] or ""), ""


def _fault_in_netrc(path: Path, error: Exception) -> str:
    """Describe a fault without quoting the file, which contains passwords."""
    if isinstance(error, OSError):
        return error.strerror or "cannot be read"
    if isinstance(error, UnicodeDecodeError):
        with suppress(OSError):
            lines = path.read_bytes().splitlines()
            bad = next((number for number, line in enumerate(lines, 1) if not _is_text(line)), 0)
            return f"line {bad}: not UTF-8"
        return "not UTF-8"
    message = str(getattr(error, "msg", ""))
    if "permissive" in message or "owner" in message:
        return "readable or owned by other users"
    # it counts the line break after the word
    return f"near line {getattr(error, 'lineno', None) or '?'}: not an entry, or an incomplete one"


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_own_header(profile: Profile) -> bool:
    return any(name.lower() == "authorization" for name in (*profile.headers, *profile.headers_env))


def unrestricted_variable(profile: Profile) -> str:
    """Return the environment variable that is sent to any server; '' if there is none, or the profile sets its own."""
    if profile.token_env or profile.token_file or profile.token_command:
        return ""
    if profile.user:
        return "" if profile.password_env or profile.password_file or profile.password_command else _PASSWORD
    if _has_own_header(profile):
        return ""
    return next((variable for variable in (_TOKEN, _USER) if os.environ.get(variable)), "")


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _secret(what: str, variable: str, file: str, command: str) -> str:
    """Read a secret from the source in the profile; '' if there is none."""
    if variable:
        return _from_environment(variable)
    if file:
        path = user_path(file)
        try:
            return plain_text(path).strip()
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read the {what} from {path}: {_reason(error)}") from None
    if command:
        return _from_command(what, command)
    return ""


def _from_environment(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise UsageError(f"the environment variable {variable} of the profile is not set")
    return value


def _from_command(what: str, command: str) -> str:
    words = command.split(" ", 1)
    try:
        text = _output_of(shlex.split(command)).decode("utf-8").strip()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UsageError(f"the command for the {what} ({words[0]}) failed: {_reason(error)}") from None
    if not text:
        raise UsageError(f"the command for the {what} ({words[0]}) printed nothing")
    return text.splitlines()[0]


def _output_of(words: Sequence[str]) -> bytes:
    """Run a command. -> what it prints. Raises OSError, also if it prints too much, and SubprocessError."""
    if not words:
        raise OSError(0, "it is blank")
    printed = bytearray()
    # stderr is not shown, as it may contain the secret
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        until = time.monotonic() + _COMMAND_SECONDS
        try:
            while select.select([process.stdout], [], [], max(until - time.monotonic(), 0))[0]:
                piece = os.read(process.stdout.fileno(), _MAX_PRINTED)
                if not piece:
                    break
                printed += piece
                if len(printed) > _MAX_PRINTED:
                    raise OSError(0, f"it printed more than {_MAX_PRINTED >> 10} KiB")
            status = process.wait(max(until - time.monotonic(), 0))
        finally:
            process.kill()
    if status:
        raise subprocess.CalledProcessError(status, words)
    return bytes(printed)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"not finished after {_COMMAND_SECONDS} s"
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit status {error.returncode}"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, ValueError):
        return _SHELL_FAULTS.get(str(error), str(error))
    return getattr(error, "strerror", None) or type(error).__name__


def _certificates(profile: Profile, overrides: Overrides, insecure: bool) -> ssl.SSLContext:
    ca, cert, key = overrides.ca or profile.ca, overrides.cert or profile.cert, overrides.key or profile.key
    usual = os.environ.get("SSL_CERT_FILE", "")
    try:
        for name in filter(None, (ca, cert, key, usual)):
            _check_readable(user_path(name))
        if not (ca or cert or insecure):
            return _tls_context(usual)
        context = ssl.create_default_context(cafile=_path(ca) or usual or None)
        if cert:
            # OpenSSL would prompt for a passphrase on the screen
            context.load_cert_chain(_path(cert), _path(key) or None, password=_no_passphrase)
    except (OSError, ssl.SSLError, ValueError) as error:
        named = " and ".join(name for name in (ca, cert, key) if name) or f"SSL_CERT_FILE ({usual})"
        raise UsageError(f"{named}: {getattr(error, 'strerror', None) or error}") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _check_readable(path: Path) -> None:
    """Raise OSError for a file that may have no end: a device, or a named pipe, which may have no writer. Pipes of the
    shell, as in `--key <(command)`, are accepted.
    """
    mode = path.stat().st_mode
    is_open_pipe = stat.S_ISFIFO(mode) and path.is_relative_to("/dev/fd")
    if not stat.S_ISREG(mode) and not is_open_pipe:
        raise OSError(0, "not a regular file")


@functools.cache
def _tls_context(file: str) -> ssl.SSLContext:
    """Build a TLS context that trusts the authorities in a file, '' for the system's; cached, as it is slow."""
    return ssl.create_default_context(cafile=file or None)


def _no_passphrase() -> str:
    raise ValueError("the key is protected by a passphrase, which is not supported; use a key without one")


def _path(text: str) -> str:
    return str(user_path(text)) if text else ""


def _proxy(address: Address, profile: Profile) -> str:
    """Determine the proxy for an address from the profile or HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""
    if address.socket:
        return ""
    proxy, named = profile.proxy, "the profile"
    if not proxy:
        parts = urlsplit(address.base)
        if urllib.request.proxy_bypass(parts.netloc):
            return ""
        known = urllib.request.getproxies()
        proxy, named = known.get(parts.scheme) or known.get("all") or "", "the environment"
    if not proxy:
        return ""
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    what = f"{address.shown}: the proxy from {named}"
    hint = "; NO_PROXY bypasses it" if named == "the environment" else ""
    try:
        at = urlsplit(proxy)
        if at.scheme not in ("http", "https"):
            raise UsageError(f"{what} is not an HTTP proxy{hint}")
        if at.hostname and at.port != 0:
            return proxy
    except ValueError:
        # invalid port, or unclosed bracket in the host
        pass
    raise UsageError(f"{what} has no valid address; write it as http://host:port{hint}") from None
