"""Parser of the command line, built from the commands' functions with Typer.

Typer reads each option group of a command, a dataclass, as it reads a function. A command has the options of all its
groups.
"""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import typer
import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup

from tracetui import __version__
from tracetui.cli.commands import COMMANDS, Command, command_named
from tracetui.cli.options import CREDENTIALS, PANELS
from tracetui.cli.overwriting import check_outputs
from tracetui.cli.plain_output import print_plain

_UNGROUPED = "Options"
_CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
_EPILOG = """
`tracetui SOURCE...` opens traces on the screen. Its main options are the filters of analyze (--service, --errors-only,
--query...), --logs, --resume, --theme and --ascii; `tracetui open --help` lists all.

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


class GroupedHelp(TyperCommand):
    """Command whose help lists each `rich_help_panel` as a section, without Rich."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        names = [_usage(param) for param in self.get_params(ctx) if isinstance(param, TyperArgument)]
        return ["[OPTIONS]", *names]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        arguments: list[tuple[str, str]] = []
        groups: dict[str, list[tuple[str, str]]] = {name: [] for name in (_UNGROUPED, *PANELS)}
        for param in self.get_params(ctx):
            if isinstance(param, TyperArgument):
                arguments.append((argument_name(param), param.help or ""))
            elif (record := param.get_help_record(ctx)) is not None:
                group = getattr(param, "rich_help_panel", None) or _UNGROUPED
                groups[group].append(record)
        if len(groups[_UNGROUPED]) == 1:
            # this section contains only --help
            groups[_UNGROUPED] = groups.pop(_UNGROUPED)
        for title, records in (("Arguments", arguments), *groups.items()):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def argument_name(argument: TyperArgument) -> str:
    return argument.metavar or str(argument.name).upper()


def _usage(argument: TyperArgument) -> str:
    """`SOURCE...`, `[NAME...]`"""
    name = argument_name(argument)
    if argument.nargs != 1 and not name.endswith("..."):
        name += "..."
    return name if argument.required else f"[{name}]"


def build_command(command: Command) -> GroupedHelp:
    """Build the parser of one command."""
    function = command.load()
    hints = get_type_hints(function)
    groups = {name: _parsed(hints[name]) for name in inspect.signature(function).parameters}

    def call(**values: Any) -> None:
        check_outputs(values)
        function(
            **{
                name: group.callback(**{param.name: values[param.name] for param in group.params})
                for name, group in groups.items()
            }
        )

    return GroupedHelp(
        command.name,
        params=[param for group in groups.values() for param in group.params],
        callback=call,
        help=inspect.getdoc(function),
        epilog=_epilog(command),
        hidden=command.is_hidden,
        context_settings=_CONTEXT,
        rich_markup_mode=None,
    )


def _parsed(group: type) -> Any:
    """Let Typer read an option group. -> parameters, and a callback that builds the group from their values"""
    app = typer.Typer(add_completion=False)
    app.command()(group)
    return typer.main.get_command(app)


def _epilog(command: Command) -> str | None:
    examples = "\n".join(["\b\nExamples:", *(f"  tracetui {example}" for example in command.examples)])
    parts = [*([CREDENTIALS] if command.uses_servers else []), *([examples] if command.examples else [])]
    return "\n\n".join(parts) or None


class _Commands(TyperGroup):
    """Commands of the registry, each imported on use."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the library's signature, as below
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        command = command_named(cmd_name)
        return None if command is None else build_command(command)


def build_parser() -> Any:
    """Build the parser of all commands."""
    app = typer.Typer(
        name="tracetui",
        cls=_Commands,
        help="Distributed traces in a terminal: find the span, service or query that makes a request slow or fail.",
        epilog=_EPILOG,
        no_args_is_help=True,
        context_settings=_CONTEXT,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.callback()
    def root(
        version: bool = typer.Option(
            False, "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
        spec: bool = typer.Option(
            False, "--spec", help="Print every command and option as JSON.", is_eager=True, callback=_print_spec
        ),
    ) -> None:
        pass

    return typer.main.get_command(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_plain(f"tracetui {__version__}")
        raise typer.Exit


def _print_spec(wanted: bool) -> None:
    if wanted:
        import orjson

        from tracetui.cli.command_spec import spec
        from tracetui.cli.output import print_bytes

        print_bytes(orjson.dumps(spec(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        raise typer.Exit
