"""Keys of the hot spots view."""

from __future__ import annotations

from tracetui.tui.keys.key_table import ABOVE, KeyTable, Shortcut, Use


def _suggestion_words() -> str:
    # imported late, as the keys are needed for the first screen
    from tracetui.analysis.suggestions.registry import KINDS

    return " ".join(f"{kind.label} {kind.words}" for kind in KINDS)


HOT_SPOTS = KeyTable(
    "Hot spots",
    Use("list.open", "open the trace with the operation's largest critical time, at its slowest span", "worst trace"),
    Shortcut(
        "hot-spots.advice",
        "v",
        "suggestions",
        "Suggestions",
        "suggestions, and back to operations; {list.open} opens the largest saving",
        "suggestions",
        former="a",
        words="optimise",
        listed_words=_suggestion_words,
    ),
    Shortcut(
        "hot-spots.what-if",
        "X",
        "what_if",
        "What if the operation's duration changed",
        "what if: replay the traces with the operation at half its time, none, or any share",
        "what if",
    ),
    Use("app.next-pane", "focus its worst traces; {list.open} opens one or shows the whole line", "its traces"),
    Shortcut(
        "hot-spots.apart",
        "c",
        "contrast",
        "Contrast the slow traces of the operation",
        "contrast the traces with the slowest calls (p95 or more)",
        words="why common",
    ),
    Shortcut(
        "hot-spots.sort",
        "o",
        "sort",
        "Sort by the next column",
        "sort by the next column (critical, calls, errors, p50, p95, p99, self, total); reverse",
    ),
    Shortcut("hot-spots.reverse", "O", "reverse", "Reverse the order", ABOVE),
    Use("findings.copy", "copy service and operation", "copy"),
    glyphs=(
        ("●", "a service, in its colour"),
        ("⇝", "asynchronous work, which no request waits for"),
        ("▸", "several operations or suggestions in one row; {list.open} lists them"),
        ("≤", "longest of fewer than 20 calls, too few for percentiles"),
        ("✖", "errors among the calls"),
    ),
    words=(
        ("columns", "explained by the key {app.figures}"),
        ("durations", "histogram of call durations, logarithmic scale; over time: mean duration, calls per minute"),
    ),
)
