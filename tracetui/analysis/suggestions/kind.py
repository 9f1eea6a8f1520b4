"""Contract of a kind of suggestion: where it applies, and how it reads.

To add one, write a module with its `KIND` and list it in `suggestions.registry`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracetui.analysis.suggestions.siblings import Instances, Siblings


@dataclass(frozen=True, slots=True, eq=False)
class SuggestionKind:
    """Kind of suggestions.

    name: name in JSON.
    label: one or two words for lists.
    sentence: the suggestion in pieces between which a line may break. Fields: {call} and {other} are the first and
        the second of its calls, {calls} all of them, each a piece of its own; {parent} is "in" and the caller; {count}
        is `Suggestion.most_calls`, {times} the same as "3 times", {callers} the callers that
        time out as well: " (up to 2 callers too)", or nothing.
    explanation: lines of at most 72 characters: why it is slow, and what to do.
    find: finds the places where it applies.
    words: words besides the label by which a user may search for it.
    repeats: True if its calls are repetitions of one operation, which lists show as a number.
    keeps_order: True if the order of its calls, and a call that occurs twice, have a meaning.
    """

    name: str
    label: str
    sentence: tuple[str, ...]
    explanation: tuple[str, ...]
    find: Callable[[Siblings], Instances]
    words: str
    repeats: bool = False
    keeps_order: bool = False
