"""Registry of the supported archive formats, detected by their first bytes."""

from __future__ import annotations

import re
from typing import Final

from tracetui.ingest.archives.archive import Archive
from tracetui.ingest.archives.tar import Tar
from tracetui.ingest.archives.zip import Zip
from tracetui.ingest.source_bytes import Buffer

ARCHIVES: Final[tuple[Archive, ...]] = (Zip(), Tar())
"""The supported archive formats."""
_OTHERS: Final = (
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "a 7z archive"),
    (re.compile(rb"Rar!\x1a\x07"), "a RAR archive"),
    (re.compile(rb"\x04\x22\x4d\x18"), "LZ4 data"),
    (re.compile(rb"\x1f[\x9d\xa0]"), "data of Unix compress (.Z)"),
    (re.compile(rb"\x5d\0\0[\0-\xff]{2}\xff{8}"), "LZMA data"),
    (re.compile(rb"LZIP\x01"), "lzip data"),
    (re.compile(rb"\x89LZO\0"), "lzop data"),
    (re.compile(rb"\xff\x06\0\0sNaPpY"), "Snappy data"),
    (re.compile(rb"\xed\xab\xee\xdb"), "an RPM package"),
    (re.compile(rb"xar!"), "a xar archive"),
    (re.compile(rb"MSCF\0\0\0\0"), "a cabinet archive (.cab)"),
    (re.compile(rb"!<arch>\n"), "an ar archive"),
    (re.compile(rb"0707(?:01|02|07)"), "a cpio archive"),
)


def find_archive(data: Buffer) -> Archive | None:
    """Detect the archive format of some bytes; None if they are not a supported archive."""
    return next((archive for archive in ARCHIVES if archive.detect(data)), None)


def unread_archive(data: Buffer) -> str:
    """Name the unsupported archive or compression format of some bytes; '' if they are neither."""
    head = data[:16]
    return next((name for pattern, name in _OTHERS if pattern.match(head)), "")
