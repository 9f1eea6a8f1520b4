"""Faults of a config file, each with its key."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from tracetui.config import SECRETS, Config, Profile, read_table, secret_text
from tracetui.ingest.servers.address import is_address, parse_address
from tracetui.ingest.servers.resolve import PROFILE_NAME
from tracetui.model.colours import check_colour
from tracetui.model.errors import UsageError
from tracetui.model.times import parse_duration
from tracetui.model.trace_page import check_template
from tracetui.model.user_path import user_path
from tracetui.query.errors import nearest

_FILES: Final = ("ca", "cert", "key", "token-file", "password-file")
_DURATIONS: Final = ("lookback", "timeout")


@dataclass(frozen=True, slots=True)
class Fault:
    """Fault of a config file. `key`: path of the setting, such as `profiles.prod.url`."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


def faults_in(path: Path) -> list[Fault]:
    """Find all faults of a config file. Raises UsageError if it cannot be read, or is not TOML."""
    return list(_faults(read_table(path)))


def _faults(written: Mapping[str, Any]) -> Iterator[Fault]:
    sound = yield from _checked_types("", written, Config)
    if theme := sound.get("theme"):
        # the screen's modules take long to import
        from tracetui.tui.themes import THEMES

        if theme not in THEMES:
            yield Fault("theme", f"unknown theme {theme}; themes are {', '.join(THEMES)}")
    for action, keys in sound.get("keymap", {}).items():
        from tracetui.tui.keys.keymap import check_keymap

        try:
            check_keymap({action: keys})
        except UsageError as error:
            yield Fault(f"keymap.{action}", str(error).removeprefix("keymap: ").removeprefix(f"{action}: "))
    yield from _ui_faults("", sound)
    for name, profile in sound.get("profiles", {}).items():
        yield from _profile_faults(name, profile)


def _ui_faults(at: str, sound: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        check_template(sound.get("ui", ""))
    except UsageError as error:
        yield Fault(f"{at}ui", str(error).removeprefix("ui is "))


def _profile_faults(name: str, written: Mapping[str, Any]) -> Iterator[Fault]:
    at = f"profiles.{name}."
    if not PROFILE_NAME.fullmatch(name):
        yield Fault(f"profiles.{name}", "a profile's name has up to 64 letters, digits, dots, dashes or underscores")
    for key in sorted(SECRETS & written.keys()):
        yield Fault(f"{at}{key}", secret_text(key))
    sound = yield from _checked_types(at, {key: held for key, held in written.items() if key not in SECRETS}, Profile)
    if not written.get("url"):
        yield Fault(f"{at}url", "missing; write a server as http://host:port")
    elif url := sound.get("url"):
        try:
            if not is_address(url):
                raise UsageError("not a server address such as http://host:port or unix:/path")
            parse_address(url)
        except UsageError as error:
            yield Fault(f"{at}url", str(error))
    # HTTP takes long to import
    from tracetui.ingest.servers.registry import check_kind

    try:
        check_kind(sound.get("kind", ""))
    except UsageError as error:
        yield Fault(f"{at}kind", str(error))
    try:
        check_colour(sound.get("colour", ""))
    except UsageError as error:
        yield Fault(f"{at}colour", str(error))
    for key in _DURATIONS:
        try:
            if sound.get(key):
                parse_duration(sound[key])
        except UsageError as error:
            yield Fault(f"{at}{key}", str(error))
    yield from _ui_faults(at, sound)
    for key in _FILES:
        if sound.get(key) and not _is_readable(sound[key]):
            yield Fault(f"{at}{key}", f"cannot read {sound[key]}")


def _checked_types(at: str, written: Mapping[str, Any], kind: type) -> Generator[Fault, None, dict[str, Any]]:
    """Yield a fault for each unknown key and each value of the wrong type. -> the other settings"""
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    sound: dict[str, Any] = {}
    for key, value in written.items():
        if key not in known:
            near = nearest(key, known)
            yield Fault(f"{at}{key}", "unknown key; " + (f"nearest: {near}" if near else f"keys: {', '.join(known)}"))
            continue
        # each entry of a table on its own
        parts = (
            {f".{name}": {name: held} for name, held in value.items()} if isinstance(value, Mapping) else {"": value}
        )
        for name, part in parts.items():
            try:
                msgspec.convert({key: part}, kind)
            except msgspec.ValidationError as error:
                yield Fault(f"{at}{key}{name}", str(error).partition(" - at `$")[0])
                continue
            if name:
                sound.setdefault(key, {}).update(part)
            else:
                sound[key] = part
    return sound


def _is_readable(file: str) -> bool:
    path = user_path(file)
    try:
        # a named pipe would wait for a writer if it were opened
        return os.access(path, os.R_OK) and not path.is_dir()
    except ValueError:
        return False
