"""`tracetui --spec`: all commands and options as data for other programs."""

from __future__ import annotations

import inspect
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperArgument

from tracetui import __version__
from tracetui.cli.commands import COMMANDS, EXIT_CODES, Command
from tracetui.cli.parser import argument_name, build_command, build_parser


def spec() -> dict[str, Any]:
    """Describe the whole command line."""
    root = build_parser()
    return {
        "name": "tracetui",
        "version": __version__,
        "summary": root.help,
        "options": [_option(param, None) for param in _params(root)],
        "commands": [_command(command) for command in COMMANDS],
        "exit_codes": {str(code): meaning for code, meaning in EXIT_CODES.items()},
    }


def _command(command: Command) -> dict[str, Any]:
    parser = build_command(command)
    hints = _hints(command)
    params = _params(parser)
    return {
        "name": command.name,
        "summary": parser.get_short_help_str(limit=1_000),
        "arguments": [_argument(param, hints.get(param.name)) for param in params if isinstance(param, TyperArgument)],
        "options": [_option(param, hints.get(param.name)) for param in params if not isinstance(param, TyperArgument)],
        "examples": [f"tracetui {example}" for example in command.examples],
        "hidden": command.is_hidden,
    }


def _params(parser: Any) -> list[Any]:
    """List the parameters, including the help option."""
    params = parser.get_params(typer.Context(parser, **parser.context_settings))
    return [param for param in params if not getattr(param, "hidden", False)]


def _argument(param: TyperArgument, hint: Any) -> dict[str, Any]:
    return {
        "name": argument_name(param).removesuffix("..."),
        "required": param.required,
        "multiple": param.nargs != 1,
        "choices": _choices(hint),
        "help": param.help or "",
    }


def _option(param: Any, hint: Any) -> dict[str, Any]:
    is_flag = bool(getattr(param, "is_flag", False))
    choices = _choices(hint)
    default = param.default
    return {
        "name": max(param.opts, key=len),
        "aliases": [name for name in param.opts if name != max(param.opts, key=len)],
        "value": None if is_flag else param.metavar or "|".join(choices) or str(param.name).upper(),
        "choices": choices,
        "required": param.required,
        "multiple": bool(getattr(param, "multiple", False)),
        "default": default.value if isinstance(default, Enum) else default,
        "min": getattr(param, "min", None),
        "max": getattr(param, "max", None),
        "group": getattr(param, "rich_help_panel", None) or "Options",
        "help": param.help or "",
    }


def _hints(command: Command) -> dict[str, Any]:
    """Return the types of the command's options by name."""
    function = command.load()
    groups = get_type_hints(function)
    return {
        name: hint
        for group in inspect.signature(function).parameters
        for name, hint in get_type_hints(groups[group]).items()
    }


def _choices(hint: Any) -> list[str]:
    """List the values of an option with a fixed choice."""
    kinds = get_args(hint) if get_origin(hint) is UnionType else [hint]
    return [one.value for kind in kinds if isinstance(kind, type) and issubclass(kind, Enum) for one in kind]
