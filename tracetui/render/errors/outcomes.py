"""Words for the outcomes of errors."""

from __future__ import annotations

from tracetui.analysis.errors import ErrorPattern
from tracetui.analysis.outcomes import Outcome
from tracetui.render.text import numbers

OUTCOME_WORDS = {
    Outcome.FAILED: "failed the request",
    Outcome.UNKNOWN: "outcome unknown: its caller is missing",
    Outcome.BACKGROUND: "in the background",
    Outcome.HANDLED: "handled",
    Outcome.RETRIED: "handled (retried)",
}
"""Words for the outcome of one error."""


def outcome_counts(pattern: ErrorPattern) -> list[str]:
    """Count the outcomes of a pattern's errors, failed requests first: `failed 6 requests`, `3 handled (1 retried)`."""
    counts = []
    if pattern.failed_request_count:
        counts.append(f"failed {numbers.counted(pattern.failed_request_count, 'request')}")
    if pattern.swallowed_count:
        retried = f" ({pattern.retried_count:,} retried)" if pattern.retried_count else ""
        counts.append(f"{pattern.swallowed_count:,} handled{retried}")
    if pattern.background_count:
        counts.append(f"{pattern.background_count:,} in the background")
    if pattern.unknown_count:
        counts.append(f"{pattern.unknown_count:,} with unknown outcome")
    return counts
