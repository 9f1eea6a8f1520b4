"""Output: data to stdout or a file, everything else to stderr, with the colours that each supports."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TextIO

from tracetui.atomic_file import SHARED, atomic_file, is_stream, open_stream
from tracetui.cli.links import has_links
from tracetui.cli.plain_output import discard_stdout, unwritable
from tracetui.model.errors import LoadWarning, UsageError
from tracetui.render.text.ansi import Colour, ColourChoice, colour_of, encodable, theme_for, write_lines
from tracetui.render.text.line import Line, wrapped
from tracetui.render.text.safe_text import ascii_text, escaped_json, safe, safe_lines

MIN_WIDTH = 40
DEFAULT_WIDTH = 80
_MAX_TERMINAL_WIDTH = 2_000
"""Largest accepted width of a terminal, or of COLUMNS."""
_MAX_WIDTH = 10_000
_LISTED_WARNINGS = 10
_PROGRAM = "tracetui: "
"""Beginning of each message."""


def print_message(text: str) -> None:
    """Print a message on stderr; it may contain untrusted text, whose lines never look like another message."""
    if sys.stderr is None:  # closed by the caller; print would write to stdout
        return
    # stderr itself may be full or closed
    with contextlib.suppress(OSError):
        for i, line in enumerate(safe_lines(text, limit=2_000)):
            if i == 0:
                line = f"{_PROGRAM}{line}"
            elif line.startswith(_PROGRAM.strip()):
                line = f"  {line}"
            for part in _wrapped(line) if sys.stderr.isatty() else [line]:
                print(part, file=sys.stderr)


def _wrapped(text: str) -> list[str]:
    """Break a message between words at the width of the terminal."""
    width = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    return [part.text for part in wrapped(Line([(text, "")]), max(width, MIN_WIDTH))]


class _InAscii(io.TextIOWrapper):
    """Stream that writes ASCII but states UTF-8, as the library that parses arguments avoids ASCII streams."""

    def write(self, text: str) -> int:
        return super().write(_in_ascii(text))


@contextmanager
def messages_in_ascii(wanted: bool) -> Iterator[None]:
    """Write all messages on stderr in ASCII, also those of the library that parses arguments."""
    stream = sys.stderr
    if not wanted or not hasattr(stream, "buffer"):
        yield
        return
    # another stream, as the screen writes to the original one
    sys.stderr = _InAscii(stream.buffer, "utf-8", line_buffering=True, write_through=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.detach()
        sys.stderr = stream


def print_reader_awaited(path: Path) -> None:
    """Print that a named pipe has no reader yet."""
    print_message(f"waiting for a reader of the pipe {path}")


def print_warnings(warnings: Iterable[LoadWarning], verbose: bool) -> None:
    """Print input warnings on stderr."""
    listed = list(warnings)
    for warning in listed if verbose else listed[:_LISTED_WARNINGS]:
        print_message(safe(f"warning: {warning}"))
    if not verbose and len(listed) > _LISTED_WARNINGS:
        print_message(f"{len(listed) - _LISTED_WARNINGS} more warnings; --verbose lists all")


def width_of(width: int | None) -> int:
    """Choose the width: `width`, or that of COLUMNS or the terminal, or 80."""
    if width is not None:
        return min(max(width, MIN_WIDTH), _MAX_WIDTH)
    columns = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    return min(max(columns, MIN_WIDTH), _MAX_TERMINAL_WIDTH)


def is_ascii(wanted: bool, stream: TextIO | None = None) -> bool:
    """Test whether to use only ASCII: on request, or if the stream's encoding is not Unicode."""
    encoding = (getattr(stream or sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    return wanted or not encoding.startswith("utf")


class ReaderGoneError(Exception):
    """The reader has closed stdout."""


@contextmanager
def _to_stdout() -> Iterator[TextIO]:
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
        raise ReaderGoneError from None
    except OSError as error:
        discard_stdout()
        raise unwritable(error) from None


def print_lines(
    lines: Iterable[Line], colour: ColourChoice, output: Path | None = None, *, ascii_only: bool = False
) -> None:
    """Write lines to a file or stdout. UsageError if the file cannot be written."""
    if output is None:
        with _to_stdout() as stream:
            shown = colour_of(stream, colour)
            # without styles, by --color never, there are no other escape codes either
            is_linked = shown is not Colour.NONE and has_links(stream)
            theme = replace(theme_for(shown), has_links=is_linked)
            write_lines(lines, stream, shown, theme, ascii_only=ascii_only)
        return
    with _to_file(output) as raw:
        file = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        write_lines(lines, file, colour_of(file, colour), ascii_only=ascii_only)
        file.detach()


def print_bytes(data: bytes, output: Path | None = None) -> None:
    """Write bytes to a file or stdout. UsageError if the file cannot be written."""
    print_pieces([data], output, is_json=False)


def print_json(data: bytes, output: Path | None = None, *, ascii_only: bool = False) -> None:
    """Write JSON to a file or stdout as `print_pieces` does."""
    print_pieces([data], output, is_json=True, ascii_only=ascii_only)


def print_pieces(
    pieces: Iterable[bytes], output: Path | None = None, *, is_json: bool, ascii_only: bool = False
) -> None:
    """Write pieces to a file or stdout as they come; JSON on a terminal with invisible characters escaped.

    ascii_only: escape all other characters than ASCII in JSON. Raises UsageError if the file cannot be written.
    """
    if output is not None:
        with _to_file(output) as file:
            for piece in pieces:
                file.write(escaped_json(piece, ascii_only=True) if is_json and ascii_only else piece)
        return
    with _to_stdout() as stream:
        stream.flush()
        is_escaped = is_json and (ascii_only or stream.isatty())
        for piece in pieces:
            stream.buffer.write(escaped_json(piece, ascii_only=ascii_only) if is_escaped else piece)


def print_diagram(text: str, output: Path | None = None, *, ascii_only: bool = False) -> None:
    """Write a diagram to a file or stdout. UsageError if the file cannot be written."""
    print_bytes(_in_ascii(text).encode() if ascii_only else text.encode("utf-8", "replace"), output)


def _in_ascii(text: str) -> str:
    return encodable(ascii_text(text), "ascii")


@contextmanager
def _to_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` once complete; devices and pipes are written directly."""
    try:
        target = (
            open_stream(path, lambda: print_reader_awaited(path))
            if is_stream(path)
            else atomic_file(path, SHARED, keep_mode=True)
        )
        with target as file:
            yield file
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
