"""Order and spelling of the program's arguments, and the command that they name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from tracetui.cli.commands import COMMANDS, OPEN, Command, command_named
from tracetui.model.errors import UsageError

_WORD = re.compile("[a-z][a-z-]*", re.IGNORECASE)
_MIN_SIMILARITY = 0.75
"""Lowest similarity to a command at which a word counts as its misspelling: that of `shwo` to `show`."""


def is_option(arg: str) -> bool:
    return arg.startswith("-") and arg != "-"


def check_words(args: Sequence[str]) -> None:
    """Raise UsageError for a misspelled command, or one after sources. A file or a profile of that name is allowed."""
    if is_option(args[0]):
        return
    near = _nearest_command(args[0])
    if near and _is_unknown(args[0]):
        raise UsageError(f"{args[0]} is not a command, file or profile; did you mean tracetui {near}?")
    if any(map(is_option, args)):
        # the word may be the value of an option
        return
    for word in args[1:]:
        if command_named(word) not in (None, OPEN) and _is_unknown(word):
            raise UsageError(f"the command goes first: tracetui {word} ...")


def _nearest_command(word: str) -> str:
    if not _WORD.fullmatch(word):
        return ""
    import difflib

    names = [command.name for command in COMMANDS if not command.is_hidden]
    return next(iter(difflib.get_close_matches(word.lower(), names, 1, _MIN_SIMILARITY)), "")


def _is_unknown(word: str) -> bool:
    from tracetui.config import load_config

    return not os.path.lexists(word) and word not in load_config().profiles


def command_first(args: Sequence[str]) -> list[str]:
    """Move options that stand before the command after it: `--ascii demo` means `demo --ascii`."""
    if not any(map(command_named, args)):
        return list(args)
    # if an option takes a value in one command, it does in every command that has it
    at = _first_argument(args, {name: takes for command in COMMANDS for name, takes in options_of(command).items()})
    if at < len(args) and command_named(args[at]) is not None:
        return [args[at], *args[:at], *args[at + 1 :]]
    return list(args)


def check_options(args: Sequence[str]) -> None:
    """Raise UsageError if no command is named but an option belongs to some command only."""
    known = options_of(OPEN)
    for name in _names(args, known):
        if name.startswith("--") and name not in known:
            owners = [f"tracetui {command.name}" for command in COMMANDS if name in options_of(command)]
            if owners:
                raise UsageError(f"{name} is an option of {', '.join(owners)}")


def options_of(command: Command) -> dict[str, bool]:
    """Map the options of a command to whether they take a value."""
    from typer.core import TyperOption

    from tracetui.cli.parser import build_command

    params = [param for param in build_command(command).params if isinstance(param, TyperOption)]
    return {name: not param.is_flag for param in params for name in param.opts}


def _names(args: Sequence[str], takes_value: dict[str, bool]) -> Iterator[str]:
    """Yield the names of options."""
    words = iter(args)
    for word in words:
        if word == "--":
            return
        if is_option(word):
            name, equals, _ = word.partition("=")
            yield name
            if takes_value.get(name) and not equals:
                next(words, None)


def _first_argument(args: Sequence[str], takes_value: dict[str, bool]) -> int:
    """Return the position of the first word that is neither an option nor the value of one."""
    at = 0
    while at < len(args) and is_option(args[at]) and args[at] != "--":
        name, equals, _ = args[at].partition("=")
        at += 2 if takes_value.get(name) and not equals else 1
    return at
