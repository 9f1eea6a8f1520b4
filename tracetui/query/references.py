"""Queries as they are pasted: a text that is none, but names traces, asks for these."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.model.grafana_page import grafana_page
from tracetui.model.trace_reference import trace_ids_in
from tracetui.query.errors import QueryError
from tracetui.query.parser import parse


def resolve_reference(text: str) -> str:
    """Return the query that a text is, or that asks for the traces it names; the text itself where it is neither.

    The search of a page of Grafana is the query where this language understands it.
    """
    if _is_query(text):
        return text
    ids = trace_ids_in(text)
    if ids:
        return of_traces(ids)
    page = grafana_page(text.strip())
    traceql = page.search.expression if page is not None and page.search is not None else ""
    return traceql if traceql and _is_query(traceql) else text


def of_traces(trace_ids: Sequence[str]) -> str:
    """Return the query for traces by their ids."""
    return " OR ".join(f'trace.id = "{trace_id}"' for trace_id in trace_ids)


def _is_query(text: str) -> bool:
    if text.lstrip()[:8].lower().startswith(("http://", "https://")):
        # what stands before the first = would be a field
        return False
    try:
        parse(text)
    except QueryError:
        return False
    return True
