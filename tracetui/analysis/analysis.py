"""All analysis results for one trace set."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tracetui.analysis.async_work import AsyncWork
from tracetui.analysis.bottlenecks import Bottleneck, BottleneckColumns, find_bottlenecks
from tracetui.analysis.calls import Calls, find_calls
from tracetui.analysis.critical_path import CriticalPaths, critical_paths
from tracetui.analysis.dependencies import Dependencies, find_dependencies
from tracetui.analysis.errors import Errors, find_errors
from tracetui.analysis.network import NetworkTimes, network_times
from tracetui.analysis.span_warnings import WarningCount, count_warnings
from tracetui.analysis.suggestions.registry import Suggestion, find_suggestions
from tracetui.analysis.summary import Summary, summarize
from tracetui.analysis.verdict import FailingVerdict, SetVerdict, failing_verdict, slow_verdict
from tracetui.model.traces import TraceSet

if TYPE_CHECKING:
    # networkx is only imported if a graph is needed
    from tracetui.analysis.criticality import Criticality, Ranking
    from tracetui.analysis.root_causes import CausesAndBaseline
    from tracetui.analysis.service_graph import ServiceGraph


class Analysis:
    """Analysis of one trace set; each part is computed on first use."""

    def __init__(self, traces: TraceSet) -> None:
        self.traces = traces

    @cached_property
    def summary(self) -> Summary:
        return summarize(self.traces)

    @cached_property
    def paths(self) -> CriticalPaths:
        return critical_paths(self.traces)

    @cached_property
    def async_work(self) -> AsyncWork:
        return AsyncWork(self.traces)

    @cached_property
    def errors(self) -> Errors:
        return find_errors(self.traces)

    @cached_property
    def failing(self) -> FailingVerdict | None:
        """The most harmful error pattern."""
        return failing_verdict(self.traces, self.errors)

    @property
    def verdict(self) -> SetVerdict:
        """The most harmful error pattern and the largest bottleneck."""
        return SetVerdict(self.failing, self.slow)

    @cached_property
    def slow(self) -> Bottleneck | None:
        """The bottleneck with the largest share of all critical path time."""
        return slow_verdict(self.bottleneck_columns)

    @cached_property
    def causes(self) -> CausesAndBaseline:
        """Root causes, with a baseline chosen among the traces."""
        from tracetui.analysis.root_causes import find_causes_within

        return find_causes_within(self.traces)

    @cached_property
    def calls(self) -> Calls:
        return find_calls(self.traces)

    @cached_property
    def network(self) -> NetworkTimes:
        """Network time of each answered call."""
        return network_times(self.traces, self.calls)

    @cached_property
    def dependencies(self) -> Dependencies:
        return find_dependencies(self.traces, self.calls, self.network)

    @cached_property
    def graph(self) -> ServiceGraph:
        from tracetui.analysis.service_graph import ServiceGraph

        return ServiceGraph(self.traces, self.calls, self.dependencies)

    @property
    def criticality(self) -> list[Criticality]:
        """Criticality of each service, the one in most traces first."""
        return self.ranking.services

    @cached_property
    def ranking(self) -> Ranking:
        """Criticality of each service, with messages about incomplete figures in a very large graph."""
        from tracetui.analysis.criticality import ranking

        return ranking(self.graph)

    @cached_property
    def warning_counts(self) -> list[WarningCount]:
        """Warnings of spans by kind, the most important kinds first."""
        return count_warnings(self.traces)

    @cached_property
    def suggestions(self) -> list[Suggestion]:
        """Suggestions, largest saving first."""
        return find_suggestions(self.paths, self.calls)

    @cached_property
    def bottleneck_columns(self) -> BottleneckColumns:
        """Operations above the least share of a bottleneck, by total time in the set."""
        return find_bottlenecks(self.paths, network=self.network)

    def bottlenecks(self) -> list[Bottleneck]:
        """List all bottlenecks, which reads attributes of spans of each."""
        return self.bottleneck_columns.bottlenecks()
