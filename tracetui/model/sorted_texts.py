"""Sorting of many texts."""

from __future__ import annotations

import numpy as np

_SEPARATOR = "\0"
_WIDEST = 4
"""Factor by which a table of equally long texts may be larger than the texts."""
_LEAST_WIDTH = 64
"""Length in bytes up to which texts are sorted as a table."""


def sorted_texts(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """Sort texts. -> the sorted texts, equal ones in input order; int32[texts], the new position of each"""
    order = _order(texts)
    position = np.empty(len(texts), np.int32)
    position[order] = np.arange(len(texts))
    return list(map(texts.__getitem__, order.tolist())), position


def _order(texts: list[str]) -> np.ndarray:
    """Compute the stable order of texts: int64[texts]."""
    joined = _SEPARATOR.join(texts).encode("utf-8", "surrogatepass")
    encoded = joined.split(_SEPARATOR.encode())
    width = max(map(len, encoded))
    if len(encoded) == len(texts) and width * len(texts) <= max(_LEAST_WIDTH * len(texts), _WIDEST * len(joined)):
        # UTF-8 sorts as its characters; numpy takes a third of the time of `sorted`, and pads with the separator
        return np.argsort(np.array(encoded, f"S{max(width, 1)}"), kind="stable")
    return np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)
