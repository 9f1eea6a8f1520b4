"""Alert rules: thresholds worked out by hand, and YAML that holds any name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.building import build, span
from tests.strategies import unhurried
from tracetui.analysis.alerts import baselines
from tracetui.cli.main import run
from tracetui.model.problems import UsageError
from tracetui.model.span import Kind
from tracetui.model.traces import TraceSet
from tracetui.render.alert_rules import alert_rules

INCIDENT = str(Path(__file__).parents[1] / "sample_traces" / "incident" / "before.json")


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


def test_thresholds_from_the_baseline() -> None:
    # p95 of 100 equal calls is 210 us: times 1.5 are 315, which is 320 to two digits; 3 of 100 failed: 6 %
    (one,), few = baselines(calls(*[210] * 100, failed=3), "api")
    assert (one.operation, one.call_count, one.p95_ns, few) == ("get", 100, 210_000, 0)
    assert (one.latency_threshold_ns, one.error_threshold_percent) == (320_000, 6.0)
    (good,), _ = baselines(calls(*[210] * 100), "api")
    assert good.error_threshold_percent == 1.0
    # twice 60 % is more than all: half of the way from there to 100
    (bad,), _ = baselines(calls(*[210] * 20, failed=12), "api")
    assert bad.error_threshold_percent == 80.0
    (lost,), _ = baselines(calls(*[210] * 20, failed=20), "api")
    assert lost.error_threshold_percent is None
    assert [rule["alert"] for rule in rules(alert_rules("api", [lost]))] == ["OperationSlow"]


def test_calls_within_the_service_are_none() -> None:
    inner = [span("2", 1, 5, trace=str(i), parent="1", service="api", name="inner") for i in range(1, 31)]
    outer = [span("1", 0, 9, trace=str(i), service="api", name="outer") for i in range(1, 31)]
    found, _ = baselines(build(*inner, *outer), "api")
    assert [one.operation for one in found] == ["outer"]


def test_few_calls_are_no_baseline() -> None:
    assert baselines(calls(*[5] * 19), "api") == ([], 1)
    with pytest.raises(UsageError, match="no call of a service other"):
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


def test_a_threshold_beyond_the_default_buckets_says_so() -> None:
    found, _ = baselines(calls(*[12_000_000] * 30), "api")
    assert "buckets end at 15 s" in rules(alert_rules("api", found))[0]["annotations"]["description"]


@unhurried
@given(st.text(min_size=1), st.text())
def test_any_name_is_held(service: str, name: str) -> None:
    traces = calls(*[5] * 20, service=service, name=name)
    held = traces.services[0], traces.names[0]
    found, _ = baselines(traces, held[0])
    text = alert_rules(held[0], found)
    assert all(one == "\n" or one.isprintable() for one in text)
    slow, _ = rules(text)
    expected = tuple("".join("\ufffd" if 0xD800 <= ord(one) < 0xE000 else one for one in each) for each in held)
    shown = (slow["labels"]["service_name"], slow["labels"]["span_name"])
    assert tuple(each.replace('{{ "{{" }}', "{{") for each in shown) == expected


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "rules.yml"
    assert run(["alerts", INCIDENT, "--service", "api-gateway", "--output", str(target)]) == 0
    slow, fails = rules(target.read_text("utf-8"))
    assert slow["expr"].endswith("> 3200")
    assert fails["expr"].endswith("> 16")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--service"),
        (["--service", "api-gatewy"], "nearest: api-gateway"),
        (["--service", "api-gateway", "--unit", "h"], "--unit is ms or s"),
        (["--service", "api-gateway", "--namespace", "a b"], "cannot begin the name of a metric"),
        (["--service", "api-gateway", "--query", "duration > 3400ms"], "no operation of api-gateway has 20 calls"),
    ],
)
def test_what_is_no_baseline(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alerts", INCIDENT, *arguments]) == 2
    assert said in capsys.readouterr().err
