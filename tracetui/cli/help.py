"""Layout of help pages: options in groups, arguments without Python types."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand

from tracetui.cli.options import PANELS

_UNGROUPED = "Options"


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
