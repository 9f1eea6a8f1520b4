"""Commands of this program as text for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def shell_command(command: Sequence[str], sources: Sequence[str], options: Sequence[str] = ()) -> str:
    """Join the words of a command. Sources come first, but after the options and `--` if one looks like an option."""
    if any(source.startswith("-") and source != "-" for source in sources):
        return shlex.join([*command, *options, "--", *sources])
    return shlex.join([*command, *sources, *options])
