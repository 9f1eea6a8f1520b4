"""Read the files in an archive, within what memory there is and what its own size allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tracetui.ingest.archives.archive import MOST_MEMBERS, Archive, ArchiveMember
from tracetui.ingest.buffers import Buffer, UnpackBuffer, format_size
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.decompress import UnpackError
from tracetui.ingest.limits import LEAST, MOST_PACKED_TIMES, decoding_limit, input_limit
from tracetui.model.errors import LoadWarning, shortened

MOST_NESTED: Final = 2
"""An archive in an archive is read, one in that is not."""
_NAMED: Final = 5
_BY_SYSTEMS: Final = ("__MACOSX/", "._")
"""What names begin with that a system has put beside the files of people."""
_OF_SYSTEMS: Final = (".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(slots=True)
class Budget:
    """How many bytes may still be unpacked from an archive, with all that is packed within its files."""

    left: int
    most_cost: int
    """What decoding one of its files may cost, by `limits.decoding_cost`."""

    @classmethod
    def of(cls, packed_size: int) -> Budget:
        """The budget of an archive of this size. It may be above the memory, as one file after the other is read."""
        return cls(max(MOST_PACKED_TIMES * packed_size, LEAST), decoding_limit(packed_size))

    def take(self, size: int) -> None:
        """Count bytes that were unpacked."""
        self.left -= size

    @property
    def limit(self) -> int:
        """How large the next file may be."""
        return min(max(self.left, 0), input_limit())


Read = Callable[[Buffer, DecodeContext, Budget, float, float], bool]
"""Reads a file of an archive, which is from one share (0 to 1) of it to another. -> whether it is anything known"""


def take_members(
    data: Buffer, archive: Archive, context: DecodeContext, budget: Budget, read: Read, go_on: Callable[[], bool]
) -> None:
    """Take in the spans that the files of an archive hold; warnings name a file as `archive.zip:file.json`."""
    before = len(context.intake)
    others: list[str] = []
    of_others: list[LoadWarning] = []
    done = count = 0
    for count, member in enumerate(archive.members(data, context.warn), 1):
        if not go_on() or context.intake.is_full():
            return
        if count > MOST_MEMBERS:
            context.warn(f"more than {MOST_MEMBERS:,} files in the {archive.name}; the rest was skipped")
            break
        here = DecodeContext(context.intake, f"{context.file}:{member.name}")
        if _is_of_system(member.name):
            continue
        if member.unreadable:
            here.warn(member.unreadable)
            continue
        warnings = len(context.intake.warnings)
        content, is_whole = _unpacked(member, here, budget, go_on)
        share = done / max(len(data), 1), min((done + member.size) / max(len(data), 1), 1.0)
        done += member.size
        if content is None:
            context.warn(
                f"its files unpack to more than {format_size(MOST_PACKED_TIMES * len(data))}; the rest was skipped"
            )
            break
        spans = len(context.intake)
        is_known = read(content, here, budget, *share)
        found, more = context.intake.take_warnings(warnings)
        if not is_known and is_whole and len(context.intake) == spans:
            others.append(member.name)
            of_others += found[:_NAMED]
            continue
        for warning in shortened(here.file, found, more):
            context.intake.warn(warning.file, warning.position, warning.message)
    if not count:
        context.warn(f"the {archive.name} holds no files")
    elif others and len(context.intake) == before:
        context.warn(f"no file of the {archive.name} holds spans: {_listed(others)}")
        for warning in shortened(context.file, of_others, 0):
            context.intake.warn(warning.file, warning.position, warning.message)
    elif others:
        context.warn(
            f"{len(others):,} {'file' if len(others) == 1 else 'files'} without spans skipped: {_listed(others)}"
        )


def _unpacked(
    member: ArchiveMember, context: DecodeContext, budget: Budget, go_on: Callable[[], bool]
) -> tuple[Buffer | None, bool]:
    """What can be read of a member, and whether that is all of it; None where nothing more may be unpacked."""
    limit = budget.limit
    if limit <= 0:
        return None, False
    # the stated size is only a hint, and an anonymous map takes no memory before it is written to
    out = UnpackBuffer(limit, budget.most_cost)
    is_whole = True
    try:
        for piece in member.unpack():
            if not out.add(piece):
                context.warn(f"{out.trouble}; the rest was skipped")
                is_whole = False
                break
            if not go_on():
                is_whole = False
                break
    except UnpackError as error:
        context.warn(f"damaged in the archive ({error}); what came before is kept")
        is_whole = False
    budget.take(out.size)
    return out.whole(), is_whole


def _is_of_system(name: str) -> bool:
    base = name.replace("\\", "/").rpartition("/")[2]
    return name.startswith(_BY_SYSTEMS[0]) or base.startswith(_BY_SYSTEMS[1]) or base in _OF_SYSTEMS


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
