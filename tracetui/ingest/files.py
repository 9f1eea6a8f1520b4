"""Files, directories, globs and standard input as sources of traces."""

from __future__ import annotations

import fnmatch
import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from stat import S_ISREG

from tracetui.ingest.detect import cannot_hold_spans
from tracetui.ingest.servers.address import without_secrets
from tracetui.ingest.source_bytes import Buffer, read_file, read_stream
from tracetui.model.errors import InputError
from tracetui.model.user_path import user_path

_ANY_DEPTH = "**"
STDIN = "-"


def matching_files(pattern: str) -> list[str]:
    """Return the paths that match a glob (the standard library's `glob`), sorted, without directories."""
    parts = Path(pattern).parts
    above = [*takewhile(lambda part: part != _ANY_DEPTH, parts)]
    below = parts[len(above) :]
    found: Iterable[str]
    if below:
        top = str(Path(*above))
        found = _below(glob.iglob(top) if glob.has_magic(top) else [top], below)  # noqa: PTH207 - as below
    else:
        found = glob.iglob(pattern)  # noqa: PTH207 - pathlib rejects absolute globs
    return sorted({path for path in found if not Path(path).is_dir()})


def _below(folders: Iterable[str], parts: Sequence[str]) -> Iterator[str]:
    """Yield the files below these folders whose relative paths match."""
    for folder in folders:
        for above, directories, files in os.walk(folder):
            directories[:] = [name for name in directories if not name.startswith(".") or name in parts]
            for name in files:
                path = Path(above, name)
                if _matches(path.relative_to(folder).parts, parts):
                    yield str(path)


def _matches(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Test whether a relative path, split into names, matches the parts of a glob."""
    # possible numbers of parts that the names so far match
    matched = _with_empty({0}, parts)
    for name in names:
        following = set()
        for count in matched:
            part = parts[count] if count < len(parts) else ""
            if name.startswith(".") and not part.startswith("."):
                continue
            if part == _ANY_DEPTH:
                following.add(count)
            elif part and fnmatch.fnmatchcase(name, part):
                following.add(count + 1)
        matched = _with_empty(following, parts)
    return len(parts) in matched


def _with_empty(matched: set[int], parts: Sequence[str]) -> set[int]:
    """Add the counts reached if `**` parts match no directory at all."""
    for count in sorted(matched):
        while count < len(parts) and parts[count] == _ANY_DEPTH:
            count += 1
            matched.add(count)
    return matched


@dataclass(frozen=True, slots=True)
class Input:
    """One input: name, size in bytes (None for a pipe), and a function that reads it."""

    name: str
    size: int | None
    read: Callable[[Callable[[], bool], Callable[[str], None]], Buffer]
    """Takes a function that returns False to stop reading, and one that receives warnings. Raises OSError."""
    named: bool
    """True if the user named the file itself, not a directory or a glob."""


def inputs(
    sources: Sequence[str],
    missing: Callable[[str, str], None] | None = None,
    suggest: Callable[[str], str] = lambda _: "",
) -> Iterator[Input]:
    """Yield the files of the sources, each once.

    A missing source raises InputError, or its name and the error are passed to `missing`. `suggest` returns a text
    to follow "no such file" with other possible meanings of the source.
    """
    seen: set[tuple[int, int]] = set()
    is_stdin_read = False
    for source in sources:
        if source == STDIN:
            if sys.stdin is None:
                raise InputError(f"{STDIN}: standard input is closed")
            if not is_stdin_read:
                read = partial(read_stream, sys.stdin.buffer, cannot_hold_spans=cannot_hold_spans)
                yield Input(STDIN, None, read, named=True)
            is_stdin_read = True
            continue
        try:
            found = _resolve(source, suggest)
        except InputError as error:
            if missing is None:
                raise
            shown = without_secrets(source)
            missing(shown, str(error).removeprefix(f"{shown}: "))
            continue
        for path, named in found:
            try:
                stat = path.stat()
            except OSError as error:
                if named:
                    raise InputError(f"{path}: {error.strerror or error}") from None
                size: int | None = 0  # a broken link that a glob matches: reading it gives the error
            else:
                if (stat.st_dev, stat.st_ino) in seen:
                    continue
                seen.add((stat.st_dev, stat.st_ino))
                size = stat.st_size if S_ISREG(stat.st_mode) else None
            yield Input(str(path), size, partial(read_file, path, cannot_hold_spans=cannot_hold_spans), named)


def _resolve(source: str, suggest: Callable[[str], str]) -> list[tuple[Path, bool]]:
    if not source:
        raise InputError("empty source name; give a file, a directory, a glob or a server")
    try:
        return list(_paths(source, suggest))
    except OSError as error:
        raise InputError(f"{without_secrets(source)}: {error.strerror or error}") from None
    except ValueError as error:
        # a zero byte in a name
        raise InputError(f"{without_secrets(source)}: {error}") from None


def _paths(source: str, suggest: Callable[[str], str]) -> Iterator[tuple[Path, bool]]:
    path = user_path(source)
    shown = without_secrets(source)
    if path.is_dir():
        found = _files_in(path)
        if not found:
            raise InputError(f"{source}: no files in this directory")
        yield from ((inner, False) for inner in found)
    elif path.exists() or not glob.has_magic(source):
        if not path.exists():
            raise InputError(f"{shown}: no such file{suggest(source)}")
        yield path, True
    else:
        matches = matching_files(str(path))
        if not matches:
            suggested = suggest(source)
            what = f"such file{suggested}" if suggested else "file matches this glob"
            raise InputError(f"{shown}: no {what}")
        yield from ((Path(match), False) for match in matches)


def _files_in(folder: Path) -> list[Path]:
    """List the files of a directory tree without hidden ones. Unreadable directories are included: reading gives
    the error.
    """
    found: list[Path] = []
    for above, directories, files in os.walk(folder, onerror=lambda error: found.append(Path(error.filename))):
        directories[:] = [name for name in directories if not name.startswith(".")]
        paths = (Path(above, name) for name in files if not name.startswith("."))
        found.extend(path for path in paths if _may_be_file(path))
    return sorted(found)


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return True
