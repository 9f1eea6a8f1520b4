"""Division of a large text in an envelope into parts, each a text in the same envelope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

from tracetui.ingest.envelopes.envelope import Part
from tracetui.ingest.source_bytes import Buffer

PART_BYTES: Final = 1 << 20
"""Approximate size of a part."""


def line_parts(text: Buffer, cuts: Sequence[int], are_newest_first: bool) -> list[Part]:
    """Return the parts between positions at which lines begin."""
    parts = []
    number = 1
    for begin, end in pairwise(cuts):
        parts.append(Part(number, partial(between, text, begin, end)))
        number += text[begin:end].count(b"\n")
    return parts[::-1] if are_newest_first else parts


def cut_where(text: Buffer, start: int, begins: Callable[[int], bool]) -> list[int]:
    """Cut a text at the beginnings of lines that pass a test. -> the boundaries"""
    cuts, at = [start], start + PART_BYTES
    while (end := text.find(b"\n", at)) >= 0:
        at = end + 1
        if begins(at):
            cuts.append(at)
            at += PART_BYTES
    return [*cuts, len(text)]


def between(text: Buffer, begin: int, end: int) -> bytes:
    """Return a part of a text."""
    return text[begin:end]
