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
"""Why nothing more can be written."""
_OWN_OPTIONS = {"-h", "--help", "--version", "--install-completion", "--show-completion"}
_DEBUG = "TRACETUI_DEBUG"
_LOOK: dict[str, Any] = {
    "context_settings": {"help_option_names": ["-h", "--help"]},
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
}

COMMANDS = ("analyze", "show", "graph", "compare", "contrast", "alerts", "server", "demo", "samples")
_SCREENS = {_OPEN, "demo"}
"""Commands that run until the user quits; the others answer once."""


def command_line() -> typer.Typer:
    """All commands. Importing them takes longer than opening the screen, which needs none of them."""
    import typer

    from tracetui.cli.alerts import alerts
    from tracetui.cli.analyze import analyze
    from tracetui.cli.compare import compare
    from tracetui.cli.contrast import contrast
    from tracetui.cli.demo import demo, samples
    from tracetui.cli.graph import graph
    from tracetui.cli.open import open_sources
    from tracetui.cli.option_groups import expand_groups
    from tracetui.cli.server import server
    from tracetui.cli.server_options import CREDENTIALS, with_server_options
    from tracetui.cli.show import show

    app = typer.Typer(
        name="tracetui",
        help="Distributed traces in a terminal: which span, service or query makes a request slow or fail.",
        epilog="SOURCE is a file, a directory, a glob or - for standard input, in any format of Jaeger,"
        " OpenTelemetry or Zipkin, also compressed, in a zip or tar archive, or among the lines of a log (Docker, CRI,"
        " kubectl, Loki, Grafana, Google Cloud, CloudWatch, Azure, syslog, journalctl);"
        " or the address of a Jaeger, Zipkin or Tempo, or a profile's name."
        " Also of VictoriaTraces (http://HOST:10428), GreptimeDB (http://HOST:4000) and Quickwit (http://HOST:7280),"
        " or with the path before Jaeger's API: /select/jaeger, /v1/jaeger, /api/v1/INDEX/jaeger."
        " `tracetui SOURCE...` opens it on the screen;"
        " see `tracetui open --help`.",
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

    over_sources: tuple[Callable[..., None], ...] = (analyze, show, graph, compare, contrast, alerts, server)
    for name, over in zip(COMMANDS[: len(over_sources)], over_sources, strict=True):
        app.command(name=name, epilog=CREDENTIALS)(with_server_options(expand_groups(over)))
    for name, command in zip(COMMANDS[len(over_sources) :], (demo, samples), strict=True):
        app.command(name=name)(command)
    app.command(name=_OPEN, hidden=True, epilog=CREDENTIALS)(with_server_options(open_sources))
    return app


def _opening() -> typer.Typer:
    import typer

    from tracetui.cli.open import open_sources
    from tracetui.cli.server_options import CREDENTIALS, with_server_options

    app = typer.Typer(name="tracetui", **_LOOK)
    app.command(epilog=CREDENTIALS)(with_server_options(open_sources))
    return app


def _print_version(wanted: bool) -> None:
    import typer

    if wanted:
        print_plain(f"tracetui {__version__}")
        raise typer.Exit


def _is_option(arg: str) -> bool:
    return arg.startswith("-") and arg != "-"


def _check_order(args: Sequence[str]) -> None:
    """Raise UsageError where options before a command would make it a source."""
    command = next((arg for arg in args if arg in COMMANDS and not os.path.lexists(arg)), None)
    if command is not None and _is_option(args[0]):
        raise UsageError(f"options go after the command: tracetui {command} {args[0]}")


def run(args: Sequence[str]) -> int:
    """Run one command. -> the exit code: 0 fine, 2 bad usage, 3 unreadable input, 4 no back end; never a traceback."""
    try:
        if args and args[0] not in (*COMMANDS, _OPEN) and not any(_is_option(arg) for arg in args):
            # nothing to parse: the screen is there sooner without what parses
            from tracetui.cli.screen import open_on_screen

            return open_on_screen(args)
        if args and args[0] not in (*COMMANDS, _OPEN, *_OWN_OPTIONS):
            _check_order(args)
            _opening()(list(args), prog_name="tracetui")
        else:
            # an answer frees next to nothing before it is printed, and a screen frees all the time
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
            # the help is printed by the library
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
