"""Alert rules: thresholds calculated by hand, and YAML with any names."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import build, span
from tests.support.paths import INCIDENT
from tests.support.strategies import unhurried
from tracetui.analysis.alerts import baselines
from tracetui.cli.main import run
from tracetui.model.errors import UsageError
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.render.report.alert_rules import alert_rules


def calls(*times: int, failed: int = 0, service: str = "api", name: str = "get") -> TraceSet:
    spans = [
        span("1", 0, time, trace=str(i + 1), service=service, name=name, kind=Kind.SERVER, error=i < failed)
        for i, time in enumerate(times)
    ]
    return build(*spans)


def rules(text: str) -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(text)["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_thresholds_of_a_baseline() -> None:
    # p95 of 100 equal calls is 410 ms: times 1.5 is 615, rounded up to 620, but the bucket that contains it ends at
    # 800; 3 of 100 failed: 6 %
    (one,), few = baselines(calls(*[410_000] * 100, failed=3), "api")
    assert (one.operation, one.call_count, one.p95_ns, few) == ("get", 100, 410_000_000, 0)
    assert (one.latency_threshold_ns, one.is_raised_to_bucket) == (800_000_000, True)
    assert (one.error_threshold_percent, one.is_error_threshold_halfway) == (6.0, False)
    (longer,), _ = baselines(calls(*[610_000] * 100), "api")
    assert (longer.latency_threshold_ns, longer.bucket_end_ns) == (920_000_000, 800_000_000)
    assert not longer.is_raised_to_bucket
    (good,), _ = baselines(calls(*[210] * 100), "api")
    assert good.error_threshold_percent == 1.0
    # twice 60 % exceeds 100 %: use the middle between them
    (bad,), _ = baselines(calls(*[210] * 20, failed=12), "api")
    assert (bad.error_threshold_percent, bad.is_error_threshold_halfway) == (80.0, True)
    (lost,), _ = baselines(calls(*[210] * 20, failed=20), "api")
    assert lost.error_threshold_percent is None
    assert [rule["alert"] for rule in rules(alert_rules("api", [lost]))] == ["OperationSlow"]


def test_rule_states_how_its_error_threshold_was_chosen() -> None:
    # twice 94 of 190 is 98.947 %, rounded to 98.9; twice 95 of 192 is 98.958 %, rounded to 99.0, which is not doubled
    for of, failed, threshold, told in ((190, 94, 98.9, "2 times the baseline"), (192, 95, 74.7, "halfway between")):
        found, _ = baselines(calls(*[5] * of, failed=failed), "api")
        assert found[0].error_threshold_percent == threshold
        assert f"The threshold is {told}" in rules(alert_rules("api", found))[1]["annotations"]["description"]


_BUCKETS_MS = (2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1_000, 1_400, 2_000, 5_000, 10_000, 15_000)


def interpolated(share: float, times_us: list[int], unit_us: int) -> float:
    """Compute Prometheus' estimate of a quantile of durations in the default buckets."""
    ends = [ms * 1_000 / unit_us for ms in _BUCKETS_MS]
    begin, before, rank = 0.0, 0, share * len(times_us)
    for end in ends:
        cumulative = sum(time / unit_us <= end for time in times_us)
        if cumulative >= rank:
            return begin + (end - begin) * (rank - before) / (cumulative - before)
        begin, before = end, cumulative
    return ends[-1]


@unhurried
@given(
    st.lists(st.one_of(st.integers(0, 20_000_000), st.sampled_from([ms * 1_000 for ms in _BUCKETS_MS])), min_size=20),
    st.sampled_from([("ms", 1_000), ("s", 1_000_000)]),
)
def test_no_rule_fires_on_its_own_baseline(times: list[int], unit: tuple[str, int]) -> None:
    name, size = unit
    found, _ = baselines(calls(*times), "api")
    slow = rules(alert_rules("api", found, unit=name))[0]
    threshold = float(slow["expr"].rsplit("> ", 1)[1])
    assert interpolated(0.95, times, size) <= threshold


def test_calls_within_the_service_do_not_count() -> None:
    inner = [span("2", 1, 5, trace=str(i), parent="1", service="api", name="inner") for i in range(1, 31)]
    outer = [span("1", 0, 9, trace=str(i), service="api", name="outer") for i in range(1, 31)]
    found, _ = baselines(build(*inner, *outer), "api")
    assert [one.operation for one in found] == ["outer"]


def test_few_calls_give_no_baseline() -> None:
    assert baselines(calls(*[5] * 19), "api") == ([], 1)
    with pytest.raises(UsageError, match="no calls to service other"):
        baselines(calls(*[5] * 19), "other")


def test_rules_of_an_operation() -> None:
    found, _ = baselines(calls(*[2_000] * 50, failed=1, name='GET /"x"'), "api")
    slow, fails = rules(alert_rules("api", found, "spans", "s"))
    selector = 'service_name="api",span_name="GET /\\"x\\"",span_kind=~"SPAN_KIND_SERVER"'
    assert slow["expr"] == (
        f"histogram_quantile(0.95, sum by (le) (rate(spans_duration_seconds_bucket{{{selector}}}[5m]))) > 0.003"
    )
    assert fails["expr"] == (
        f'100 * sum(rate(spans_calls_total{{{selector},status_code="STATUS_CODE_ERROR"}}[5m]))'
        f" / sum(rate(spans_calls_total{{{selector}}}[5m])) > 4"
    )
    assert slow["labels"] == {"severity": "page", "service_name": "api", "span_name": 'GET /"x"'}
    assert slow["annotations"]["summary"] == 'p95 of api GET /"x" is above 3.00 ms'
    assert "1.5 times the baseline: 95 % of 50 calls took up to 2.00 ms" in slow["annotations"]["description"]
    assert "2.0 % of 50 calls failed" in fails["annotations"]["description"]


def test_threshold_that_the_metric_cannot_resolve_has_a_comment() -> None:
    # numpy computes 11.05 ms as the p95 of 20; the metric only knows that the 19th is between 10 and 50
    found, _ = baselines(calls(*[1_000] * 18, 11_000, 12_000), "api")
    slow = rules(alert_rules("api", found))[0]
    assert slow["expr"].endswith("> 50")
    told = slow["annotations"]["description"]
    assert "more than 1.5 times the baseline, because of the metric's resolution: its bucket ends at 50.0 ms." in told


def test_threshold_beyond_the_default_buckets_has_a_comment() -> None:
    found, _ = baselines(calls(*[12_000_000] * 30), "api")
    assert "buckets end at 15 s" in rules(alert_rules("api", found))[0]["annotations"]["description"]


@unhurried
@given(st.text(min_size=1), st.text())
def test_any_name_is_valid_in_the_rules(service: str, name: str) -> None:
    traces = calls(*[5] * 20, service=service, name=name)
    names = traces.services[0], traces.shapes[0]
    found, _ = baselines(traces, names[0])
    text = alert_rules(names[0], found)
    assert all(one == "\n" or one.isprintable() for one in text)
    slow, fails = rules(text)
    in_ascii = alert_rules(names[0], found, ascii_only=True)
    assert in_ascii.isascii()
    assert rules(in_ascii) == [slow, fails]
    expected = tuple("".join("\ufffd" if 0xD800 <= ord(one) < 0xE000 else one for one in each) for each in names)
    shown = (slow["labels"]["service_name"], slow["labels"]["span_name"])
    assert tuple(each.replace('{{ "{{" }}', "{{") for each in shown) == expected


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool (Prometheus's own, in Debian's package prometheus)")
def test_prometheus_accepts_the_rules(tmp_path: Path) -> None:
    hostile = (
        'GET /"x"\\n',
        "tab\tand\nline",
        "{{ $value }} }}",
        "{{{",
        "%d %s",
        "é ☃ \U0001f600",
        "\x1b[31m\x00\x85",
        "'",
        ": -",
    )
    traces = build(
        *(
            span("1", 0, 5 + i, trace=f"{name}{i}", service='a: {{b}} "c"', name=name, kind=Kind.SERVER, error=i < at)
            for at, name in enumerate(hostile)
            for i in range(20)
        )
    )
    file = tmp_path / "rules.yml"
    file.write_text(alert_rules(traces.services[0], baselines(traces, traces.services[0])[0]), "utf-8")
    done = subprocess.run([str(PROMTOOL), "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, "18 rules found" in done.stdout) == (0, True), done.stdout + done.stderr


def test_alerts_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "rules.yml"
    assert run(["alerts", INCIDENT, "--service", "api-gateway", "--output", str(target)]) == 0
    slow, fails = rules(target.read_text("utf-8"))
    assert slow["expr"].endswith("> 5000")
    assert fails["expr"].endswith("> 16")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--service"),
        (["--service", "api-gatewy"], "did you mean api-gateway?"),
        (["--service", "api-gateway", "--unit", "h"], "--unit: h is not ms or s"),
        (["--service", "api-gateway", "--namespace", "a b"], "a b is not a metric name"),
        (["--service", "api-gateway", "--query", "duration > 3400ms"], "no operation of api-gateway has 20 calls"),
    ],
)
def test_invalid_baselines_are_rejected(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alerts", INCIDENT, *arguments]) == 2
    assert message in capsys.readouterr().err
