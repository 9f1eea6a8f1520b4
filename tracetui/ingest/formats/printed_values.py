"""Attribute values printed without their types."""

from __future__ import annotations

import re
from typing import Final

from tracetui.model.span import Value

_INTEGER: Final = re.compile(r"-?(?:0|[1-9]\d{0,18})")
_FLOAT: Final = re.compile(r"-?\d+\.\d+(?:[eE][+-]?\d+)?")
_TRUTHS: Final = {"true": True, "false": False, "True": True, "False": False}


def printed_value(text: str) -> Value:
    """Read a number, a boolean, a quoted text or a list of these in brackets; other text is returned unchanged."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text[:1] == "[" and text[-1:] == "]":
        inner = text[1:-1]
        return [_plain(item.strip()) for item in inner.split(",")] if inner.strip() else []
    return _plain(text)


def _plain(text: str) -> Value:
    if text in _TRUTHS:
        return _TRUTHS[text]
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
