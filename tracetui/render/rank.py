"""Rank of a span or trace by duration among its peers, as text."""

from __future__ import annotations

from tracetui.analysis.span_facts import Rank
from tracetui.render.text import numbers

_RANKED = 10
"""Ranks from the slowest that are said as such; below them percentiles are."""
_RANKED_ALL = 20
"""Number of peers up to which all ranks are."""


def rank_words(rank: Rank, peers: str, one_peer: str = "") -> str:
    """Format a rank as `3rd slowest of 100 calls` or `p47 of 100 calls`; '' without others.

    peers, one_peer: their name in plural and singular, if that differs.
    """
    if rank.n < 2:
        return ""
    if not rank.shorter and not rank.longer:
        return f"same as the other {f'{rank.n - 1:,} {peers}' if rank.n > 2 else one_peer or peers}"
    if not rank.longer:
        return f"slowest of {rank.n:,} {peers}"
    if not rank.shorter:
        return f"fastest of {rank.n:,} {peers}"
    if rank.longer < _RANKED or rank.n < _RANKED_ALL:
        return f"{numbers.ordinal(rank.longer + 1)} slowest of {rank.n:,} {peers}"
    return f"p{min(max(int(rank.slower_than_percent), 1), 99)} of {rank.n:,} {peers}"
