"""Saved trace sets in tests: load them again and compare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from tracetui.analysis.analysis import Analysis
from tracetui.export.save import save
from tracetui.ingest.loader import load
from tracetui.model.ids import canonical_trace_id
from tracetui.model.span import Link, Span
from tracetui.model.traces import TraceSet
from tracetui.render.report.json import SECTIONS, report_json


def reloaded(traces: TraceSet, folder: Path) -> TraceSet:
    """Save a trace set and load the file."""
    path = folder / "saved.jsonl"
    save(traces, path, replace=True)
    loaded = load([str(path)])
    assert not loaded.load_warnings
    return loaded


def report_figures(traces: TraceSet) -> Any:
    """Return the report as JSON, without what is lost in a saved file."""
    found = orjson.loads(b"".join(report_json(Analysis(traces), list(SECTIONS))))
    # lost parts are reported when the file is saved
    for name in ("duplicate_span_count", "span_count"):
        del found["summary"][name]
    del found["warnings"]
    found["warning_kinds"] = [kind for kind in found["warning_kinds"] if kind["kind"] != "duplicates"]
    return found


def comparable_spans(traces: TraceSet) -> list[Span]:
    """Return the spans, without differences in the spelling of link ids."""
    return [replace(one, links=tuple(map(_padded, one.links))) for one in map(traces.span, range(len(traces)))]


def _padded(link: Link) -> Link:
    return replace(link, trace_id=canonical_trace_id(link.trace_id), span_id=link.span_id.rjust(16, "0"))
