"""Ranks by duration in words."""

import pytest

from tests.support.paths import SAMPLES
from tracetui.analysis.span_facts import Rank, rank, trace_rank
from tracetui.render.rank import rank_words
from tracetui.session import Session


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((1, 0, 0), ""),
        ((9, 8, 0), "slowest of 9 calls"),
        ((9, 6, 2), "3rd slowest of 9 calls"),
        ((19, 7, 11), "12th slowest of 19 calls"),
        ((4, 0, 2), "fastest of 4 calls"),
        ((5, 0, 0), "same as the other 4 calls"),
        ((2, 0, 0), "same as the other call"),
        ((100, 97, 2), "3rd slowest of 100 calls"),
        ((100, 89, 10), "p89 of 100 calls"),
        ((20, 9, 10), "p47 of 20 calls"),
        ((100_000, 99_998, 1), "2nd slowest of 100,000 calls"),
        ((100_000, 99_980, 19), "p99 of 100,000 calls"),
        ((1_000, 1, 998), "p1 of 1,000 calls"),
    ],
)
def test_rank_in_words(given: tuple[int, int, int], words: str) -> None:
    assert rank_words(Rank(*given, 0.0, 0.0), "calls", "call") == words


def test_root_of_all_its_peers_has_the_rank_of_its_trace() -> None:
    traces = Session.open([str(SAMPLES / "incident" / "before.json")]).loaded
    ranked = [
        (
            rank_words(trace_rank(traces, trace), "calls"),
            rank_words(rank(traces, int(traces.main_root[trace])), "calls"),
        )
        for trace in range(traces.trace_count)
    ]
    assert len(ranked) == 100
    assert all(of_trace == of_root for of_trace, of_root in ranked)
