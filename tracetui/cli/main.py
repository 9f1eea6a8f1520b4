"""The command line: commands and exit codes."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from tracetui import __version__
from tracetui.cli.output import ReaderGoneError, say
from tracetui.cli.plain_output import discard_stdout, print_plain, unwritable
from tracetui.garbage_collection import paused_collection
from tracetui.model.errors import InputError, TracetuiError, UsageError

if TYPE_CHECKING:
    import typer

_OPEN = "open"
_INTERRUPTED = 130
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors of a full or failing disk."""
_OWN_OPTIONS = {"-h", "--help", "--version", "--install-completion", "--show-completion"}
_DEBUG = "TRACETUI_DEBUG"
_LOOK: dict[str, Any] = {
    "context_settings": {"help_option_names": ["-h", "--help"]},
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
}

_EPILOG = """
`tracetui SOURCE...` opens traces on the screen; `tracetui open --help` lists its options.

A SOURCE is a file, a directory, a glob, - for standard input, the address of a server or the name of a profile.

Files: Jaeger, OpenTelemetry and Zipkin in any format, also compressed, in zip or tar archives, or in logs (Docker, CRI,
kubectl, Loki, Grafana, Google Cloud, CloudWatch, Azure, syslog, journalctl).

Servers: Jaeger, Zipkin, Grafana Tempo, VictoriaTraces (http://HOST:10428), GreptimeDB (http://HOST:4000), Quickwit
(http://HOST:7280).

\b
Examples:
  tracetui demo
  tracetui http://jaeger:16686
  tracetui analyze traces.json --errors
  tracetui show http://tempo:3200 --trace 463ac35c9f6413ad
"""
_EXAMPLES: dict[str, tuple[str, ...]] = {
    "analyze": (
        "analyze traces.json",
        "analyze http://jaeger:16686 --service checkout --time-range 3h",
        "analyze traces.json --json | jq '.bottlenecks[0]'",
    ),
    "show": ("show traces.json --trace failed", "show http://jaeger:16686 --trace 463ac35c9f6413ad"),
    "graph": (
        "graph traces.json blast-radius inventory-service",
        "graph traces.json path mobile-app order-db",
        "graph traces.json services --format dot | dot -Tsvg",
    ),
    "compare": ("compare before.json after.json", "compare main.json branch.json --fail-on-regression"),
    "contrast": ("contrast traces.json", "contrast traces.json --slow 95"),
    "alerts": ("alerts traces.json --service checkout > checkout.rules.yml",),
    "server": ("server http://jaeger:16686 checkout",),
    _OPEN: ("traces.json", "http://jaeger:16686 --query 'error AND service = checkout'", "--resume"),
}

COMMANDS = ("analyze", "show", "graph", "compare", "contrast", "alerts", "server", "demo", "samples")
_SCREENS = {_OPEN, "demo"}
"""Interactive commands; the others print once."""


def command_line() -> typer.Typer:
    """Build the application with all commands.

    Importing them takes longer than opening the screen, which needs none of them.
    """
    import typer

    from tracetui.cli.alerts import alerts
    from tracetui.cli.analyze import analyze
    from tracetui.cli.compare import compare
    from tracetui.cli.contrast import contrast
    from tracetui.cli.demo import demo, samples
    from tracetui.cli.graph import graph
    from tracetui.cli.help import GroupedHelp
    from tracetui.cli.open import open_sources
    from tracetui.cli.option_groups import expand_groups
    from tracetui.cli.server import server
    from tracetui.cli.server_options import with_server_options
    from tracetui.cli.show import show

    app = typer.Typer(
        name="tracetui",
        help="Distributed traces in a terminal: find the span, service or query that makes a request slow or fail.",
        epilog=_EPILOG,
        no_args_is_help=True,
        **_LOOK,
    )

    @app.callback()
    def root(
        version: bool = typer.Option(
            False, "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ) -> None:
        pass

    analyses: tuple[Callable[..., None], ...] = (analyze, show, graph, compare, contrast, alerts, server)
    for name, command in zip(COMMANDS[: len(analyses)], analyses, strict=True):
        decorate = app.command(name=name, cls=GroupedHelp, epilog=_epilog(name))
        decorate(with_server_options(expand_groups(command)))
    for name, command in zip(COMMANDS[len(analyses) :], (demo, samples), strict=True):
        app.command(name=name, cls=GroupedHelp)(command)
    app.command(name=_OPEN, cls=GroupedHelp, hidden=True, epilog=_epilog(_OPEN))(with_server_options(open_sources))
    return app


def _epilog(command: str) -> str:
    """Sources of credentials, and examples."""
    from tracetui.cli.server_options import CREDENTIALS

    examples = "\n".join(f"  tracetui {example}" for example in _EXAMPLES[command])
    return f"{CREDENTIALS}\n\n\b\nExamples:\n{examples}"


def _opening() -> typer.Typer:
    import typer

    from tracetui.cli.help import GroupedHelp
    from tracetui.cli.open import open_sources
    from tracetui.cli.server_options import with_server_options

    app = typer.Typer(name="tracetui", **_LOOK)
    app.command(cls=GroupedHelp, epilog=_epilog(_OPEN))(with_server_options(open_sources))
    return app


def _print_version(wanted: bool) -> None:
    import typer

    if wanted:
        print_plain(f"tracetui {__version__}")
        raise typer.Exit


def _is_option(arg: str) -> bool:
    return arg.startswith("-") and arg != "-"


def _check_order(args: Sequence[str]) -> None:
    """Raise UsageError if options precede a command, which would be taken for a source."""
    command = next((arg for arg in args if arg in COMMANDS and not os.path.lexists(arg)), None)
    if command is not None and _is_option(args[0]):
        raise UsageError(f"options go after the command: tracetui {command} {args[0]}")


def run(args: Sequence[str]) -> int:
    """Run one command. -> exit code: 0 success, 2 bad usage, 3 unreadable input, 4 no server; never a traceback."""
    try:
        if args and args[0] not in (*COMMANDS, _OPEN) and not any(_is_option(arg) for arg in args):
            # no options: skip the import of the parser, so that the screen opens sooner
            from tracetui.cli.screen import open_on_screen

            return open_on_screen(args)
        if args and args[0] not in (*COMMANDS, _OPEN, *_OWN_OPTIONS):
            _check_order(args)
            _opening()(list(args), prog_name="tracetui")
        else:
            # a one-shot command frees next to nothing; a screen runs for hours
            with nullcontext() if not args or args[0] in _SCREENS else paused_collection():
                command_line()(list(args), prog_name="tracetui")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except ReaderGoneError:
        return 0
    except TracetuiError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except MemoryError:
        say("not enough memory for this input; try --limit or fewer files")
        return InputError.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            # raised by the library when it prints help
            discard_stdout()
            unwritten = unwritable(error)
            say(str(unwritten))
            return unwritten.exit_code
        if os.environ.get(_DEBUG):
            traceback.print_exc()
        say(f"internal error: {type(error).__name__}: {error}")
        say(f"please report this with the traceback that {_DEBUG}=1 shows")
        return 1
    return 0
