"""Print short texts to stdout, without slow imports."""

from __future__ import annotations

import os
import sys

# typing and the module of errors take longer than all else that prints a version
TYPE_CHECKING = False
if TYPE_CHECKING:
    from tracetui.model.errors import UsageError


def print_plain(text: str) -> None:
    """Print a line. Raises UsageError if stdout is closed or full; a reader that has closed it is not an error."""
    if sys.stdout is None:
        raise _error("standard output is closed")
    try:
        print(text, flush=True)
    except BrokenPipeError:
        discard_stdout()
    except OSError as error:
        discard_stdout()
        raise unwritable(error) from None


def unwritable(error: OSError) -> UsageError:
    """Return the error for a stdout that cannot be written."""
    return _error(f"cannot write to standard output: {error.strerror or error}")


def _error(message: str) -> UsageError:
    from tracetui.model.errors import UsageError

    return UsageError(message)


def discard_stdout() -> None:
    """Discard further output, including buffered data that Python would fail to flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
