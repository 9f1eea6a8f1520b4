"""Comparison of the results of the program with those of the oracle.

`python -m tests.oracle.compare FILE...` prints the differences for these files together;
`python -m tests.oracle.compare --seeds 0 2000 [--topic WORD]` for generated sets;
`--shrink DIR` saves the smallest documents that show each kind of difference there.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.oracle.generate import trace_set
from tests.oracle.operations import shape, template
from tests.oracle.oracle import expected_figures, quantile
from tests.oracle.read import span_id, trace_id
from tests.oracle.shrink import shrink, signature

Figures = dict[str, Any]
MS = 1e6
UNNAMED = "unknown_service"  # it has no figures, so it is not compared
STATS = {"p50_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99}


def differences(reference: Figures, actual: Figures, graph: Figures) -> Iterator[str]:
    """Yield lines `topic: thing: figure: expected, got`."""
    yield from summary(reference, actual["summary"])
    yield from paths(reference, actual["critical_paths"])
    yield from bottlenecks(reference["bottlenecks"], actual["bottlenecks"])
    yield from patterns(reference, actual["errors"])
    yield from edges(reference["edges"], actual["dependencies"]["edges"])
    yield from services(reference["services"], actual["dependencies"]["services"])
    figures = {row["service"]: row["call_count"] for row in graph["services"] if row["service"] != UNNAMED}
    yield from same("graph", "calls", {k: v["call_count"] for k, v in reference["services"].items()}, figures)


def same(topic: str, thing: str, expected: Any, got: Any, tolerance: float = 0) -> Iterator[str]:
    close = isinstance(expected, float | int) and isinstance(got, float | int) and abs(expected - got) <= tolerance
    if expected != got and not close:
        yield f"{topic}: {thing}: expected {expected}, got {got}"


def summary(reference: Figures, actual: Figures) -> Iterator[str]:
    for key, expected in reference["summary"].items():
        if key in actual:
            yield from same("summary", key, expected, actual[key])
    for key, values in (("duration_stats", reference["durations"]), ("response_time_stats", reference["responses"])):
        if key in actual:
            yield from stats(f"summary: {key}", values, actual[key])


def stats(topic: str, values: list[int], got: Figures) -> Iterator[str]:
    expected: dict[str, float | None] = {
        name: quantile(values, q) / MS if values else None for name, q in STATS.items()
    }
    if values:
        expected |= {"min_ms": values[0] / MS, "max_ms": values[-1] / MS, "mean_ms": sum(values) / len(values) / MS}
    for name in expected:
        if name in got:
            yield from same(topic, name, expected[name], got[name], 0.002)


def paths(reference: Figures, actual: list[Figures]) -> Iterator[str]:
    found = {trace_id(path["trace_id"]): path for path in actual}
    yield from same("paths", "traces", sorted(reference["traces"]), sorted(found))
    for trace, path in found.items():
        if trace not in reference["traces"]:
            continue
        wanted = reference["traces"][trace]
        whole = sum(end - start for _, start, end in wanted["sections"])
        yield from same("paths", f"{trace} total", wanted["duration"] / MS, path["total_duration_ms"], 0.002)
        yield from same("paths", f"{trace} path", whole / MS, path["critical_path_duration_ms"], 0.002)
        expected = [(s["id"], s["service"], start // 1000, end // 1000) for s, start, end in wanted["sections"]]
        got = [(span_id(s["span_id"]), s["service"], s["start_us"], s["end_us"]) for s in path["sections"]]
        if not close(expected, got):
            base = min((s[2] for s in expected), default=0)
            ours, theirs = ([(s[0], s[1], s[2] - base, s[3] - base) for s in part] for part in (expected, got))
            yield from same("paths", f"{trace} sections", ours, theirs)


def self_times(reference: Figures, actual: dict[tuple[str, str, str], list[int]]) -> Iterator[str]:
    wanted: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for trace in reference["traces"].values():
        for span in trace["spans"]:
            if span["self"] is not None:
                wanted[trace["id"], span["id"], span["service"] or UNNAMED].append(span["self"])
    for key in sorted(set(wanted) | set(actual)):
        yield from same("self", " ".join(key), sorted(wanted.get(key, [])), sorted(actual.get(key, [])))


def close(expected: list[Any], got: list[Any]) -> bool:
    """Test whether sections are equal to a microsecond; shorter ones may be in one list only."""
    lists = [[s for s in sections if s[3] - s[2] > 1] for sections in (expected, got)]
    return [s[:2] for s in lists[0]] == [s[:2] for s in lists[1]] and all(
        abs(a[2] - b[2]) <= 1 and abs(a[3] - b[3]) <= 1 for a, b in zip(*lists, strict=True)
    )


def bottlenecks(reference: dict[tuple[str, str], Figures], actual: list[Figures]) -> Iterator[str]:
    listed = set()
    for row in actual:
        key = row["service"], shape(row["operation"])
        listed.add(key)
        if key not in reference:
            yield f"bottlenecks: {key}: not expected, got {row}"
            continue
        for name, value in reference[key].items():
            yield from same("bottlenecks", f"{key} {name}", value, row[name], 0.01)
    for key, row in reference.items():
        if row["share_percent"] > 20.01 and key not in listed:
            yield f"bottlenecks: {key}: expected {row}, got none"


def patterns(reference: Figures, actual: Figures) -> Iterator[str]:
    if "cancelled_count" in actual:
        yield from same("errors", "cancelled_count", reference["cancelled_count"], actual["cancelled_count"])
    found: dict[tuple[str, str], list[Figures]] = defaultdict(list)
    for row in actual["patterns"]:
        found[row["service"], message_template(row["message"])].append(row)
    yield from same("errors", "patterns", sorted(reference["patterns"]), sorted(found))
    for key, rows in found.items():
        yield from same("errors", f"rows of {key}", 1, len(rows))
        expected = reference["patterns"].get(key)
        if expected:
            for name, value in expected.items():
                got = rows[0].get(name)
                if got is not None and name != "operations":
                    got = Counter(got) if name == "propagated_to" else got
                    yield from same("errors", f"{key} {name}", value, got, 0.01)


def message_template(text: str) -> str:
    return "" if text == "(no message)" else template(text)


def edges(reference: dict[tuple[str, str, bool], Figures], actual: list[Figures]) -> Iterator[str]:
    found = {(row["caller"], row["callee"], row["async"]): row for row in actual}
    for key in sorted(set(reference) | set(found)):
        if key not in found or key not in reference:
            yield f"edges: {key}: expected {reference.get(key)}, got {found.get(key)}"
            continue
        for name in ("call_count", "error_count"):
            yield from same("edges", f"{key} {name}", reference[key][name], found[key][name])
        yield from stats(f"edges: {key}", reference[key]["durations"], found[key])


def services(reference: Figures, actual: Figures) -> Iterator[str]:
    for key in sorted((set(reference) | set(actual)) - {UNNAMED}):
        if key not in actual or key not in reference:
            yield f"services: {key}: expected {reference.get(key)}, got {actual.get(key)}"
            continue
        wanted, row = reference[key], actual[key]
        yield from same("services", f"{key} call_count", wanted["call_count"], row["call_count"])
        yield from same("services", f"{key} inferred", wanted["inferred"], row["inferred"])
        if row.get("type") is not None:
            yield from same("services", f"{key} type", wanted["type"], row["type"])
        if wanted["call_count"]:
            rate = 100 * wanted["error_count"] / wanted["call_count"]
            yield from same("services", f"{key} error_rate", rate, row["error_rate"], 0.01)
        yield from stats(f"services: {key}", wanted["durations"], row)


# Results of the program


def program_json(*args: str) -> Figures:
    """Run the program in this process. -> its JSON"""
    from tracetui.cli.main import run

    written = io.BytesIO()
    out = io.TextIOWrapper(written, encoding="utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()) as err:
        code = run([*args, "--json"])
    out.flush()
    text = written.getvalue().decode()
    if not text:
        raise RuntimeError(f"{args}: exit code {code}: {err.getvalue()}")
    return dict(json.loads(text))


def measured_self_times(sources: list[str]) -> dict[tuple[str, str, str], list[int]]:
    """Compute the program's self times in ns by trace, span and service, of spans with a known duration."""
    from tracetui.analysis.self_time import self_times
    from tracetui.ingest.loader import load

    traces = load(sources)
    found: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for span, (own, unknown) in enumerate(zip(self_times(traces).tolist(), traces.no_duration.tolist(), strict=True)):
        if not unknown:
            trace = trace_id(traces.trace_ids[int(traces.trace[span])])
            found[trace, span_id(traces.span_id(span)) or "", traces.service_name(span)].append(own)
    return found


def check(documents: list[Any]) -> list[str]:
    """List the differences between program and oracle for these documents, each a file."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.json" for number in range(len(documents))]
        for file, document in zip(files, documents, strict=True):
            file.write_text(json.dumps(document))
        sources = [str(file) for file in files]
        graph = program_json(
            "graph", sources[0] if len(sources) == 1 else folder, "services"
        )  # the command takes one source
        reference = expected_figures(documents)
        lines = list(differences(reference, program_json("analyze", *sources), graph))
        return [*lines, *self_times(reference, measured_self_times(sources))]


def smallest(documents: list[Any], line: str) -> tuple[list[Any], list[str]]:
    """Find the smallest documents with the same kind of difference. -> the documents, their differences"""

    def found(smaller: list[Any]) -> list[str]:
        return [other for other in check(smaller) if signature(other) == signature(line)]

    small = shrink(documents, lambda smaller: bool(found(smaller)))
    return small, found(small)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seeds", nargs=2, type=int)
    parser.add_argument("--shrink", type=Path)
    parser.add_argument("--topic", default="")
    parser.add_argument("--undamaged", action="store_true", help="sets in order")
    args = parser.parse_args()
    if args.shrink:
        args.shrink.mkdir(parents=True, exist_ok=True)
    sets: Iterator[tuple[str, list[Any]]] = (
        ((str(seed), trace_set(seed, not args.undamaged)) for seed in range(*args.seeds))
        if args.seeds
        else iter([("files", [json.loads(path.read_text()) for path in args.files])])
    )
    differing = total = 0
    sorts: Counter[tuple[str, str]] = Counter()
    for name, documents in sets:
        total += 1
        lines = [line for line in check(documents) if line.startswith(args.topic)]
        differing += bool(lines)
        for line in lines:
            sort = signature(line)
            sorts[sort] += 1
            if sorts[sort] <= 3:
                print(name, line[:600])
            if sorts[sort] == 1 and args.shrink:
                small, why = smallest(documents, line)
                for number, document in enumerate(small):
                    file = args.shrink / f"{sort[0]}-{sort[1]}-{name}-{number}.json"
                    file.write_text(json.dumps(document, indent=1))
                    print("  smallest:", file, *why, sep="\n    ")
    print(f"{differing} of {total} sets differ: {dict(sorts)}")


if __name__ == "__main__":
    main()
