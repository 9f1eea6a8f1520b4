"""The contract of an archive."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from tracetui.ingest.buffers import Buffer

MOST_MEMBERS: Final = 10_000
"""Files in an archive that are read."""
_LONGEST_NAME: Final = 300


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A file in an archive."""

    name: str
    """As the archive has it: text to show, and never a path to open."""
    size: int
    """Bytes it takes in the archive."""
    unpack: Callable[[], Iterator[bytes]]
    """Yields what it holds in bounded pieces. Raises UnpackError where that is damaged or ends early."""
    unreadable: str = ""
    """Why it cannot be read at all."""


class Archive(ABC):
    """Several files in one.

    Nothing is written to disk, and nothing but the list of members is read before a member is unpacked. What an
    archive says of sizes is believed of none: whoever unpacks a member stops at a limit.
    """

    name: ClassVar[str]
    """As people call it: "zip archive"."""

    @abstractmethod
    def detect(self, data: Buffer) -> bool:
        """Tell whether some bytes are such an archive."""

    @abstractmethod
    def members(self, data: Buffer, warn: Callable[[str], None]) -> Iterator[ArchiveMember]:
        """Yield the files, in their order, directories left out. Warn of damage to the archive itself."""


def shown_name(raw: bytes, encoding: str = "utf-8") -> str:
    """The name of a member as text."""
    return raw.decode(encoding, "replace")[:_LONGEST_NAME]
