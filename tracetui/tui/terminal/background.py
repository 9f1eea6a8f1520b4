"""Background of the terminal: asked for at the start, without waiting for the answer.

Question and answer are OSC 11 of xterm (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). Many terminals never
answer, so the first screen has the default theme, and an answer changes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from textual.message import Message

QUERY: Final = "\x1b]11;?\x1b\\"
_REPLY: Final = re.compile(rb"11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})(?:/[0-9a-fA-F]{1,4})?")
_WEIGHTS: Final = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the perceived brightness, from ITU-R BT.601."""


@dataclass
class BackgroundReported(Message):
    """The terminal has reported its background."""

    is_dark: bool


def report_of(command: bytes) -> BackgroundReported | None:
    """Return the report in an operating system command such as `11;rgb:ffff/ffff/ffff`; None for any other."""
    match = _REPLY.fullmatch(command)
    if match is None:
        return None
    # a value of n digits is a share of the largest one of n digits
    shares = [int(digits, 16) / (16 ** len(digits) - 1) for digits in match.groups()]
    return BackgroundReported(sum(weight * share for weight, share in zip(_WEIGHTS, shares, strict=True)) < 0.5)
