"""Order of a waterfall's rows."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tracetui.model.traces import TraceSet


class RowOrder(Protocol):
    """Assignment of spans to rows: as a tree (`Rows`) or flat (`FlatRows`)."""

    positions: np.ndarray
    """int64[rows], first span of each row."""

    def __len__(self) -> int: ...
    def row_of(self, span: int) -> int: ...
    def repeats(self, row: int) -> range | None: ...
    def group(self, row: int) -> np.ndarray | None: ...
    def is_folded(self, row: int) -> bool: ...
    def spans(self, row: int) -> range: ...
    def has_children(self, row: int) -> bool: ...
    def has_children_shown(self, row: int) -> bool: ...
    def hidden(self, row: int) -> int: ...
    def has_next(self, span: int) -> bool: ...
    def parent_of(self, span: int) -> int: ...
    def depth_of(self, span: int) -> int: ...
    def reveal(self, span: int) -> int: ...
    def hide(self, hidden: np.ndarray | None) -> None: ...
    def shown(self, spans: np.ndarray) -> np.ndarray: ...
    def omitted_count(self) -> int: ...
    def ranks(self, spans: np.ndarray) -> np.ndarray: ...


class FlatRows:
    """Rows in order of start, without a tree. Positions are those of the trace set."""

    def __init__(self, traces: TraceSet, first: int, stop: int) -> None:
        self.first = first
        self._order = np.argsort(traces.start[first:stop], kind="stable")
        self._hidden: np.ndarray | None = None
        self._rebuild()

    def __len__(self) -> int:
        return len(self.positions)

    def _rebuild(self) -> None:
        shown = self._order if self._hidden is None else self._order[~self._hidden[self._order]]
        self.positions = shown + self.first
        # a hidden span maps to the row before it
        self._row_of = np.zeros(len(self._order), np.int64)
        row_numbers = np.arange(len(shown))
        if self._hidden is not None:
            row_numbers = np.maximum(np.cumsum(~self._hidden[self._order]) - 1, 0)
        self._row_of[self._order] = row_numbers

    def row_of(self, span: int) -> int:
        return int(self._row_of[span - self.first])

    def repeats(self, row: int) -> range | None:  # noqa: ARG002
        return None

    def group(self, row: int) -> np.ndarray | None:  # noqa: ARG002
        return None

    def is_folded(self, row: int) -> bool:  # noqa: ARG002
        return False

    def spans(self, row: int) -> range:
        span = int(self.positions[row])
        return range(span, span + 1)

    def has_children(self, row: int) -> bool:  # noqa: ARG002
        return False

    def has_children_shown(self, row: int) -> bool:  # noqa: ARG002
        return False

    def hidden(self, row: int) -> int:  # noqa: ARG002
        return 0

    def has_next(self, span: int) -> bool:  # noqa: ARG002
        return False

    def parent_of(self, span: int) -> int:  # noqa: ARG002
        return -1

    def depth_of(self, span: int) -> int:  # noqa: ARG002
        return 0

    def reveal(self, span: int) -> int:
        return self.row_of(span)

    def ranks(self, spans: np.ndarray) -> np.ndarray:
        """Return sort keys that ascend with the rows, int64."""
        ranks: np.ndarray = self._row_of[spans - self.first]
        return ranks

    def omitted_count(self) -> int:
        return 0

    def shown(self, spans: np.ndarray) -> np.ndarray:
        """Filter out hidden spans."""
        return spans if self._hidden is None else spans[~self._hidden[spans - self.first]]

    def hide(self, hidden: np.ndarray | None) -> None:
        """Hide the rows of these spans, bool[stop - first]; None shows all."""
        self._hidden = hidden if hidden is not None and hidden.any() else None
        self._rebuild()
