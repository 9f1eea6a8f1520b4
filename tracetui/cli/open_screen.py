"""Open sources on the screen, or print a report without a terminal."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tracetui.config import NO_OVERRIDES, Overrides
from tracetui.garbage_collection import paused_collection
from tracetui.model.errors import InputError, UsageError

TERMINAL: Final = "/dev/tty"

if TYPE_CHECKING:
    # importing the command-line options takes time
    from tracetui.cli.options import Selection
    from tracetui.model.search import Search


def has_screen() -> bool:
    """Test whether standard output can show the screen, instead of a report, and keys can be read."""
    if sys.stdin is None or sys.stdout is None or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdin.isatty() or _has_terminal()


def _has_terminal() -> bool:
    """Test whether keys can be read from the terminal, as standard input is something else."""
    try:
        os.close(os.open(TERMINAL, os.O_RDWR))
    except OSError:
        return False
    return True


def open_on_screen(
    sources: Sequence[str],
    *,
    resume: bool = False,
    selection: Selection | None = None,
    logs: Sequence[str] = (),
    ascii_only: bool = False,
    local_time: bool = False,
    theme: str = "",
    mouse: bool = True,
    overrides: Overrides = NO_OVERRIDES,
) -> int:
    """Show sources until the user quits, or print the report if stdout is not a terminal. -> exit code

    `selection`: first filter of the screen, or of the report. Options override the config file.

    Raises UsageError, and the errors of loading.
    """
    if not sources and not resume:
        raise UsageError("nothing to open: name a file, a directory, a glob, a server or -")
    if not has_screen():
        if resume and not sources:
            raise UsageError("--resume needs a terminal")
        from msgspec.structs import asdict

        from tracetui.cli.analyze import AnalyzeOptions, analyze
        from tracetui.cli.options import Report, Servers
        from tracetui.cli.options import Selection as Everything

        with paused_collection():
            analyze(
                AnalyzeOptions(sources=list(sources)),
                selection or Everything(),
                Report(ascii=ascii_only, local_time=local_time),
                Servers(**asdict(overrides)),
            )
        return 0
    _check_any_exists(sources)
    query, search = _first_query(sources, selection) if selection is not None else (None, None)
    from msgspec import structs

    from tracetui.tui.run import run_app
    from tracetui.tui.settings import Resume, load_resume, load_settings, portable_sources

    settings = load_settings()
    settings = dataclasses.replace(
        settings,
        theme=theme or settings.theme,
        ascii_only=ascii_only or settings.ascii_only or not (sys.stdout.encoding or "").lower().startswith("utf"),
        local_time=local_time or settings.local_time,
        mouse=settings.mouse and mouse,
    )
    last, notices = None, []
    if resume:
        try:
            last = load_resume()
        except UsageError as error:
            if not sources:
                raise
            notices.append(str(error))
    if last is not None and sources and portable_sources(sources) != last.sources:
        # a filter and a location are of no use in other traces
        last = None
    if query is not None:
        last = structs.replace(last, query=query) if last else Resume([], query=query)
    if search is not None:
        last = structs.replace(last or Resume([]), search=search)
    if overrides == NO_OVERRIDES and last is not None:
        overrides = last.overrides
    return run_app(
        sources or (last.sources if last else []),
        settings,
        last,
        logs or (last.logs if last else ()),
        overrides,
        notices,
        exact_names=(selection is not None and selection.exact_names) or (last is not None and last.exact_names),
    )


def _check_any_exists(sources: Sequence[str]) -> None:
    """Raise the error of the first file if all sources are files and none can be found."""
    from tracetui.ingest.servers.resolve import parse_sources, suggest_source
    from tracetui.model.user_path import user_path

    named = parse_sources(sources)
    if named.servers or not named.paths or any(path == "-" or user_path(path).exists() for path in named.paths):
        return
    # imported only here, as it takes time
    from tracetui.ingest.files import inputs

    failures = []
    for path in named.paths:
        try:
            if next(inputs([path], suggest=suggest_source), None) is not None:
                return
        except InputError as error:
            failures.append(error)
    raise failures[0]


def _first_query(sources: Sequence[str], selection: Selection) -> tuple[str | None, Search | None]:
    """Translate a selection. -> the filter of the screen and the search on its servers, each None for any

    Raises UsageError for invalid values.
    """
    from tracetui.ingest.servers.resolve import parse_sources
    from tracetui.model.search import NOTHING, Search
    from tracetui.query.trace_filters import Filters, as_query

    filters = selection.filters()
    if filters == Filters():
        return None, None
    named = parse_sources(sources)
    if filters.limit is not None and not named.servers:
        raise UsageError("--limit: the screen limits traces of servers only; tracetui analyze limits those of files")
    search = Search(lookback_ns=filters.time_range_ns, limit=filters.limit) if named.servers else NOTHING
    text = as_query(filters if named.paths else dataclasses.replace(filters, time_range_ns=None))
    return text or None, None if search == NOTHING else search
