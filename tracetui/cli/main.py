"""Run the command line: choose the command, and convert errors to messages and exit codes."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Sequence
from contextlib import nullcontext

from tracetui.cli.arguments import check_options, check_words, command_first, is_option
from tracetui.cli.commands import OPEN, command_named
from tracetui.cli.output import ReaderGoneError, messages_in_ascii, print_message
from tracetui.cli.plain_output import discard_stdout, unwritable
from tracetui.garbage_collection import paused_collection
from tracetui.model.errors import DEBUG, INTERRUPTED, InputError, TracetuiError, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors of a full or failing disk."""
_TOO_MANY_FILES = {errno.EMFILE, errno.ENFILE}
_OWN_OPTIONS = {"-h", "--help", "--version", "--spec", "--install-completion", "--show-completion"}


def _dispatch(args: Sequence[str]) -> int:
    """Run the command that the arguments name, or open them as sources. -> exit code"""
    command = command_named(args[0]) if args else None
    if args and command is None and args[0] not in _OWN_OPTIONS:
        check_words(args)
        if not any(map(is_option, args)):
            # skip the import of the parser, so that the screen opens sooner
            from tracetui.cli.open_screen import open_on_screen

            return open_on_screen(args)
        args = command_first(args)
        command = command_named(args[0])
        if command is None:
            check_options(args)
            from tracetui.cli.parser import build_command

            build_command(OPEN).main(list(args), prog_name="tracetui")
            return 0
    from tracetui.cli.parser import build_parser

    # a one-shot command frees almost nothing, but a screen runs for hours
    with nullcontext() if not args or (command is not None and command.is_screen) else paused_collection():
        build_parser().main(list(args), prog_name="tracetui")
    return 0


def run(args: Sequence[str]) -> int:
    """Run one command. -> exit code: 0 success, 2 bad usage, 3 unreadable input, 4 no server; never a traceback."""
    with messages_in_ascii("--ascii" in args):
        return _run(args)


def _run(args: Sequence[str]) -> int:
    try:
        return _dispatch(args)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except ReaderGoneError:
        return 0
    except TracetuiError as error:
        print_message(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError:
        print_message("not enough memory for this input; try --limit or fewer files")
        return InputError.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            # raised by the library when it prints help
            discard_stdout()
            unwritten = unwritable(error)
            print_message(str(unwritten))
            return unwritten.exit_code
        if isinstance(error, OSError) and error.errno in _TOO_MANY_FILES:
            print_message("too many open files; raise the limit with ulimit -n")
            return UsageError.exit_code
        if os.environ.get(DEBUG):
            traceback.print_exc()
        print_message(f"internal error: {type(error).__name__}: {error}")
        print_message(f"please report this with the traceback that {DEBUG}=1 shows")
        return 1
