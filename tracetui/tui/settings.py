"""Settings of the screen, and the files with state that it keeps: the location for `--resume`, queries, filters."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec
import platformdirs

from tracetui.atomic_file import atomic_file
from tracetui.config import Overrides, config_path, load_config
from tracetui.ingest.servers.address import is_address, without_secrets
from tracetui.model.errors import UsageError
from tracetui.model.grafana_page import grafana_page
from tracetui.model.json_decoding import MalformedError, decode_any, encode_any
from tracetui.model.search import NOTHING, Search
from tracetui.model.trace_reference import trace_ids_in
from tracetui.model.user_path import user_path
from tracetui.tui.state import ListColumns
from tracetui.tui.themes import THEMES

_T = TypeVar("_T")
_MAX_BYTES = 1 << 22
"""Largest file that is read; the program writes none as large."""
LOCK_SECONDS = 2.0
"""Seconds to wait for another program that changes a file; a stopped one must not keep this one from ending."""
_POLL_SECONDS = 0.01
_RESUME = "resume.json"
_QUERIES = "queries.json"
_COLUMNS = "columns.json"
_FILTERS = "filters.json"
MAX_FILTERS = 200
_MAX_QUERIES = 100
LONGEST_QUERY = 1_000


class DamagedStateError(Exception):
    """A state file is damaged. It was renamed, so that the next run starts with a new one."""


class StateFile(Generic[_T]):
    """JSON file with one value that only the user can read."""

    def __init__(self, path: Path, decoder: msgspec.json.Decoder[_T]) -> None:
        self.path = path
        self._decoder = decoder

    def load(self) -> _T | None:
        """Read the value; None if the file is missing or cannot be opened.

        Raises DamagedStateError for other content; the message includes the new name of the file.
        """
        try:
            if not self.path.is_file():
                return None
            with self.path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
        except OSError:
            return None
        if len(content) > _MAX_BYTES:
            raise self._set_aside()
        try:
            return decode_any(self._decoder, content)
        except MalformedError:
            raise self._set_aside() from None

    def save(self, value: _T) -> bool:
        """Write the value. -> False if it cannot be written, which must not end the program"""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with atomic_file(self.path) as file:
                file.write(encode_any(value))
        except OSError:
            return False
        return True

    def update(self, change: Callable[[_T | None], _T]) -> bool:
        """Replace the value by a changed one, where a damaged one counts as missing. Programs that end at the same time
        do so one after the other, so that no change is lost. -> as for `save`
        """
        with self._locked():
            try:
                value = self.load()
            except DamagedStateError:
                value = None
            return self.save(change(value))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the directory for other programs. After LOCK_SECONDS, or where that is impossible, go on without."""
        until = time.monotonic() + LOCK_SECONDS
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                stack.callback(os.close, directory)
                while True:
                    try:
                        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        if time.monotonic() > until:
                            break
                    time.sleep(_POLL_SECONDS)
            yield

    def _set_aside(self) -> DamagedStateError:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        try:
            self.path.replace(aside)
        except OSError as error:
            return DamagedStateError(f"{self.path} is damaged and cannot be moved aside: {error.strerror or error}")
        return DamagedStateError(f"{self.path.name} was damaged; moved to {aside.name}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the screen. An empty theme means the default for the terminal."""

    theme: str = ""
    ascii_only: bool = False
    mouse: bool = True
    local_time: bool = False
    keymap: dict[str, str] = field(default_factory=dict)
    """Comma-separated keys by binding id."""
    ui: str = ""
    """Address of a trace's web page, as in `model.trace_page`, for sources without pages of their own."""
    hyperlinks: str = "auto"
    """As in the config file: "auto", "always" or "never"."""


class Resume(msgspec.Struct):
    """Saved location: sources, view, filter and selection."""

    sources: list[str]
    view: str = "traces"
    query: str = ""
    trace_id: str = ""
    span_id: str = ""
    logs: list[str] = []
    search: Search = NOTHING
    """Conditions for searching servers, in addition to the query."""
    overrides: Overrides = Overrides()
    rows: dict[str, str] = {}
    """Item under the cursor of each view's list, by name."""
    exact_names: bool = False


_LOCATION: Final = msgspec.json.Decoder(Resume)
_TEXTS: Final = msgspec.json.Decoder(list[str])
_NAMED_TEXTS: Final = msgspec.json.Decoder(dict[str, str])
_LIST_COLUMNS: Final = msgspec.json.Decoder(ListColumns)


def load_settings(path: Path | None = None) -> Settings:
    """Read the config file, if there is one. Raises UsageError for an invalid file or value."""
    config = load_config(path)
    if config.theme and config.theme not in THEMES:
        raise UsageError(f"{path or config_path()}: unknown theme {config.theme}; themes are {', '.join(THEMES)}")
    return Settings(
        config.theme, config.ascii, config.mouse, config.local_time, config.keymap, config.ui, config.hyperlinks
    )


def _resume_path() -> Path:
    return Path(platformdirs.user_state_dir("tracetui")) / _RESUME


def portable_sources(sources: Iterable[str]) -> list[str]:
    """Convert sources or files to a form that is valid in any directory and contains no secrets."""
    return [_portable_source(source) for source in sources]


def _portable_source(source: str) -> str:
    with contextlib.suppress(OSError, ValueError):
        path = user_path(source)
        if path.exists():
            return str(path.absolute())
        if is_address(source):
            # without its secrets, the address of a Grafana page no longer names a trace
            ids = trace_ids_in(source) if grafana_page(source) is not None else ()
            return ids[0] if ids else without_secrets(source)
        if glob.has_magic(source):
            # the directory is not part of the glob
            return os.path.join(glob.escape(str(Path.cwd())), path)  # noqa: PTH118 - a glob is not a path
    return source


def save_resume(resume: Resume) -> None:
    """Save the location. File system errors are ignored."""
    resume = msgspec.structs.replace(
        resume, sources=portable_sources(resume.sources), logs=portable_sources(resume.logs)
    )
    if _holds_secret(resume.query):
        resume = msgspec.structs.replace(resume, query="")
    StateFile(_resume_path(), _LOCATION).save(resume)


def _holds_secret(query: str) -> bool:
    # imported late, as it takes time
    from tracetui.query.complete import holds_secret

    return bool(query) and holds_secret(query)


def load_queries(warnings: list[str] | None = None) -> list[str]:
    """Read the queries of previous runs, the oldest first.

    A damaged file is renamed, with a text added to `warnings`.
    """
    try:
        return (StateFile(_queries_path(), _TEXTS).load() or [])[-_MAX_QUERIES:]
    except DamagedStateError as error:
        if warnings is not None:
            warnings.append(str(error))
        return []


def save_queries(new: Sequence[str]) -> None:
    """Add queries to the history, except those that may contain a secret. The file is read again before."""
    new = [query for query in new if len(query) <= LONGEST_QUERY and not _holds_secret(query)]
    if new:
        # a repeated query moves to the end
        StateFile(_queries_path(), _TEXTS).update(
            lambda saved: list(dict.fromkeys(reversed([*(saved or ()), *new])))[:_MAX_QUERIES][::-1]
        )


def load_filters(warnings: list[str] | None = None) -> dict[str, str]:
    """Read the filters saved by name, as many of the newest as can be shown.

    A damaged file is renamed, with a text added to `warnings`.
    """
    try:
        saved = StateFile(_filters_path(), _NAMED_TEXTS).load() or {}
    except DamagedStateError as error:
        if warnings is not None:
            warnings.append(str(error))
        return {}
    shown = [(name, query) for name, query in saved.items() if len(query) <= LONGEST_QUERY]
    return dict(shown[-MAX_FILTERS:])


def save_filters(changed: Mapping[str, str | None]) -> bool:
    """Save filters by name, or remove those that are None. The file is read again before; its other filters stay.

    -> False if the file cannot be written
    """
    return not changed or StateFile(_filters_path(), _NAMED_TEXTS).update(
        lambda saved: {name: query for name, query in {**(saved or {}), **changed}.items() if query is not None}
    )


def _filters_path() -> Path:
    return _resume_path().with_name(_FILTERS)


def load_columns(warnings: list[str]) -> ListColumns:
    """Read the columns of the list of traces. A damaged file is renamed, with a text added to `warnings`."""
    try:
        return StateFile(_columns_path(), _LIST_COLUMNS).load() or ListColumns()
    except DamagedStateError as error:
        warnings.append(str(error))
        return ListColumns()


def save_columns(columns: ListColumns) -> None:
    """Save the columns of the list of traces."""
    StateFile(_columns_path(), _LIST_COLUMNS).save(columns)


def _columns_path() -> Path:
    return _resume_path().with_name(_COLUMNS)


def _queries_path() -> Path:
    return _resume_path().with_name(_QUERIES)


def load_resume() -> Resume:
    """Read the saved location.

    Raises UsageError if there is none, or the file was damaged and renamed.
    """
    try:
        resume = StateFile(_resume_path(), _LOCATION).load()
    except DamagedStateError as error:
        raise UsageError(f"nothing to resume: {error}, in {_resume_path().parent}") from None
    if resume is None:
        raise UsageError("nothing to resume yet: open something first")
    return resume
