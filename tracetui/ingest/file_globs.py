"""Expand globs to files. Below `**`, links to directories are not followed, as they may form endless loops."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

_ANY_DEPTH = "**"


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
