"""`tracetui config`: the settings, their origins, and their faults."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import orjson
import typer

from tracetui.cli import options as o
from tracetui.cli.config_check import Fault, faults_in
from tracetui.cli.output import print_json, print_lines, print_message
from tracetui.config import SECRETS, Config, Profile, config_path, file_exists, read_table
from tracetui.ingest.servers.address import without_secrets
from tracetui.model.errors import UsageError
from tracetui.model.secrets import looks_secret
from tracetui.render.text import hyperlinks
from tracetui.render.text.ansi import ColourChoice
from tracetui.render.text.line import Line, Role
from tracetui.render.text.numbers import counted
from tracetui.render.text.safe_text import safe

_HIDDEN: Final = "(hidden)"
_SET: Final = "(set)"

VARIABLES: Final = {
    "TRACETUI_TOKEN": "credentials for a server",
    "TRACETUI_USER": "credentials for a server",
    "TRACETUI_PASSWORD": "credentials for a server",
    "TRACETUI_TENANT": "tenant to query",
    "TRACETUI_DEBUG": "tracebacks of internal errors",
    "HTTP_PROXY": "proxy for servers",
    "HTTPS_PROXY": "proxy for servers",
    "ALL_PROXY": "proxy for servers",
    "NO_PROXY": "servers without a proxy",
    "SSL_CERT_FILE": "certificates to verify servers with",
    "NO_COLOR": "no colours",
    "FORCE_COLOR": "colours also outside of a terminal",
    "FORCE_HYPERLINK": "hyperlinks, or none for 0",
    **dict.fromkeys(hyperlinks.TERMINAL_VARIABLES, "support of hyperlinks"),
    "COLORTERM": "number of colours",
    "TEXTUAL_COLOR_SYSTEM": "number of colours",
    "COLORFGBG": "light or dark theme",
    "BROWSER": "web browser for traces' pages",
    "TMUX": "copies into the buffer of tmux",
    "TERM": "number of colours, and default theme",
    "COLUMNS": "width of reports",
    "XDG_CONFIG_HOME": "directory of the config file",
    "XDG_STATE_HOME": "directory of the saved location and filters",
}
"""Environment variables that have an effect."""
_PRIVATE: Final = {"TRACETUI_TOKEN", "TRACETUI_USER", "TRACETUI_PASSWORD"}


class ConfigAction(StrEnum):
    """Action on the config."""

    SHOW = "show"
    VALIDATE = "validate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigOptions:
    """Action on the config, and the form of the output."""

    action: Annotated[
        ConfigAction,
        typer.Argument(metavar="show|validate", help="Show the settings, or check the file.", show_default=False),
    ]
    json: o.JsonOption = False
    output: o.Output = None


@dataclass(frozen=True, slots=True)
class Setting:
    """Setting with its displayed value; secrets are hidden."""

    key: str
    value: Any
    origin: str


def config(options: ConfigOptions) -> None:
    """Show or check the settings.

    show prints each setting with its origin, the config file or a default, and the environment variables that have an
    effect; secrets are hidden. validate prints the errors in the file, and exits with code 2 if there are any.
    """
    path = config_path()
    faults = faults_in(path)
    if options.action is ConfigAction.SHOW:
        written = read_table(path)
        settings, variables = list(_settings(written)), list(_variables(os.environ))
        if options.json:
            found = {"settings": list(map(asdict, settings)), "environment": list(map(asdict, variables))}
            _print_json(path, faults, found, options.output)
        else:
            print_lines(_text(path, settings, variables), ColourChoice.NEVER, options.output)
        for fault in faults:
            print_message(f"{path}: {fault}")
        return
    if options.json:
        _print_json(path, faults, {}, options.output)
    elif not faults:
        state = "valid" if file_exists(path) else "no config file; defaults apply"
        print_lines([Line([(f"{safe(str(path))}: {state}", Role.PLAIN)])], ColourChoice.NEVER, options.output)
    if faults:
        listed = "\n".join(f"{path}: {fault}" for fault in faults)
        raise UsageError(listed if len(faults) == 1 else f"{counted(len(faults), 'fault')}\n{listed}")


def _print_json(path: Path, faults: list[Fault], found: dict[str, Any], output: Path | None) -> None:
    answer = {"file": str(path), "exists": file_exists(path), **found, "faults": list(map(asdict, faults))}
    data = orjson.dumps(answer, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    print_json(data, output)


def _settings(written: Mapping[str, Any]) -> Iterator[Setting]:
    """Yield the settings of the file and the defaults of the others."""
    defaults = msgspec.to_builtins(Config())
    for key, default in defaults.items():
        value = written.get(key, default)
        if isinstance(value, Mapping) and isinstance(default, dict):
            for name, held in value.items():
                if key == "profiles" and isinstance(held, Mapping):
                    yield from _profile_settings(name, held)
                else:
                    yield Setting(f"{key}.{name}", held, "config file") if key == "keymap" else _hidden(f"{key}.{name}")
        else:
            yield Setting(key, value, "config file" if key in written else "default")
    for key in written.keys() - defaults.keys():
        yield _hidden(key, ": unknown key")


def _profile_settings(name: str, written: Mapping[str, Any]) -> Iterator[Setting]:
    known = {field.encode_name for field in msgspec.structs.fields(Profile)}
    for key, value in written.items():
        at = f"profiles.{name}.{key}"
        if key in SECRETS or key not in known:
            yield _hidden(at, ": not allowed" if key in SECRETS else ": unknown key")
        elif isinstance(value, Mapping):
            for header, held in value.items():
                yield _variable(f"{at}.{header}", held) if key == "headers-env" else _hidden(f"{at}.{header}")
        elif key.endswith("-env"):
            yield _variable(at, value)
        else:
            yield Setting(at, _shown(key, value), "config file")


def _shown(key: str, value: Any) -> Any:
    """Value of a setting without secrets."""
    if key.endswith("-command"):
        return _SET if value else ""
    if not isinstance(value, str):
        return value
    if key in ("url", "proxy"):
        return without_secrets(value)
    return _HIDDEN if looks_secret(value) else value


def _hidden(key: str, note: str = "") -> Setting:
    return Setting(key, _HIDDEN, f"config file{note}")


def _variable(key: str, name: Any) -> Setting:
    """Setting that names the variable of a secret, hidden where it may be the secret itself by mistake."""
    is_set = isinstance(name, str) and name in os.environ
    is_name = isinstance(name, str) and name.isidentifier() and name.isupper() and not looks_secret(name)
    value = name if is_set or is_name else _HIDDEN
    return Setting(key, value, f"config file; the variable is {'set' if is_set else 'not set'}")


def _variables(environ: Mapping[str, str]) -> Iterator[Setting]:
    for name, effect in VARIABLES.items():
        # proxies are read in both spellings
        for spelled in dict.fromkeys((name, name.lower() if name.endswith("_PROXY") else name)):
            if value := environ.get(spelled):
                yield Setting(spelled, _SET if name in _PRIVATE else without_secrets(value), effect)


def _text(path: Path, settings: list[Setting], variables: list[Setting]) -> Iterator[Line]:
    state = "" if file_exists(path) else " (no such file)"
    yield Line([("Config file  ", Role.TITLE), (safe(str(path)) + state, Role.PLAIN)])
    for title, rows in (("Settings", settings), ("Environment", variables)):
        yield Line()
        yield Line([(title, Role.TITLE)])
        cells = [(safe(row.key), safe(_value(row.value)), safe(row.origin)) for row in rows]
        widths = [max((len(cell[at]) for cell in cells), default=0) for at in range(2)]
        for key, value, origin in cells:
            yield Line([(f"  {key:<{widths[0]}}  {value:<{widths[1]}}  {origin}".rstrip(), Role.PLAIN)])
        if not cells:
            yield Line([("  none", Role.PLAIN)])


def _value(value: Any) -> str:
    return (
        value
        if isinstance(value, str) and value.startswith("(")
        else json.dumps(value, default=str, ensure_ascii=False)
    )
