"""Registry of the commands, without their functions and options, which are slow to import.

To add one, write a module with its function and list it here. The parameters of the function are its option groups:
dataclasses whose fields are options and arguments (`cli.options`, `cli.parser`). Its docstring is the help.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """Command of the program.

    function: location of its function, as "module:name".
    examples: arguments of tracetui, for the help page.
    is_screen: True if the command opens the screen instead of printing once.
    uses_servers: True if its help page describes credentials for servers.
    is_hidden: True to omit it from the overview of commands.
    """

    name: str
    function: str
    examples: tuple[str, ...] = ()
    is_screen: bool = False
    uses_servers: bool = True
    is_hidden: bool = False

    def load(self) -> Callable[..., None]:
        """Import the function."""
        module, _, name = self.function.partition(":")
        function: Callable[..., None] = getattr(import_module(module), name)
        return function


EXIT_CODES: Final = {
    0: "success",
    1: "a --fail-on-... condition was met",
    2: "bad usage: an option, a name or a query",
    3: "a source cannot be read, or none holds spans",
    4: "a server cannot be reached",
}

OPEN: Final = Command(
    "open",
    "tracetui.cli.open:open_sources",
    ("traces.json", "http://jaeger:16686 --query 'error AND service = checkout'", "--resume"),
    is_screen=True,
    is_hidden=True,
)
"""Command for sources without a command."""

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "analyze",
        "tracetui.cli.analyze:analyze",
        (
            "analyze traces.json",
            "analyze http://jaeger:16686 --service checkout --time-range 3h",
            "analyze traces.json --json | jq '.bottlenecks[0]'",
        ),
    ),
    Command(
        "show",
        "tracetui.cli.show:show",
        ("show traces.json --trace failed", "show http://jaeger:16686 --trace 463ac35c9f6413ad"),
    ),
    Command(
        "graph",
        "tracetui.cli.graph:graph",
        (
            "graph traces.json blast-radius inventory-service",
            "graph traces.json path mobile-app order-db",
            "graph traces.json services --format dot | dot -Tsvg",
        ),
    ),
    Command(
        "compare",
        "tracetui.cli.compare:compare",
        ("compare before.json after.json", "compare main.json branch.json --fail-on-regression"),
    ),
    Command(
        "contrast",
        "tracetui.cli.contrast:contrast",
        ("contrast traces.json", "contrast traces.json --slow 95"),
    ),
    Command(
        "why",
        "tracetui.cli.why:why",
        ("why incident.json --baseline yesterday.json", "why traces.json --at 10:05 --logs app.log"),
    ),
    Command("alerts", "tracetui.cli.alerts:alerts", ("alerts traces.json --service checkout > checkout.rules.yml",)),
    Command("server", "tracetui.cli.server:server", ("server http://jaeger:16686 checkout",)),
    Command(
        "export",
        "tracetui.cli.export:export",
        (
            "export http://jaeger:16686 --service checkout -o checkout.json.gz",
            "export traces.json --format otlp-protobuf > traces.pb",
        ),
    ),
    Command("demo", "tracetui.cli.demo:demo", is_screen=True, uses_servers=False),
    Command("samples", "tracetui.cli.demo:samples", uses_servers=False),
    Command("config", "tracetui.cli.config:config", ("config show", "config validate"), uses_servers=False),
    OPEN,
)
"""All commands, in the order of the help page."""

_BY_NAME: Final = {command.name: command for command in COMMANDS}


def command_named(name: str) -> Command | None:
    return _BY_NAME.get(name)
