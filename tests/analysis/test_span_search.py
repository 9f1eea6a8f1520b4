"""Full-text search of spans."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.building import build, ids, span
from tracetui.analysis.span_search import WordSearch, find_spans
from tracetui.export.save import save
from tracetui.model.span import Flag
from tracetui.session import Session

TEXTS = {"db.query": 'say "héllo"\n', "deep": {"k": [1, "Tail"]}}
TRACES = build(
    span("a", 0, 100, name="GET /Cart", service="web", attributes={"http.status_code": 404, "ok": True, "none": None}),
    span("b", 1, 50, parent="a", name="SELECT", service="db", attributes=TEXTS),
    span("c", 2, 50, parent="a", name="send", events=[(3, "exception", {"exception.type": "TimeoutError"})]),
    span("e", 3, 5, parent="a", name="y", attributes={"note": "STRAẞE Όδος ΌΔΟΣ", "支払い": "İ 支払い 🙂"}),
    span("d", 3, 50, parent="a", name="x", error=True, message="Connection refused", resource={"host.name": "node-7"}),
)  # fmt: skip


def found(word: str) -> list[str]:
    answer = find_spans(TRACES, 0, len(TRACES), word)
    assert answer is not None
    return ids(TRACES, answer.nonzero()[0])


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("cart", ["a"]),
        ("DB", ["b"]),
        ("refused", ["d"]),
        ("404", ["a"]),
        ("status_code=404", ["a"]),
        ("http.status_code", ["a"]),
        ("true", ["a"]),
        ("none", ["a"]),
        ("héllo", ["b"]),
        ("HÉLLO", ["b"]),
        ("straße", ["e"]),
        ("ΌΔΟΣ", ["e"]),
        ("支払い", ["e"]),
        ("払い 🙂", ["e"]),
        ("払う", []),
        ('say "h', ["b"]),
        ("tail", ["b"]),
        ("timeouterror", ["c"]),
        ("exception.type=timeout", ["c"]),
        ("node-7", ["d"]),
        ("nowhere", []),
        ("", []),
    ],
)
def test_every_text_of_a_span_is_searched(word: str, expected: list[str]) -> None:
    assert found(word) == expected


def test_search_for_an_id() -> None:
    traces = build(span("00000000000000ab", 0, 1), span("00000000000000ac", 0, 1, parent="00000000000000ab"))
    answer = find_spans(traces, 0, 2, "00000000000000AC")
    assert answer is not None
    assert answer.tolist() == [False, True]


def test_search_in_a_part_and_its_cancellation() -> None:
    answer = find_spans(TRACES, 1, 2, "select")
    assert answer is not None
    assert answer.tolist() == [True]
    assert find_spans(TRACES, 0, len(TRACES), "select", lambda: True) is None


@pytest.mark.parametrize("name", ["otlp/traces.pb", "otlp/traces.jsonl", "zipkin/traces.json", "incident/before.json"])
def test_search_equals_a_scan_of_each_decoded_span(name: str) -> None:
    traces = Session.open([f"sample_traces/{name}"]).loaded
    for word in ("get", "200", "sql", "name=", "internal", "e", "true", "99", "type"):
        answer = find_spans(traces, 0, len(traces), word)
        assert answer is not None
        for number in range(0, len(traces), 7):
            one = traces.span(number)
            said = [one.name, one.service, one.status_message]
            for attributes in (one.attributes, one.resource, *(event.attributes for event in one.events)):
                said += [
                    f"{key}={str(value).lower() if isinstance(value, bool) else str(value)}"
                    for key, value in attributes.items()
                ]
            said += [event.name for event in one.events]
            assert not one.flags & Flag.SHORTENED
            assert answer[number] == any(word in text.lower() for text in said), (word, one)


@pytest.mark.parametrize("suffix", [".json", ".pb"])
@pytest.mark.parametrize(
    "word",
    "n=1000 ok=true no=fal f=0.1 l=2.5 l=true w=200.0 200.0 x=1e+30 1e+30 y=nan nan ali kelvin z=kel 1001".split(),
)
def test_a_word_is_found_however_a_format_writes_it(suffix: str, word: str, tmp_path: Path) -> None:
    values = {"n": 1000, "ok": True, "no": False, "f": 0.1, "l": [2.5, True], "w": 200.0, "x": 1e30, "y": float("nan")}
    capitals = {"j": "AL\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "z": "\N{KELVIN SIGN}elvin"}
    save(build(span("a", 0, 1, attributes={**values, **capitals})), tmp_path / f"traces{suffix}")
    traces = Session.open([str(tmp_path / f"traces{suffix}")]).loaded
    assert WordSearch(traces, word).matches(np.arange(1)).tolist() == [word != "1001"]
