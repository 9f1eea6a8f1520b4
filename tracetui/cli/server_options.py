"""Options for reaching servers, shared by every command with sources."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Annotated, Any

import typer

from tracetui.cli.output import say
from tracetui.config import Overrides
from tracetui.ingest.servers.resolve import Server, servers_of

CREDENTIALS = (
    "Credentials for servers come from TRACETUI_TOKEN, or TRACETUI_USER and TRACETUI_PASSWORD (for one server"
    " at a time), from ~/.netrc, or from a profile."
)
_PANEL = "Servers"
_CHOSEN: ContextVar[Overrides] = ContextVar("overrides", default=Overrides())  # noqa: B039 - it is frozen


def _file(option: str, what: str) -> Any:
    return Annotated[str, typer.Option(option, metavar="FILE", help=what, rich_help_panel=_PANEL)]


_OPTIONS: dict[str, tuple[Any, str | bool]] = {
    "tenant": (
        Annotated[str, typer.Option("--tenant", metavar="NAME", help="Tenant to query.", rich_help_panel=_PANEL)],
        "",
    ),
    "ca": (_file("--ca", "CA certificates (PEM) to verify the server with."), ""),
    "cert": (_file("--cert", "Client certificate (PEM)."), ""),
    "key": (_file("--key", "Private key of the client certificate (PEM)."), ""),
    "insecure": (
        Annotated[
            bool, typer.Option("--insecure", help="Do not verify the server's certificate.", rich_help_panel=_PANEL)
        ],
        False,
    ),
}


def with_server_options(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command to add these options; `overrides` returns their values while it runs."""
    own = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def with_options(*args: Any, **given: Any) -> None:
        chosen = Overrides(**{name: given.pop(name) for name in _OPTIONS if name in given})
        token = _CHOSEN.set(chosen)
        try:
            command(*args, **given)
        finally:
            _CHOSEN.reset(token)

    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in _OPTIONS.items()
    ]
    signature = own.replace(parameters=[*own.parameters.values(), *more])
    with_options.__signature__ = signature  # type: ignore[attr-defined]
    with_options.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return with_options


def servers_among(sources: Sequence[str]) -> list[Server]:
    """Servers among the sources, with a warning if a certificate is not verified. Raises UsageError."""
    servers = servers_of(sources)
    for server in servers:
        if server.is_unsafe(overrides()):
            say(f"warning: {server.name}: the server's certificate is not verified")
    return servers


def overrides() -> Overrides:
    """Server settings from the options of the running command."""
    return _CHOSEN.get()
