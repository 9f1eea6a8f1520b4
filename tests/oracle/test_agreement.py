"""Agreement of the program with the oracle on random trace sets.

`ORACLE_SETS=2000 python -m pytest tests/oracle -n 4` compares more sets than the usual run.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.oracle.compare import check, smallest
from tests.oracle.generate import trace_set
from tests.support.program import Program

SETS = int(os.environ.get("ORACLE_SETS", "200"))
CHUNKS = 8


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_program_agrees_with_oracle(chunk: int, program: Program) -> None:
    for seed in range(chunk, SETS, CHUNKS):
        documents = trace_set(seed)
        lines = check(documents)
        if lines:
            pytest.fail(describe_difference(seed, documents, lines[0]), pytrace=False)


def describe_difference(seed: int, documents: list[dict[str, Any]], line: str) -> str:
    """Describe a difference with the smallest documents that show it."""
    small, lines = smallest(documents, line)
    text = "\n".join(json.dumps(document) for document in small)
    return f"seed {seed}: {line}\nsmallest documents that show it:\n{text}\n" + "\n".join(lines)
