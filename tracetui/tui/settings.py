"""Settings of the screen, the state that `--resume` returns to, and the query history."""

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
from tracetui.ingest.servers.address import is_address, without_secrets
from tracetui.model.errors import UsageError
from tracetui.model.grafana_page import grafana_page
from tracetui.model.search import NOTHING, Search
from tracetui.model.trace_reference import trace_ids_in
from tracetui.tui.state_file import DamagedStateError, StateFile
from tracetui.tui.themes import THEMES

_RESUME = "resume.json"
_QUERIES = "queries.json"
_MOST_QUERIES = 100
_LONGEST_QUERY = 1_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the screen. An empty theme means: by the terminal."""

    theme: str = ""
    ascii_only: bool = False
    mouse: bool = True
    local_time: bool = False
    keymap: dict[str, str] = field(default_factory=dict)
    """Binding id -> keys, comma-separated."""


class Resume(msgspec.Struct):
    """Saved location: enough to come back to the same span of the same sources."""

    sources: list[str]
    view: str = "traces"
    query: str = ""
    trace_id: str = ""
    span_id: str = ""
    logs: list[str] = []
    search: Search = NOTHING
    """Further conditions of the servers' search."""
    overrides: Overrides = Overrides()
    rows: dict[str, str] = {}
    """Item under the cursor of each view's list, by name."""
    exact_names: bool = False


def load_settings(path: Path | None = None) -> Settings:
    """Read the config file; without one use the defaults. Raises UsageError that names the fault."""
    config = load_config(path)
    if config.theme and config.theme not in THEMES:
        raise UsageError(f"{path or config_path()}: unknown theme {config.theme}; themes are {', '.join(THEMES)}")
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
            # what stays of a page of Grafana without what may be a secret names no trace any more
            ids = trace_ids_in(source) if grafana_page(source) is not None else ()
            return ids[0] if ids else without_secrets(source)
        if glob.has_magic(source):
            # what is special in a pattern is not in the name of the directory that it is meant in
            return os.path.join(glob.escape(str(Path.cwd())), path)  # noqa: PTH118 - a pattern is no path
    return source


def save_resume(resume: Resume) -> None:
    """Remember where the user is. Not being able to is no reason to trouble them."""
    resume = msgspec.structs.replace(resume, sources=from_anywhere(resume.sources), logs=from_anywhere(resume.logs))
    if not _may_be_kept(resume.query):
        resume = msgspec.structs.replace(resume, query="")
    StateFile(_resume_path(), Resume).save(resume)


def _may_be_kept(query: str) -> bool:
    # of what the first query imports
    from tracetui.query.secrecy import holds_secret

    return not query or not holds_secret(query)


def load_queries(warnings: list[str] | None = None) -> list[str]:
    """Read the queries of former runs, the oldest first.

    A damaged file is set aside, and that is added to `warnings`.
    """
    try:
        return (StateFile(_queries_path(), list[str]).load() or [])[-_MOST_QUERIES:]
    except DamagedStateError as error:
        if warnings is not None:
            warnings.append(str(error))
        return []


def save_queries(asked: Sequence[str]) -> None:
    """Remember queries for later runs, but for those that may hold a secret. Other runs may have added theirs."""
    kept = [query for query in asked if len(query) <= _LONGEST_QUERY and _may_be_kept(query)]
    if kept:
        # each where it was asked last
        queries = list(dict.fromkeys(reversed([*load_queries(), *kept])))[:_MOST_QUERIES]
        StateFile(_queries_path(), list[str]).save(queries[::-1])


def _queries_path() -> Path:
    return _resume_path().with_name(_QUERIES)


def load_resume() -> Resume:
    """Read where the user was.

    Raises UsageError if nothing is remembered, or the file was damaged; it is set aside then.
    """
    try:
        resume = StateFile(_resume_path(), Resume).load()
    except DamagedStateError as error:
        raise UsageError(f"nothing to resume: {error}, in {_resume_path().parent}") from None
    if resume is None:
        raise UsageError("nothing to resume yet: open something first")
    return resume
