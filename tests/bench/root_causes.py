"""Accuracy of `tracetui why` on cases with a known cause, compared with rankings by one simple figure.

`make rca RCA_DIR=cases` reads `cases.json` there: `sets`, each with a `baseline` and `baseline_logs`, and `cases`, each
with `system`, `date` (of its set), `inject_type`, `causes` (`service`, `pod`), `file` and `logs`. Without a directory
the generated incidents of the tests are measured. Cases at odd and even positions of a system are reported as
halves A and B. Both are measured without a baseline, too; of a generated incident then only its slowest trace is left.
"""

from __future__ import annotations

import json
import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.incidents import incident
from tracetui.analysis.root_causes import (
    RootCauses,
    find_causes_within,
    find_causes_without_baseline,
    find_root_causes,
)
from tracetui.analysis.root_causes.aligned_trace_sets import AlignedSets, AlignedSpans
from tracetui.analysis.root_causes.error_evidence import error_origins
from tracetui.ingest.loader import load
from tracetui.ingest.logs import with_logs_of_all
from tracetui.model.traces import TraceSet

GENERATED = 300
IN_ONE_TRACE = ("self_time", "slow_host", "network", "dependency", "new_call")
"""Generated faults that slow the requests in which they show."""
BINS = (0.0, 0.5, 0.7, 0.9, 1.01)


@dataclass(frozen=True)
class Case:
    """A case with its true causes in lower case, service and pod."""

    group: str
    kind: str
    half: str
    truth: frozenset[str]
    before: TraceSet
    after: TraceSet
    seconds: float
    """Processor time to load the case and its baseline."""


def processor_time() -> float:
    """Return the processor time of this process and of those that it started and that ended, in seconds."""
    return sum(os.times()[:4])


def read_cases(folder: Path, with_logs: bool) -> Iterator[Case]:
    about = json.loads((folder / "cases.json").read_text())
    positions: defaultdict[str, int] = defaultdict(int)
    for entry in about["cases"]:
        position = positions[entry["system"]]
        positions[entry["system"]] += 1
        given = about["sets"][entry["date"]]
        begun = processor_time()
        sets = [load([str(folder / name)], lambda _: None) for name in (given["baseline"], entry["file"])]
        logs = [str(folder / name) for name in (given.get("baseline_logs"), entry.get("logs")) if name and with_logs]
        before, after = with_logs_of_all(sets, logs)
        truth = {str(cause[key]).lower() for cause in entry["causes"] for key in ("service", "pod") if cause.get(key)}
        yield Case(
            entry["system"],
            entry["inject_type"],
            "AB"[position % 2],
            frozenset(truth),
            before,
            after,
            processor_time() - begun,
        )


def generated_cases(*, names_targets: bool = True) -> Iterator[Case]:
    """Generate incidents. names_targets: the cause of a slow database is itself, else the service that calls it."""
    for seed in range(GENERATED):
        begun = processor_time()
        made = incident(seed)
        is_target = names_targets and made.fault == "dependency"
        name = f"postgresql:{made.service}-db" if is_target else made.service
        seconds = processor_time() - begun
        # eight kinds of faults take turns, so halves alternate every eight seeds
        half = "AB"[seed // 8 % 2]
        yield Case("generated", made.fault, half, frozenset({name}), made.before, made.after, seconds)


def with_baseline(case: Case) -> RootCauses:
    return find_root_causes(case.before, case.after)


def within(case: Case) -> RootCauses:
    return find_causes_within(case.after).found


def of_slowest_trace(case: Case) -> RootCauses:
    slowest = int(case.after.response_time.argmax())
    return find_causes_without_baseline(case.after.select(np.arange(case.after.trace_count) == slowest))


def simple_rankings(case: Case) -> dict[str, list[str]]:
    """Rank services by the increase of one figure, per trace."""
    sets = AlignedSets(case.before, case.after)
    ratio = case.after.trace_count / max(case.before.trace_count, 1)
    sides = sets.baseline, sets.incident
    origins = {id(side): error_origins(side.traces) for side in sides}

    def per_operation(side: AlignedSpans, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        return np.bincount(side.operation, values, count), np.bincount(side.operation, minlength=count)

    count = len(sets.operations)
    services = np.zeros(count, np.int64)
    targets = np.full(count, -1, np.int64)
    for side in sides:
        services[side.operation] = side.service
        targets[side.operation[side.callee >= 0]] = side.target[side.callee >= 0]

    def rising(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        (old, old_count), (new, new_count) = (
            per_operation(side, values, count) for side, values in zip(sides, (before, after), strict=True)
        )
        return np.asarray(new - old / np.maximum(old_count, 1) * new_count)

    def ranked(*charges: tuple[np.ndarray, np.ndarray, float]) -> list[str]:
        score = np.zeros(len(sets.services))
        for suspects, rise, share in charges:
            known = suspects >= 0
            np.add.at(score, suspects[known], share * rise[known])
        return [sets.service_name(one).lower() for one in np.argsort(-score).tolist() if score[one] > 0]

    own = [np.where(side.callee < 0, side.self_time, 0.0) for side in sides]
    gap = [np.where(side.callee >= 0, side.self_time, 0.0) for side in sides]
    gaps = rising(*gap)
    errors = [np.bincount(side.operation[origins[id(side)]], minlength=count) for side in sides]
    return {
        "largest self time": ranked((services, rising(*own), 1.0)),
        "most errors": ranked((services, errors[1] - ratio * errors[0], 1.0)),
        "client-server gap": ranked((targets, gaps, 1.0), (services, gaps, 0.5)),
    }


@dataclass(frozen=True)
class Score:
    """Rank of the true cause, from 1; 99 if it is missing."""

    case: Case
    rank: int
    confidence: float | None = None
    seconds: float | None = None


def measure(
    cases: Iterable[Case], find: Callable[[Case], RootCauses] = with_baseline, *, compares: bool = True
) -> dict[str, list[Score]]:
    """Rank the causes of all cases. compares: also by the simple rankings, which need a baseline."""
    scores: defaultdict[str, list[Score]] = defaultdict(list)
    for case in cases:
        begun = processor_time()
        found = find(case).causes
        seconds = case.seconds + processor_time() - begun
        names = [{cause.service.lower(), cause.host.lower()} for cause in found]
        rank = next((at for at, named in enumerate(names, 1) if named & case.truth), 99)
        scores["tracetui why"].append(Score(case, rank, found[0].confidence if found else 0.0, seconds))
        for name, ranking in simple_rankings(case).items() if compares else ():
            rank = next((at for at, one in enumerate(ranking, 1) if one in case.truth), 99)
            scores[name].append(Score(case, rank))
        scores["random order"].append(Score(case, len(case.after.services)))
    return scores


def accuracy_at(scores: list[Score], name: str, k: int) -> float:
    """Share of cases whose cause is among the first k, in percent; in expectation for a random order."""
    if name == "random order":
        return 100 * statistics.fmean(min(k / score.rank, 1) for score in scores)
    return 100 * statistics.fmean(score.rank <= k for score in scores)


def print_scores(title: str, scores: dict[str, list[Score]]) -> None:
    print(f"\n{title}\n{'':44}cases   AC@1   AC@3   AC@5  Avg@5")
    for name, some in scores.items():
        rows: dict[str, list[Score]] = defaultdict(list)
        for score in some:
            group = score.case.group
            rows[group].append(score)
            if name == "tracetui why":
                rows[f"{group}, half {score.case.half}"].append(score)
            rows[f"{group}, {score.case.kind}"].append(score)
        for row, of_row in sorted(rows.items()):
            at = [accuracy_at(of_row, name, k) for k in range(1, 6)]
            figures = "".join(f"{value:7.1f}" for value in (at[0], at[2], at[4], statistics.fmean(at)))
            print(f"{name + ': ' + row:44}{len(of_row):5}{figures}")
    print("\nfirst cause right, by confidence")
    ours = scores["tracetui why"]
    for low, high in pairwise(BINS):
        right = [score.rank == 1 for score in ours if score.confidence is not None and low <= score.confidence < high]
        print(
            f"  {low:.1f} to {min(high, 1):.1f}  {len(right):4} cases"
            + (f"  {100 * statistics.fmean(right):.0f} %" if right else "")
        )
    median = statistics.median(score.seconds or 0 for score in ours)
    print(f"median {median:.2f} s of processor time per case, with loading")


def main() -> None:
    folder: Any = os.environ.get("RCA_DIR")
    if folder and (Path(folder) / "cases.json").exists():
        print_scores("Traces only", measure(read_cases(Path(folder), False)))
        print_scores("With log lines", measure(read_cases(Path(folder), True)))
        print_scores(
            "Traces only, without a baseline", measure(read_cases(Path(folder), False), within, compares=False)
        )
    else:
        print_scores("Generated incidents", measure(generated_cases()))
        alone = (case for case in generated_cases(names_targets=False) if case.kind in IN_ONE_TRACE)
        print_scores("Slowest trace of each incident", measure(alone, of_slowest_trace, compares=False))


if __name__ == "__main__":
    main()
