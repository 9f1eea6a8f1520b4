"""Queries as they are pasted: a text that is none, but names a trace, asks for that trace."""

from __future__ import annotations

from tracetui.analysis.query.errors import QueryError
from tracetui.analysis.query.parsing import parse
from tracetui.model.pasted import trace_id_in


def meant(text: str) -> str:
    """The query that a text is, or that asks for the trace it names; the text itself where it is neither."""
    trace_id = trace_id_in(text)
    if not trace_id:
        return text
    try:
        parse(text)
    except QueryError:
        return f'trace.id = "{trace_id}"'
    return text
