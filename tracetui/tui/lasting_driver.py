"""A terminal that goes away while something is painted does not keep the program from ending."""

from __future__ import annotations

import contextlib
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver


class _Forgiving:
    """A terminal's file to which nothing is written once it is gone. Textual's thread that writes would end by the
    error, and the program wait forever for it to write the rest.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()


def forgiving(file: IO[str] | None) -> Any:
    """The file, with what cannot be written to it dropped."""
    return file and _Forgiving(file)


class LastingDriver(LinuxDriver):
    """Textual's driver, but for a terminal that is gone."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Textual's type is that of a whole file
        self._file = forgiving(self._file)
