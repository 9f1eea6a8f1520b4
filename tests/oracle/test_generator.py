"""Coverage of the generator, and consistency of the oracle's results."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from tests.oracle import errors, times
from tests.oracle.generate import trace_set
from tests.oracle.oracle import expected_figures

SEEDS = range(100)


def test_same_seed_generates_the_same_set() -> None:
    assert trace_set(7) == trace_set(7)
    assert trace_set(7) != trace_set(8)


def test_every_situation_occurs() -> None:
    found: Counter[str] = Counter()
    for seed in SEEDS:
        documents = trace_set(seed)
        found["two files"] += len(documents) > 1
        found["jaeger"] += "data" in documents[0]
        reference = expected_figures(documents)
        found["two edges of one pair"] += len(reference["edges"]) > len({key[:2] for key in reference["edges"]})
        found["inferred"] += any(row["inferred"] for row in reference["services"].values())
        for trace in reference["traces"].values():
            spans = trace["spans"]
            found["skewed hosts"] += bool(errors.skewed_hosts(spans))
            found["several roots"] += len(trace["roots"]) > 1
            found["root missing"] += times.root_missing(trace)
            found["response differs"] += trace["response"] != trace["duration"]
            found["asynchronous work"] += bool(trace["units"])
            found["request is not the root"] += trace["request"] is not trace["main"]
            found["no start"] += any(span["no_start"] for span in spans)
            found["no end"] += any(span["length"] is None for span in spans)
            found["shared ids"] += len({span["id"] for span in spans}) < len(spans)
            found["folded"] += any(span["records"] > 1 for span in spans)
            found["follows"] += any(span["follows"] for span in spans)
            found["link"] += any(span["links"] for span in spans)
            for span in spans:
                found[str(span.get("role"))] += 1
                found[str(span.get("outcome"))] += 1
                found["explicit OK"] += span["status"] == "ok"
                found["shape differs"] += span["operation"] != span["name"]
    assert not [name for name, count in found.items() if count < 5], found
    assert {"origin", "propagated", "cancelled"} < set(found)
    assert {"failed the request", "unknown", "background", "handled", "retried"} < set(found)


def test_expected_figures_are_consistent() -> None:
    for seed in SEEDS:
        reference = expected_figures(trace_set(seed))
        for trace in reference["traces"].values():
            sections = trace["sections"]
            assert all(a[2] <= b[1] for a, b in pairwise(sections))
            assert all(end > start for _, start, end in sections)
            assert sum(end - start for _, start, end in sections) <= trace["duration"]
            assert 0 <= trace["response"] <= trace["duration"]
            for span in trace["spans"]:
                own = times.self_time(span)
                assert own is None or 0 <= own <= span["length"]
        assert all(row["share_percent"] <= 100.000001 for row in reference["bottlenecks"].values())
        counts = [row["count"] for row in reference["patterns"].values()]
        assert sum(row["percent"] for row in reference["patterns"].values()) < 100.000001
        assert all(counts)
