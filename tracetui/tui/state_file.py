"""Files with state that the screen keeps between runs."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from tracetui.atomic_file import atomic_file
from tracetui.model.json_decoding import MalformedError, decode_any, encode_any

_T = TypeVar("_T")

_MAX_BYTES = 1 << 22
"""Largest file that is read; the program writes none as large."""


class DamagedStateError(Exception):
    """A state file is damaged. It was renamed, so that the next run starts with a new one."""


class StateFile(Generic[_T]):
    """JSON file with one value that only the user can read."""

    def __init__(self, path: Path, kind: type[_T]) -> None:
        self.path = path
        self._decoder: msgspec.json.Decoder[_T] = msgspec.json.Decoder(kind)

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

    def save(self, value: _T) -> None:
        """Write the value. File system errors are ignored, as a run must not fail because of them."""
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with atomic_file(self.path) as file:
                file.write(encode_any(value))

    def _set_aside(self) -> DamagedStateError:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        try:
            self.path.replace(aside)
        except OSError as error:
            return DamagedStateError(f"{self.path} is damaged and cannot be moved aside: {error.strerror or error}")
        return DamagedStateError(f"{self.path.name} was damaged; moved to {aside.name}")
