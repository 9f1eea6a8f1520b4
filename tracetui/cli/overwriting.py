"""Protect the files that a command reads from its own output."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tracetui.model.errors import InputError, UsageError
from tracetui.model.user_path import user_path

WRITTEN: Final = ("output", "save")
"""Parameters of commands that name a file to write."""
SOURCES: Final = ("source", "sources", "baseline", "logs")
"""Parameters that name sources: files, directories, globs, and others."""
FILES: Final = ("ca", "cert", "key")
"""Parameters that name other files to read."""


def check_outputs(values: Mapping[str, Any]) -> None:
    """Raise UsageError if a command would write over a file that it reads.

    values: the parameters of the command by name.

    In the directories and globs among the sources, a file without spans, such as an earlier report, may be overwritten.
    """
    for output in (values.get(name) for name in WRITTEN):
        if not isinstance(output, Path) or not _is_file(output):
            continue
        sources = list(_texts(values, SOURCES))
        if _is_among(output, sources) or any(_is_found_in(output, source) for source in sources):
            raise UsageError(f"cannot write {output}: it is one of the sources; choose another name")
        if _is_among(output, _texts(values, FILES)):
            raise UsageError(f"cannot write {output}: it is a certificate or key in use; choose another name")
        # imported late, as it takes time
        from tracetui.config import config_path

        if _is_among(output, [str(config_path())]):
            raise UsageError(f"cannot write {output}: it is the config file; choose another name")


def _texts(values: Mapping[str, Any], names: Iterable[str]) -> Iterable[str]:
    for name in names:
        value = values.get(name) or []
        yield from [value] if isinstance(value, str) else value


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # the command reports it
        return False


def _is_among(path: Path, names: Iterable[str]) -> bool:
    for name in names:
        # no such file, or not a file name
        with contextlib.suppress(OSError, ValueError):
            if path.samefile(user_path(name)):
                return True
    return False


def _is_found_in(path: Path, source: str) -> bool:
    """Test whether a directory or a glob includes a file that holds spans."""
    from tracetui.ingest.files import STDIN, inputs

    if source == STDIN or "://" in source:
        return False
    try:
        known = path.stat()
        files = [Path(found.name) for found in inputs([source], missing=lambda *_: None) if not found.named]
    except (OSError, InputError):
        # the load reports it
        return False
    for file in files:
        with contextlib.suppress(OSError):
            if os.path.samestat(file.stat(), known):
                return _holds_spans(path)
    return False


def _holds_spans(path: Path) -> bool:
    from tracetui.ingest.loader import load

    try:
        return len(load([str(path)])) > 0
    except InputError:
        return False
