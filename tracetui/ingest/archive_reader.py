"""Read the files in an archive, within the available memory and limits set by the size of the archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tracetui.ingest.archives.archive import MAX_FILES, Archive, ArchiveMember
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.decompress import UnpackError
from tracetui.ingest.limits import MAX_PACKED_RATIO, MIN_LIMIT, decoding_limit, input_limit
from tracetui.ingest.source_bytes import Buffer, UnpackBuffer, format_size
from tracetui.model.errors import LoadWarning, shortened

MAX_NESTED: Final = 2
"""Depth to which archives within archives are read."""
_MAX_LISTED: Final = 5
_SYSTEM_FILES: Final = ("__MACOSX/", "._")
"""Prefixes of files that macOS adds to an archive."""
_SYSTEM_NAMES: Final = (".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(slots=True)
class Budget:
    """Bytes that may still be unpacked from an archive, including compressed data in its files.

    Each file has a share by its packed size, so that one that expands to anything leaves the others theirs.
    """

    share: int
    """Bytes for the current file."""
    extra: int
    """Bytes for all files, for those that expand to more."""
    max_cost: int
    """Limit for decoding any one of its files, in the unit of `limits.decoding_cost`."""

    @classmethod
    def of(cls, packed_size: int) -> Budget:
        """Compute the budget of an archive of this size. It may exceed the memory, as files are read one at a time."""
        return cls(MAX_PACKED_RATIO * packed_size, MIN_LIMIT, decoding_limit(packed_size))

    def spend(self, size: int) -> None:
        """Count bytes that were unpacked."""
        from_share = min(size, self.share)
        self.share -= from_share
        self.extra -= size - from_share

    @property
    def limit(self) -> int:
        """Size limit of what is unpacked next."""
        return min(self.share + max(self.extra, 0), input_limit())


MemberReader = Callable[[Buffer, DecodeContext, Budget, float, float], bool]
"""Reads a file, given its begin and end as shares (0 to 1) of the archive. -> True if its format is known"""


def read_members(
    data: Buffer,
    archive: Archive,
    context: DecodeContext,
    budget: Budget,
    read: MemberReader,
    go_on: Callable[[], bool],
) -> None:
    """Decode the files of an archive; warnings name a file as `archive.zip:file.json`."""
    before = len(context.intake)
    # divided among the files
    shares = budget.share
    skipped = 0
    others: list[str] = []
    other_warnings: list[LoadWarning] = []
    done = count = 0
    for count, member in enumerate(archive.members(data, context.warn), 1):
        if not go_on() or context.intake.is_full():
            return
        if count > MAX_FILES:
            context.warn(f"more than {MAX_FILES:,} files in the {archive.name}; the rest was skipped")
            break
        at = DecodeContext(context.intake, f"{context.file}:{member.name}")
        if _is_system_file(member.name):
            continue
        if member.unreadable:
            at.warn(member.unreadable)
            continue
        warnings = len(context.intake.warnings)
        # stated sizes may be wrong
        budget.share = min(MAX_PACKED_RATIO * member.size, shares)
        shares -= budget.share
        content, is_whole = _unpack(member, at, budget, go_on)
        share = done / max(len(data), 1), min((done + member.size) / max(len(data), 1), 1.0)
        done += member.size
        if content is None:
            skipped += 1
            continue
        spans = len(context.intake)
        is_known = read(content, at, budget, *share)
        found, more = context.intake.warnings.pop(warnings)
        if not is_known and is_whole and len(context.intake) == spans:
            others.append(member.name)
            other_warnings += found[:_MAX_LISTED]
            continue
        for warning in shortened(at.file, found, more):
            context.intake.warnings.add(warning.file, warning.position, warning.message)
    if skipped:
        limit = format_size(MAX_PACKED_RATIO * len(data))
        context.warn(f"its files unpack to more than {limit}; {_counted(skipped)} skipped")
    if not count:
        context.warn(f"the {archive.name} contains no files")
    elif others and len(context.intake) == before:
        context.warn(f"no file in the {archive.name} contains spans: {_listed(others)}")
        for warning in shortened(context.file, other_warnings, 0):
            context.intake.warnings.add(warning.file, warning.position, warning.message)
    elif others:
        context.warn(f"{_counted(len(others))} without spans skipped: {_listed(others)}")


def _unpack(
    member: ArchiveMember, context: DecodeContext, budget: Budget, go_on: Callable[[], bool]
) -> tuple[Buffer | None, bool]:
    """Unpack a member. -> its readable content, None once the budget is spent; True if the content is complete"""
    limit = budget.limit
    if limit <= 0:
        return None, False
    # the stated size is only a hint; an anonymous map takes no memory until it is written to
    out = UnpackBuffer(limit, budget.max_cost)
    is_whole = True
    try:
        for piece in member.unpack():
            if not out.add(piece):
                context.warn(f"{out.problem}; the rest was skipped")
                is_whole = False
                break
            if not go_on():
                is_whole = False
                break
    except UnpackError as error:
        context.warn(f"damaged in the archive ({error}); everything before it was read")
        is_whole = False
    budget.spend(out.size)
    return out.content(), is_whole


def _counted(files: int) -> str:
    return f"{files:,} {'file' if files == 1 else 'files'}"


def _is_system_file(name: str) -> bool:
    base = name.replace("\\", "/").rpartition("/")[2]
    return name.startswith(_SYSTEM_FILES[0]) or base.startswith(_SYSTEM_FILES[1]) or base in _SYSTEM_NAMES


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED:,} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + more
