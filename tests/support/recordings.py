"""Recorded responses of real servers (tests/recordings), and their traces."""

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

from tests.support.loopback import Response
from tests.support.paths import RECORDINGS

FIRST_NS, LAST_NS = 1_795_168_800_000_000_000, 1_795_169_606_000_000_000
"""Time range of all spans."""

WINDOW = {"start", "end", "startTime", "endTime", "query.startTimeMin", "query.startTimeMax", "endTs", "lookback"}
SIZE = {"limit", "query.searchDepth", "query.numTraces"}
DETAIL = {"step", "ratePer", "spss"}

Query = Mapping[str, list[str]]


@dataclass(frozen=True)
class Recorded(Response):
    name: str = ""
    path: str = ""
    query: Query = field(default_factory=dict)


class Recording:
    """Responses of one server, by name."""

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

    def find(self, path: str, query: Query, respect_window: bool = True) -> Recorded | None:
        """Find the response to a query: for the same window, else for another window that also covers all traces."""
        same = [answer for answer in self.answers.values() if _normalized_query(answer) == _normalized(path, query)]
        for answer in same:
            if _window_and_size(answer.query) == _window_and_size(query):
                return answer
        return next((answer for answer in same if _covers(path, query, answer, respect_window)), None)


@functools.cache
def recorded(name: str) -> Recording:
    return Recording(name)


def original_traces() -> Iterator[dict[str, Any]]:
    """Yield the recorded traces as sent: OTLP JSON messages."""
    for line in gzip.decompress((RECORDINGS / "traces.otlp.jsonl.gz").read_bytes()).splitlines():
        yield json.loads(line)


def camel(key: str) -> str:
    """Convert a parameter of Jaeger's v3 API, which has two spellings, to camel case."""
    return re.sub("_([a-z])", lambda found: found[1].upper(), key)


def window(query: Query) -> tuple[int, int] | None:
    """Read the window in nanoseconds, in the form of any of the servers. Raises ValueError."""
    given = {camel(key): values[0] for key, values in query.items()}
    if "endTs" in given:
        end = int(given["endTs"]) * 1_000_000
        return end - int(given.get("lookback", 86_400_000)) * 1_000_000, end
    for first, last in (("query.startTimeMin", "query.startTimeMax"), ("startTime", "endTime"), ("start", "end")):
        if first in given and last in given:
            return _moment(given[first]), _moment(given[last])
    return None


def size(query: Query) -> int | None:
    """Read the requested number of traces. Raises ValueError."""
    return next((int(values[0]) for key, values in query.items() if camel(key) in SIZE), None)


def _moment(text: str) -> int:
    if "T" in text:
        return int(datetime.fromisoformat(text).timestamp() * 1_000_000) * 1000
    # Tempo uses seconds, Jaeger microseconds
    return int(text) * (1_000_000_000 if len(text) <= 10 else 1000)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _without_blanks(value: str) -> str:
    """Normalize blanks in JSON and in TraceQL."""
    try:
        return json.dumps(json.loads(value), sort_keys=True)
    except ValueError:
        return re.sub(r'("[^"]*")|\s+', lambda found: found[1] or "", value) if value.startswith("{") else value


def _normalized(path: str, query: Query) -> tuple[str, dict[str, list[str]]]:
    left_out = WINDOW | SIZE | DETAIL
    wanted = {
        camel(key): sorted(map(_without_blanks, values)) for key, values in query.items() if camel(key) not in left_out
    }
    return unquote(path), wanted


def _normalized_query(answer: Recorded) -> tuple[str, dict[str, list[str]]]:
    return _normalized(answer.path, answer.query)


def _window_and_size(query: Query) -> dict[str, list[str]]:
    return {camel(key): values for key, values in query.items() if camel(key) in WINDOW | SIZE}


def _covers(path: str, query: Query, answer: Recorded, respect_window: bool) -> bool:
    """Test whether the response would be the same for another window and size."""
    if path.startswith("/api/metrics/"):
        return True
    try:
        recorded_window, wanted_window = window(answer.query), window(query)
        recorded_size, wanted_size = size(answer.query), size(query)
    except ValueError:
        return False
    if recorded_window is None:
        # by id: the times are a hint
        return answer.status == 200
    if recorded_size is not None and (not 0 < recorded_size < 1000 or (wanted_size or recorded_size) < recorded_size):
        return False
    return _holds_all(recorded_window) and (
        not respect_window or (wanted_window is not None and _holds_all(wanted_window))
    )


def _holds_all(given: tuple[int, int]) -> bool:
    return given[0] <= FIRST_NS and given[1] >= LAST_NS
