"""The command line: its commands, and what becomes of errors."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence

import typer

from tracetui import __version__
from tracetui.cli.analyze import analyze
from tracetui.cli.demo import demo, samples
from tracetui.cli.open import open_sources
from tracetui.cli.output import ReaderGoneError, say
from tracetui.cli.show import show
from tracetui.model.problems import InputError, TracetuiError

_OPEN = "open"
_OWN_OPTIONS = {"-h", "--help", "--version", "--install-completion", "--show-completion"}
_DEBUG = "TRACETUI_DEBUG"


app = typer.Typer(
    name="tracetui",
    help="Distributed traces in a terminal: which span, service or query makes a request slow or fail.",
    epilog="SOURCE is a file, a directory, a pattern or - for standard input, in any format of Jaeger, OpenTelemetry"
    " or Zipkin, also compressed. `tracetui SOURCE...` alone opens it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"tracetui {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
    ),
) -> None:
    pass


app.command(name="analyze")(analyze)
app.command(name="show")(show)
app.command(name="demo")(demo)
app.command(name="samples")(samples)
app.command(name=_OPEN, hidden=True)(open_sources)


def run(args: Sequence[str]) -> int:
    """Run one command. -> the exit code: 0 fine, 2 bad usage, 3 unreadable input; never a traceback."""
    try:
        app(_with_command(args), prog_name="tracetui")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except ReaderGoneError:
        return 0
    except TracetuiError as error:
        say(str(error))
        return error.exit_code
    except MemoryError:
        say("not enough memory for this input; --limit or fewer files may help")
        return InputError.exit_code
    except Exception as error:
        if os.environ.get(_DEBUG):
            traceback.print_exc()
        say(f"internal error: {type(error).__name__}: {error}")
        say(f"this should not happen; {_DEBUG}=1 shows where it did, please report it with that")
        return 1
    return 0


def _with_command(args: Sequence[str]) -> list[str]:
    """Opening sources needs no command: `tracetui FILE` is `tracetui open FILE`."""
    known = {command.name for command in app.registered_commands}
    if args and args[0] not in known and args[0] not in _OWN_OPTIONS:
        return [_OPEN, *args]
    return list(args)
