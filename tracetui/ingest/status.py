"""Span kinds and statuses by the names and numbers that formats give them."""

from __future__ import annotations

from tracetui.model.span import Kind, Status


def kind_named(text: object) -> Kind:
    """A kind by its name in any case (`server`, `SPAN_KIND_SERVER`) or OTLP number; UNSPECIFIED if unknown."""
    if isinstance(text, int):
        return Kind(text) if 0 <= text <= 5 else Kind.UNSPECIFIED
    if isinstance(text, str):
        return Kind.__members__.get(text.upper().removeprefix("SPAN_KIND_"), Kind.UNSPECIFIED)
    return Kind.UNSPECIFIED


def status_named(text: object) -> Status:
    """A status by its name in any case (`error`, `STATUS_CODE_ERROR`) or OTLP number; UNSET if unknown."""
    if isinstance(text, int):
        return Status(text) if 0 <= text <= 2 else Status.UNSET
    if isinstance(text, str):
        return Status.__members__.get(text.upper().removeprefix("STATUS_CODE_"), Status.UNSET)
    return Status.UNSET
