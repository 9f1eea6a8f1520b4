"""Everything the analysis finds in one trace set."""

from __future__ import annotations

from functools import cached_property

from tracetui.analysis.bottlenecks import DEFAULT_SHARE, Bottleneck, find_bottlenecks
from tracetui.analysis.critical_path import CriticalPaths, critical_paths
from tracetui.analysis.dependencies import Dependencies, find_dependencies
from tracetui.analysis.errors import Errors, find_errors
from tracetui.analysis.summary import Summary, summarize
from tracetui.model.traces import TraceSet


class Findings:
    """The analysis of one trace set, each part made when it is first asked for."""

    def __init__(self, traces: TraceSet) -> None:
        self.traces = traces

    @cached_property
    def summary(self) -> Summary:
        return summarize(self.traces)

    @cached_property
    def paths(self) -> CriticalPaths:
        return critical_paths(self.traces)

    @cached_property
    def errors(self) -> Errors:
        return find_errors(self.traces)

    @cached_property
    def dependencies(self) -> Dependencies:
        return find_dependencies(self.traces)

    def bottlenecks(self, min_share: float = DEFAULT_SHARE) -> list[Bottleneck]:
        """The operations above this share, in percent of their traces' time."""
        return find_bottlenecks(self.paths, min_share)
