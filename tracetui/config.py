"""Config file: appearance, keys, and profiles of back ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from tracetui.model.colours import check_colour
from tracetui.model.errors import UsageError
from tracetui.model.trace_page import check_template

_FILE = "config.toml"
_MAX_BYTES = 1 << 22
"""Size limit; a larger file is not a config file."""
SECRETS = frozenset(("token", "password"))


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Back end and its connection settings. Secrets are referenced, never contained."""

    url: str = ""
    kind: str = ""
    """Kind of back end, by its name in `ingest.servers.registry`; '' to detect it."""
    tenant: str = ""
    tenant_header: str = ""
    """Header for the tenant; '' for those of Jaeger, Tempo, VictoriaTraces and GreptimeDB."""
    headers: dict[str, str] = {}
    headers_env: dict[str, str] = {}
    """Environment variables with the values of headers, by header."""
    token_env: str = ""
    token_file: str = ""
    token_command: str = ""
    user: str = ""
    password_env: str = ""
    password_file: str = ""
    password_command: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""
    insecure: bool = False
    """True to skip verification of the server's certificate."""
    proxy: str = ""
    timeout: str = ""
    """Longest time without data from the server."""
    lookback: str = ""
    limit: Annotated[int, msgspec.Meta(ge=0)] = 0
    ui: str = ""
    """Address of a trace's web page, with {id} for the trace id; '' for that of the server itself."""
    colour: str = ""
    """Colour of the profile's name on the screen, as in `model.colours`; '' for none."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contents of the config file."""

    theme: str = ""
    ascii: bool = False
    mouse: bool = True
    local_time: bool = False
    keymap: dict[str, str] = {}
    ui: str = ""
    """Address of a trace's web page, with {id} for the trace id, for sources without pages of their own."""
    hyperlinks: Literal["auto", "always", "never"] = "auto"
    """Hyperlinks of trace ids and addresses; "auto" if the terminal is known to support them."""
    profiles: dict[str, dict[str, Any]] = {}
    """Unchecked profiles, so that an error in one does not affect the others."""


class Overrides(msgspec.Struct, frozen=True):
    """Server settings from the command line, without secrets. They override the profile."""

    tenant: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""
    insecure: bool = False


NO_OVERRIDES = Overrides()


def config_path() -> Path:
    """Return the path of the config file, which may not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir("tracetui")) / _FILE


def load_config(path: Path | None = None) -> Config:
    """Read the config file, with defaults if there is none. Raises UsageError that describes the fault."""
    path = path or config_path()
    written = read_table(path)
    try:
        config = msgspec.convert(written, Config)
        check_template(config.ui)
        return config
    except (msgspec.ValidationError, UsageError) as error:
        raise UsageError(f"{path}: {error}") from None


def read_table(path: Path) -> dict[str, Any]:
    """Read a TOML file without checks; {} if there is none. Raises UsageError if it cannot be read."""
    import tomllib

    try:
        return tomllib.loads(plain_text(path))
    except FileNotFoundError:
        return {}
    except OSError as error:
        if not file_exists(path):
            return {}
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except RecursionError:
        raise UsageError(f"{path}: tables or lists are nested too deeply") from None
    except ValueError as error:
        # invalid TOML or UTF-8, or a number with too many digits
        raise UsageError(f"{path}: {error}") from None


def file_exists(path: Path) -> bool:
    """Test whether there is a file. Unlike Path.exists it does not raise for an unreadable directory or a long name."""
    return os.path.exists(path)  # noqa: PTH110


def plain_text(path: Path) -> str:
    """Read a small file. Raises OSError, also if it is not a regular file, as that may be endless; ValueError for bytes
    that are not UTF-8 and for a path that no file can have.
    """
    import stat

    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise OSError(0, f"larger than {_MAX_BYTES >> 20} MiB")
        # some editors write a byte order mark
        return content.decode("utf-8-sig")
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(0, "it is not a regular file")


def secret_text(key: str) -> str:
    """Return the message about a secret that is written into a profile."""
    return f"secrets are not allowed here; use {key}-env, {key}-file or {key}-command"


def profile_named(name: str) -> Profile | None:
    """Find a profile of the config file. Raises UsageError as `load_config` does, and for one without an address."""
    written = load_config().profiles.get(name)
    if written is None:
        return None
    at = f"{config_path()}: the profile {name}"
    for key in SECRETS & set(written):
        raise UsageError(f"{at}: {secret_text(key)}")
    try:
        profile = msgspec.convert(written, Profile)
        check_template(profile.ui)
        check_colour(profile.colour)
    except (msgspec.ValidationError, UsageError) as error:
        raise UsageError(f"{at}: {error}") from None
    if not profile.url:
        raise UsageError(f"{at} has no url: add the address of the server")
    return profile
