"""The recorded answers of real servers (tests/recordings), and the traces that they hold."""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from tests.support.loopback import Answer
from tests.support.paths import RECORDINGS

FIRST_NS, LAST_NS = 1_795_168_800_000_000_000, 1_795_169_606_000_000_000
"""All spans begin and end in between."""

WINDOW = {"start", "end", "startTime", "endTime", "query.startTimeMin", "query.startTimeMax", "endTs", "lookback"}
SIZE = {"limit", "query.searchDepth", "query.numTraces"}
DETAIL = {"step", "ratePer", "spss"}

Query = Mapping[str, list[str]]


@dataclass(frozen=True)
class Recorded(Answer):
    name: str = ""
    path: str = ""
    query: Query = field(default_factory=dict)


class Recording:
    """The answers of one server, by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers: dict[str, Recorded] = {}
        for line in gzip.decompress((RECORDINGS / f"{name}.jsonl.gz").read_bytes()).splitlines():
            given = json.loads(line)
            query = {key: [str(v) for v in _listed(value)] for key, value in given["query"].items()}
            self.answers[given["name"]] = Recorded(
                (given["body"].encode(),), given["status"], given["headers"], given["name"], given["path"], query
            )

    def __getitem__(self, name: str) -> Recorded:
        return self.answers[name]

    def fitting(self, path: str, query: Query, heed_window: bool = True) -> Recorded | None:
        """The answer to this question: to the very same one, else to that of a window which also holds all traces."""
        same = [answer for answer in self.answers.values() if _question(answer) == _asked(path, query)]
        for answer in same:
            if _frame(answer.query) == _frame(query):
                return answer
        return next((answer for answer in same if _covers(path, query, answer, heed_window)), None)


@functools.cache
def recorded(name: str) -> Recording:
    return Recording(name)


def truth() -> Iterator[dict[str, Any]]:
    """The traces as they were sent: OTLP JSON messages."""
    for line in gzip.decompress((RECORDINGS / "traces.otlp.jsonl.gz").read_bytes()).splitlines():
        yield json.loads(line)


def camel(key: str) -> str:
    """Version 3 of Jaeger's API has two spellings of each parameter."""
    return re.sub("_([a-z])", lambda found: found[1].upper(), key)


def window(query: Query) -> tuple[int, int] | None:
    """From and to in nanoseconds, as any of the servers takes them. Raises ValueError."""
    given = {camel(key): values[0] for key, values in query.items()}
    if "endTs" in given:
        end = int(given["endTs"]) * 1_000_000
        return end - int(given.get("lookback", 86_400_000)) * 1_000_000, end
    for first, last in (("query.startTimeMin", "query.startTimeMax"), ("startTime", "endTime"), ("start", "end")):
        if first in given and last in given:
            return _moment(given[first]), _moment(given[last])
    return None


def size(query: Query) -> int | None:
    """How many traces are asked for. Raises ValueError."""
    return next((int(values[0]) for key, values in query.items() if camel(key) in SIZE), None)


def _moment(text: str) -> int:
    if "T" in text:
        return int(datetime.fromisoformat(text).timestamp() * 1_000_000) * 1000
    # Tempo counts seconds, Jaeger microseconds
    return int(text) * (1_000_000_000 if len(text) <= 10 else 1000)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: str) -> str:
    """Without what makes no difference: blanks in JSON and in TraceQL."""
    try:
        return json.dumps(json.loads(value), sort_keys=True)
    except ValueError:
        return re.sub(r'("[^"]*")|\s+', lambda found: found[1] or "", value) if value.startswith("{") else value


def _asked(path: str, query: Query) -> tuple[str, dict[str, list[str]]]:
    left_out = WINDOW | SIZE | DETAIL
    wanted = {camel(key): sorted(map(_plain, values)) for key, values in query.items() if camel(key) not in left_out}
    return unquote(path), wanted


def _question(answer: Recorded) -> tuple[str, dict[str, list[str]]]:
    return _asked(answer.path, answer.query)


def _frame(query: Query) -> dict[str, list[str]]:
    return {camel(key): values for key, values in query.items() if camel(key) in WINDOW | SIZE}


def _covers(path: str, query: Query, answer: Recorded, heed_window: bool) -> bool:
    """Whether an answer to another window and size would be the same."""
    if path.startswith("/api/metrics/"):
        return True
    try:
        theirs, ours = window(answer.query), window(query)
        their_size, our_size = size(answer.query), size(query)
    except ValueError:
        return False
    if theirs is None:
        # by id: the times are a hint
        return answer.status == 200
    if their_size is not None and (not 0 < their_size < 1000 or (our_size or their_size) < their_size):
        return False
    return _holds_all(theirs) and (not heed_window or (ours is not None and _holds_all(ours)))


def _holds_all(given: tuple[int, int]) -> bool:
    return given[0] <= FIRST_NS and given[1] >= LAST_NS
