"""Errors that a decoder does not expect: they cost the record at hand, and no other.

What data can have wrong with it is a `MalformedError`, or is repaired with a warning. Anything else that a decoder
raises is a fault in it. Whoever hands it a record, a line, an item or a whole source catches that, so that a stranger's
bytes cannot end the program; `TRACETUI_DEBUG` brings the fault to light.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from tracetui.ingest.decode_context import DecodeContext

_RecordItem = TypeVar("_RecordItem")
DEBUG: Final = "TRACETUI_DEBUG"
"""Environment variable that reveals such errors: `raise` lets them through, any other value prints their
traceback is printed to stderr.
"""


class CallbackError(BaseException):
    """Error raised by a caller's own progress function: passed on to the caller, past all nets."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def skip_record(context: DecodeContext, error: Exception) -> None:
    """Warn that a record was skipped because its decoder failed, and drop the part of a span that it left behind.

    Raises the error itself where there is no more memory, and where TRACETUI_DEBUG asks for it.
    """
    debug = os.environ.get(DEBUG, "")
    if isinstance(error, MemoryError) or debug == "raise":
        raise error
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    context.intake.discard_incomplete()
    text = " ".join(str(error).split())
    context.warn(f"skipped: cannot be decoded ({type(error).__name__}{': ' if text else ''}{text[:200]})")


def take_each(
    take: Callable[[Sequence[_RecordItem]], None], items: Sequence[_RecordItem], context: DecodeContext
) -> None:
    """Decode spans together; if that fails, one by one, so that only faulty ones are lost."""
    before = len(context.intake)
    try:
        take(items)
    except Exception as error:
        context.intake.discard_incomplete()
        if len(items) == 1 or len(context.intake) > before:
            skip_record(context, error)
            return
        for i, item in enumerate(items):
            try:
                take([item])
            except Exception as fault:
                skip_record(context.at(f"[{i}]"), fault)
