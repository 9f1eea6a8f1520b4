"""Short texts to stdout, for what must not wait until more is imported."""

from __future__ import annotations

import os
import sys

from tracetui.model.errors import UsageError


def print_plain(text: str) -> None:
    """Print a line. Raises UsageError where stdout is closed or full; a reader that is gone has seen enough."""
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    try:
        print(text, flush=True)
    except BrokenPipeError:
        discard_stdout()
    except OSError as error:
        discard_stdout()
        raise unwritable(error) from None


def unwritable(error: OSError) -> UsageError:
    """Say why stdout cannot be written."""
    return UsageError(f"cannot write to standard output: {error.strerror or error}")


def discard_stdout() -> None:
    """Write nothing to stdout any more. Python would stumble over what is left in its buffer when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
