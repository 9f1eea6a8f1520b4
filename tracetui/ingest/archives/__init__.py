"""Archives: several files in one, told by their first bytes, and the registry of those that are read."""

from __future__ import annotations

import re
from typing import Final

from tracetui.ingest.archives.archive import Archive
from tracetui.ingest.archives.tar import Tar
from tracetui.ingest.archives.zip import Zip
from tracetui.ingest.buffers import Buffer

ARCHIVES: Final[tuple[Archive, ...]] = (Zip(), Tar())
"""The archives that are read."""
_OTHERS: Final = (
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "a 7z archive"),
    (re.compile(rb"Rar!\x1a\x07"), "a RAR archive"),
    (re.compile(rb"\x04\x22\x4d\x18"), "LZ4 data"),
    (re.compile(rb"\x1f[\x9d\xa0]"), "data of Unix compress (.Z)"),
    (re.compile(rb"MSCF\0\0\0\0"), "a cabinet archive (.cab)"),
    (re.compile(rb"!<arch>\n"), "an ar archive"),
    (re.compile(rb"0707(?:01|02|07)"), "a cpio archive"),
)


def find_archive(data: Buffer) -> Archive | None:
    """Return the kind of archive that some bytes are; None if they are none that can be read."""
    return next((archive for archive in ARCHIVES if archive.detect(data)), None)


def unread_archive(data: Buffer) -> str:
    """Name an archive or compressed data of a kind that is not read; '' if the bytes are none."""
    head = data[:16]
    return next((name for pattern, name in _OTHERS if pattern.match(head)), "")
