"""What the user has set for the screen, the state that `--resume` returns to, and the queries of former runs."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import platformdirs

from tracetui.config import Overrides, config_path, load_config
from tracetui.ingest.sources.address import is_address, without_secrets
from tracetui.model.problems import UsageError
from tracetui.model.search import NOTHING, Search
from tracetui.tui.themes import THEMES

_RESUME = "resume.json"
_QUERIES = "queries.json"
_MOST_QUERIES = 100
_LONGEST_QUERY = 1_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user has set once and for all. An empty theme means: by the terminal."""

    theme: str = ""
    ascii_only: bool = False
    mouse: bool = True
    local_time: bool = False
    keymap: dict[str, str] = field(default_factory=dict)
    """Binding id -> keys, comma-separated."""


class Resume(msgspec.Struct):
    """Where the user was: enough to come back to the same span of the same sources."""

    sources: list[str]
    view: str = "traces"
    query: str = ""
    trace_id: str = ""
    span_id: str = ""
    logs: list[str] = []
    search: Search = NOTHING
    """What servers were asked for besides."""
    overrides: Overrides = Overrides()
    rows: dict[str, str] = {}
    """What the cursor of each view's list is on, by name."""


def load_settings(path: Path | None = None) -> Settings:
    """Read the config file; without one the defaults. UsageError names what is wrong in it."""
    config = load_config(path)
    if config.theme and config.theme not in THEMES:
        raise UsageError(f"{path or config_path()}: no theme {config.theme}; there are {', '.join(THEMES)}")
    return Settings(config.theme, config.ascii, config.mouse, config.local_time, config.keymap)


def _resume_path() -> Path:
    return Path(platformdirs.user_state_dir("tracetui")) / _RESUME


def from_anywhere(sources: Iterable[str]) -> list[str]:
    """Sources or files by names that mean the same from any directory, and may be kept; profiles and - do anyway."""
    return [_from_anywhere(source) for source in sources]


def _from_anywhere(source: str) -> str:
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        path = Path(source).expanduser()
        if path.exists():
            return str(path.absolute())
        if is_address(source):
            return without_secrets(source)
        if glob.has_magic(source):
            # what is special in a pattern is not in the name of the directory that it is meant in
            return os.path.join(glob.escape(str(Path.cwd())), path)  # noqa: PTH118 - a pattern is no path
    return source


def save_resume(resume: Resume) -> None:
    """Remember where the user is. Not being able to is no reason to trouble them."""
    path = _resume_path()
    resume = msgspec.structs.replace(resume, sources=from_anywhere(resume.sources), logs=from_anywhere(resume.logs))
    if not _may_be_kept(resume.query):
        resume = msgspec.structs.replace(resume, query="")
    _keep(path, msgspec.json.encode(resume))


def _keep(path: Path, content: bytes) -> None:
    """Write a file that is the user's alone."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        unfinished.replace(path)


def _may_be_kept(query: str) -> bool:
    # of what the first query imports
    from tracetui.analysis.query.private import holds_secret

    return not query or not holds_secret(query)


def load_queries() -> list[str]:
    """The queries of former runs, the oldest first."""
    try:
        return msgspec.json.decode(_queries_path().read_bytes(), type=list[str])[-_MOST_QUERIES:]
    except (OSError, msgspec.DecodeError):
        return []


def save_queries(asked: Sequence[str]) -> None:
    """Remember queries for later runs, but for those that may hold a secret. Other runs may have added theirs."""
    kept = [query for query in asked if len(query) <= _LONGEST_QUERY and _may_be_kept(query)]
    if kept:
        # each where it was asked last
        queries = list(dict.fromkeys(reversed([*load_queries(), *kept])))[:_MOST_QUERIES]
        _keep(_queries_path(), msgspec.json.encode(queries[::-1]))


def _queries_path() -> Path:
    return _resume_path().with_name(_QUERIES)


def load_resume() -> Resume:
    """Where the user was. UsageError if nothing is remembered."""
    try:
        return msgspec.json.decode(_resume_path().read_bytes(), type=Resume)
    except (OSError, msgspec.DecodeError):
        raise UsageError("there is nothing to resume yet: open something first") from None
