"""Base class of the archive formats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from tracetui.ingest.source_bytes import Buffer

MAX_FILES: Final = 10_000
"""Number of files of an archive that are read."""
_LONGEST_NAME: Final = 300


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """File in an archive."""

    name: str
    """Name in the archive: only for display, never a path to open."""
    size: int
    """Packed size in bytes."""
    unpack: Callable[[], Iterator[bytes]]
    """Yields its content in bounded pieces. Raises UnpackError if it is damaged or ends early."""
    unreadable: str = ""
    """Reason why it cannot be read; '' if it can."""


class Archive(ABC):
    """Archive format.

    Nothing is written to disk, and only the list of members is read before a member is unpacked. Sizes stated in an
    archive are not trusted: the caller stops unpacking at a limit.
    """

    name: ClassVar[str]
    """Name for display: "zip archive"."""

    @abstractmethod
    def detect(self, data: Buffer) -> bool:
        """Test whether some bytes are an archive of this format."""

    @abstractmethod
    def members(self, data: Buffer, warn: Callable[[str], None]) -> Iterator[ArchiveMember]:
        """Yield the files in order, without directories. Warn about damage to the archive itself."""


def shown_name(raw: bytes, encoding: str = "utf-8") -> str:
    """Decode the name of a member for display."""
    return raw.decode(encoding, "replace")[:_LONGEST_NAME]
