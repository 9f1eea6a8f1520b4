"""Write files completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
"""Permissions of a file that only the user can read and write."""
SHARED = 0o666
"""Permissions of an ordinary new file, to which the umask applies."""
NOTICE_SECONDS = 1.0
"""Seconds without a reader of a named pipe after which the wait is noticed."""
READER_SECONDS = 10.0
"""Seconds to wait for a reader of a named pipe."""

_EXISTS = "it already exists; choose another name"
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_POLL_SECONDS = 0.05
"""Seconds between checks for a reader."""


@contextmanager
def atomic_file(
    path: Path, mode: int = PRIVATE, *, keep_mode: bool = False, replace: bool = True
) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path` at the end of the block; if the block raises, `path` is unchanged.

    The new file is created exclusively in the same directory, so that a link placed there in advance is not followed.
    It has `mode`, less the umask; with `keep_mode` the mode of the file that it replaces.

    Raises FileExistsError if `path` is not a plain file (a link, a device, a pipe, a directory), or exists and must not
    be replaced, PermissionError if it is read-only, and any OSError of writing; the unfinished file is removed.
    """
    check_replaceable(path)
    if not replace and path.exists():
        raise FileExistsError(0, _EXISTS)
    unfinished = path.with_name(f".{path.name[:200]}.{os.urandom(8).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(unfinished, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if keep_mode and path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            yield file
            file.flush()
            # some file systems report a full disk only now
            os.fsync(file.fileno())
        if replace:
            unfinished.replace(path)
        else:
            _rename_new(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def check_replaceable(path: Path) -> None:
    """Raise FileExistsError if `path` exists and is not a plain file, and PermissionError if it is read-only."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise FileExistsError(0, "it is a symbolic link; give the file that it points to")
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise FileExistsError(0, "it is not a regular file")
    # also for root, to whom all files are writable
    if not found.st_mode & _WRITABLE or not os.access(path, os.W_OK):
        raise PermissionError(0, "it is read-only; choose another name, or make it writable")


def _rename_new(unfinished: Path, path: Path) -> None:
    """Rename a file unless the new name exists, also if it has appeared meanwhile. Raises FileExistsError."""
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        raise FileExistsError(0, _EXISTS) from None
    except OSError:
        # a file system without hard links
        if path.exists():
            raise FileExistsError(0, _EXISTS) from None
        unfinished.replace(path)


def is_stream(path: Path) -> bool:
    """Test whether `path` is a terminal, a pipe or a device, which is written to directly."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def open_stream(path: Path, on_wait: Callable[[], object] = lambda: None) -> BinaryIO:
    """Open a terminal, a pipe or a device for writing. Raises OSError, also if a named pipe has no reader.

    on_wait: called once after `NOTICE_SECONDS` without a reader.
    """
    began = time.monotonic()
    is_noticed = False
    while True:
        try:
            # a blocking open would wait for a reader without end or message
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
            break
        except OSError as error:
            if error.errno != errno.ENXIO or not path.is_fifo():
                raise
            waited = time.monotonic() - began
            if waited > NOTICE_SECONDS and not is_noticed:
                is_noticed = True
                on_wait()
            if waited > READER_SECONDS:
                raise OSError(0, f"nothing reads from this pipe (waited for {READER_SECONDS:.0f} s)") from None
        time.sleep(_POLL_SECONDS)
    os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "wb")
