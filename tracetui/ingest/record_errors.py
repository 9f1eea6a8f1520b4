"""Unexpected errors of decoders: they cost one record, not the load.

Faulty data raises `MalformedError`, or is repaired with a warning. Any other exception is a bug in the decoder. Callers
catch it per record, line, item or source, so that no input can end the program; `TRACETUI_DEBUG` reveals it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from tracetui.ingest.decode_context import DecodeContext
from tracetui.model.errors import DEBUG

_RecordItem = TypeVar("_RecordItem")


class CallbackError(BaseException):
    """Error raised by a callback: passed through all handlers to the caller."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def skip_record(context: DecodeContext, error: Exception) -> None:
    """Warn that a record was skipped because its decoder failed, and drop the incomplete span that it left behind.

    Raises the error itself when memory is exhausted, or if TRACETUI_DEBUG is `raise`.
    """
    debug = os.environ.get(DEBUG, "")
    if isinstance(error, MemoryError) or debug == "raise":
        raise error
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    context.intake.discard_incomplete()
    text = " ".join(str(error).split())
    context.warn(f"skipped: cannot be decoded ({type(error).__name__}{': ' if text else ''}{text[:200]})")


def add_each(
    add: Callable[[Sequence[_RecordItem]], None], items: Sequence[_RecordItem], context: DecodeContext
) -> None:
    """Decode spans in one call; if that fails, one at a time, so that only faulty ones are lost."""
    before = len(context.intake)
    try:
        add(items)
    except Exception as error:
        context.intake.discard_incomplete()
        if len(items) == 1 or len(context.intake) > before:
            skip_record(context, error)
            return
        for i, item in enumerate(items):
            try:
                add([item])
            except Exception as fault:
                skip_record(context.at(f"[{i}]"), fault)
