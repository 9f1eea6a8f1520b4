"""Loading sources into a trace set."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from tracetui.config import Overrides
from tracetui.ingest.contents import decode
from tracetui.ingest.place import Place
from tracetui.ingest.sources.files import Input, inputs
from tracetui.ingest.sources.served import Server, documents, downloaded, opened, server_at
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.problems import BackEndError, InputError, LoadWarning
from tracetui.model.search import NOTHING, Search, describe
from tracetui.model.traces import TraceSet

if TYPE_CHECKING:
    # what speaks HTTP takes a while to be imported, and files need none of it
    from tracetui.ingest.sources.back_end import BackEnd

_NO_OVERRIDES = Overrides()
WARNINGS_PER_FILE = 20
"""More warnings about one file than this are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load is. `share` is 0 to 1, by the bytes of all sources; 0 where their size is not known.

    all_read: nothing is left but to put the spans together.
    """

    name: str
    share: float
    spans: int
    all_read: bool = False


class StopReading(Exception):  # noqa: N818 - an instruction, like StopIteration
    """Raised by a `progress` function: read no further, and make a set of what has arrived."""


def load(
    sources: Sequence[str],
    progress: Callable[[Progress], None] = lambda _: None,
    arrived: Callable[[Callable[[], TraceSet]], None] = lambda _: None,
    *,
    keep_going: bool = False,
    search: Search = NOTHING,
    overrides: Overrides = _NO_OVERRIDES,
    told: Callable[[str], None] = lambda _: None,
) -> TraceSet:
    """Read files, directories, patterns and standard input (`-`) of any format and servers, in any mixture.

    Servers are asked for what `search` says; `told` hears what each was asked for and how much came. Spans of one
    trace meet wherever they come from. What is damaged is left out and named in the set's `load_warnings`. `arrived`
    is called from time to time with a function that makes a set of what is here so far.

    Raises InputError when there is no span in all of them, but for servers that have none to send, and when a source
    cannot be read (BackEndError for a server); with `keep_going` the others are read all the same, and that one is
    named in the warnings. UsageError: an address or a profile cannot be used.
    """
    intake = Intake()
    servers = [(source, server_at(source)) for source in sources]
    paths = [source for source, server in servers if server is None]
    answered = False

    def leave_out(name: str, what: str) -> None:
        intake.warn(name, "", f"left out: {what}")

    wanted = list(inputs(paths, leave_out if keep_going else None))
    sizes = [item.size for item in wanted]
    # a share of what nobody knows says nothing
    known = None not in sizes and len(paths) == len(sources)
    total = sum(size for size in sizes if size is not None) if known else 0
    done = 0
    read = 0.0
    with _no_collection():
        try:
            for item in wanted:

                def report(share: float, item: Input = item, done: int = done) -> None:
                    nonlocal read
                    read = (done + share * (item.size or 0)) / total if total else 0.0
                    progress(Progress(item.name, read, len(intake)))
                    if len(intake):
                        arrived(lambda: assemble(intake))

                _take(item, intake, report, keep_going)
                done += item.size or 0
            for _, server in servers:
                if server is not None:

                    def heard(server: Server = server) -> None:
                        progress(Progress(server.name, 0, len(intake)))
                        if len(intake):
                            arrived(lambda: assemble(intake))

                    answered |= _ask(server, search, overrides, intake, heard, told, keep_going)
            progress(Progress(wanted[-1].name if wanted else "", 1, len(intake), all_read=True))
        except StopReading:
            intake.warn("", "", f"reading was stopped{f' at {100 * read:.0f} %' if read else ''}; the rest is not here")
        traces = assemble(intake)
    if not len(traces) and not answered:
        raise InputError(_nothing(wanted, intake.warnings))
    return traces


def _take(item: Input, intake: Intake, report: Callable[[float], None], keep_going: bool) -> None:
    place = Place(intake, item.name)
    report(0)
    before, spans = len(intake.warnings), len(intake)
    stopped = False

    def go_on() -> bool:
        nonlocal stopped
        try:
            report(0)
        except StopReading:
            stopped = True
        return not stopped

    try:
        data = item.read(go_on)
    except OSError as error:
        if item.named and not keep_going:
            raise InputError(f"{item.name}: {error.strerror or error}") from None
        place.warn(f"left out: {error.strerror or error}")
        return
    # what a pipe said until it was stopped counts
    decode(data, place, report if not stopped else lambda _: None)
    found = intake.warnings[before:]
    if not item.named and len(intake) == spans and len(found) > 1:
        # a directory may hold anything; one line about a file that is none of ours is enough
        found = found[:1]
    if len(found) > WARNINGS_PER_FILE:
        more = len(found) - WARNINGS_PER_FILE
        found = [*found[:WARNINGS_PER_FILE], LoadWarning(item.name, "", f"{more:,} more warnings like these")]
    intake.warnings[before:] = found
    if stopped:
        raise StopReading


def _ask(
    server: Server,
    search: Search,
    overrides: Overrides,
    intake: Intake,
    heard: Callable[[], None],
    told: Callable[[str], None],
    keep_going: bool,
) -> bool:
    """Take in what a server sends for a search. -> whether it answered, if only that it has nothing"""
    place = Place(intake, server.name)
    traces, spans = len(intake.trace_ids), len(intake)
    wanted = server.search(search)
    heard()
    try:
        if server.address.file:
            decode(downloaded(server, overrides), place)
            return True
        back_end = opened(server, overrides, place.warn)
        for document in documents(back_end, wanted):
            decode(document, place)
            heard()
    except BackEndError as error:
        if len(intake) == spans and not keep_going:
            raise
        # it names the server, and what was asked of it
        intake.warn("", "", str(error))
        return len(intake) > spans
    told(_said(back_end, wanted, len(intake.trace_ids) - traces))
    return True


def _said(back_end: BackEnd, wanted: Search, found: int) -> str:
    """What a server was asked for, how much it sent, and what of the search is left to be done here."""
    asked = back_end.takes(wanted)
    count = "1 trace" if found == 1 else f"{found:,} traces"
    text = f"{back_end.offers.name} at {back_end.connection.name}: {count} (asked for: {describe(asked)})"
    if not asked.trace_ids and found >= asked.limit:
        text += "; there may be more"
    if asked.errors:
        text += f"; it finds errors {back_end.offers.finds_errors}"
    left = describe(msgspec.structs.replace(NOTHING, failed=wanted.failed, slower_ns=wanted.slower_ns), alone=True)
    return text + (f"; filtered here: {left}" if asked != wanted and left else "")


def _nothing(wanted: Sequence[Input], warnings: Sequence[LoadWarning]) -> str:
    if len(warnings) == 1:
        return f"no spans found: {warnings[0]}"
    what = wanted[0].name if len(wanted) == 1 else f"{len(wanted)} files" if wanted else "these sources"
    lines = [f"no spans found in {what}", *(f"  {warning}" for warning in warnings[:WARNINGS_PER_FILE])]
    return "\n".join(lines)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the cyclic collector: decoding makes millions of objects and no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
