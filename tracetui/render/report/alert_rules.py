"""Prometheus alerting rules on the metrics of the OpenTelemetry collector's span-metrics connector, as YAML.

Metric and label names are the connector's defaults (open-telemetry/opentelemetry-collector-contrib,
`connector/spanmetricsconnector`). The format of rules is Prometheus' (prometheus/prometheus,
`docs/configuration/alerting_rules.md`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tracetui.analysis.alerts import BUCKET_ENDS_NS, ERROR_FACTOR, LATENCY_FACTOR, MIN_ERROR_PERCENT, Baseline
from tracetui.model.span import Kind
from tracetui.model.times import format_duration
from tracetui.query.lexer import quoted
from tracetui.render.text import numbers
from tracetui.render.text.safe_text import escaped
from tracetui.render.text.shell import shell_command

DEFAULT_NAMESPACE = "traces_span_metrics"
_WINDOW = "5m"
_PENDING = "5m"
_UNITS = {"ms": ("milliseconds", 1_000_000), "s": ("seconds", 1_000_000_000)}
_OUTSIDE_ASCII = re.compile(r"[^\x00-\x7f]")
_Opening = Callable[[Baseline, str], str]
"""Returns the command that opens the traces with calls that meet a condition."""
UNITS = tuple(_UNITS)
"""Units of durations in the connector."""


def alert_rules(
    service: str,
    found: Sequence[Baseline],
    namespace: str = DEFAULT_NAMESPACE,
    unit: str = "ms",
    sources: Sequence[str] = ("SOURCE",),
    *,
    options: Sequence[str] = (),
    ascii_only: bool = False,
) -> str:
    """Return a rule file with two rules per operation: latency and error rate.

    Each alert has the command that opens its traces from `sources` with `options`. With `ascii_only`, other characters
    are escaped; the rules stay the same.
    """
    lines = [
        "groups:",
        f"  - name: {_quoted(f'tracetui {service}')}",
        "    rules:",
    ]
    opening = partial(_opening, service, sources, options)
    for one in found:
        lines += _slow(service, one, namespace, unit, opening)
        if one.error_threshold_percent is not None:
            lines += _fails(service, one, namespace, opening)
    text = "\n".join(lines) + "\n"
    # names occur within double quotes only
    return _OUTSIDE_ASCII.sub(lambda found: _code_point(found[0]), text) if ascii_only else text


def _slow(service: str, one: Baseline, namespace: str, unit: str, opening: _Opening) -> Iterator[str]:
    name, size = _UNITS[unit]
    threshold = one.latency_threshold_ns / size
    rate = f"rate({namespace}_duration_{name}_bucket{{{_selector(service, one)}}}[{_WINDOW}])"
    expression = f"histogram_quantile(0.95, sum by (le) ({rate})) > {threshold:g}"
    limit, baseline = numbers.duration(one.latency_threshold_ns), numbers.duration(round(one.p95_ns))
    why = f"95 % of {one.call_count:,} calls took up to {baseline}. It must hold for {_PENDING} before the alert fires."
    if one.is_raised_to_bucket:
        why = (
            f"The threshold is more than {LATENCY_FACTOR:g} times the baseline, because of the metric's resolution: "
            f"its bucket ends at {numbers.duration(one.bucket_end_ns)}. {why}"
        )
    else:
        why = f"The threshold is {LATENCY_FACTOR:g} times the baseline: {why}"
    if one.latency_threshold_ns >= BUCKET_ENDS_NS[-1]:
        why += " The connector's default buckets end at 15 s: configure larger ones, or the alert never fires."
    opens = opening(one, f"duration >= {format_duration(_three_digits(one.p95_ns))}")
    yield from _rule("OperationSlow", expression, service, one, f"p95 of {{}} is above {limit}", why, opens)


def _fails(service: str, one: Baseline, namespace: str, opening: _Opening) -> Iterator[str]:
    calls, selector = f"{namespace}_calls_total", _selector(service, one)
    failed = f'sum(rate({calls}{{{selector},status_code="STATUS_CODE_ERROR"}}[{_WINDOW}]))'
    expression = f"100 * {failed} / sum(rate({calls}{{{selector}}}[{_WINDOW}])) > {one.error_threshold_percent:g}"
    doubled = f"{ERROR_FACTOR:g} times the baseline, and at least {MIN_ERROR_PERCENT:g} %"
    rule = "halfway between the baseline and 100 %" if one.is_error_threshold_halfway else doubled
    why = (
        f"The threshold is {rule}: {one.error_percent:.1f} % of {one.call_count:,} calls failed. "
        f"It must hold for {_PENDING} before the alert fires."
    )
    summary = f"more than {one.error_threshold_percent:g} % of the calls of {{}} fail"
    opens = opening(one, "status = error")
    yield from _rule("OperationFailing", expression, service, one, summary, why, opens)


def _rule(
    alert: str, expression: str, service: str, one: Baseline, summary: str, why: str, opens: str
) -> Iterator[str]:
    """`summary` is a template for the operation's name; `opens` is the command that opens the traces."""
    yield f"      - alert: {alert}"
    yield f"        expr: {_quoted(expression)}"
    yield f"        for: {_PENDING}"
    yield "        labels:"
    yield "          severity: page"
    yield f"          service_name: {_quoted(_no_template(service))}"
    yield f"          span_name: {_quoted(_no_template(one.operation))}"
    yield "        annotations:"
    yield f"          summary: {_quoted(summary.format(_no_template(f'{service} {one.operation}')))}"
    yield f"          description: {_quoted(why)}"
    yield f"          command: {_quoted(_no_template(opens))}"


def _opening(service: str, sources: Sequence[str], options: Sequence[str], one: Baseline, condition: str) -> str:
    """Return the command that opens the traces behind an alert."""
    query = f"{{ service = {quoted(service)} AND operation = {quoted(one.operation)} AND {condition} }}"
    return shell_command(["tracetui"], sources, [*options, "--query", query])


def _three_digits(ns: float) -> int:
    """Round down to three digits, so that the query includes calls as long as the p95."""
    size: int = 10 ** max(len(str(int(ns))) - 3, 0)
    return int(ns) // size * size


def _selector(service: str, one: Baseline) -> str:
    kinds = "|".join(f"SPAN_KIND_{Kind(kind).name}" for kind in one.kinds)
    name = f"span_name=~{_quoted(one.pattern)}" if one.pattern else f"span_name={_quoted(one.operation)}"
    others = (f"span_name!~{_quoted(has)}" if has else f"span_name!={_quoted(other)}" for other, has in one.others)
    return ",".join((f"service_name={_quoted(service)}", name, *others, f'span_kind=~"{kinds}"'))


def _quoted(text: str) -> str:
    """Quote a text for both PromQL and YAML."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped(text, _code_point)}"'


def _code_point(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        # neither can encode a lone surrogate
        code = 0xFFFD
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _no_template(text: str) -> str:
    """Escape the template delimiters of Prometheus."""
    return text.replace("{{", '{{ "{{" }}')
