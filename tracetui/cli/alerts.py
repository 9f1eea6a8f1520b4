"""`tracetui alerts`: Prometheus rules for a service, with thresholds from a baseline of traces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import typer

from tracetui.analysis.alerts import baselines
from tracetui.analysis.name_matching import spelled_as_in
from tracetui.analysis.stats.groups import FEW_SAMPLES
from tracetui.cli import options as o
from tracetui.cli.filtered_session import check_services, has_servers, open_filtered
from tracetui.cli.output import print_bytes, print_message
from tracetui.ingest.servers.address import without_secrets
from tracetui.model.errors import UsageError
from tracetui.render.report.alert_rules import DEFAULT_NAMESPACE, UNITS, alert_rules
from tracetui.render.text.numbers import counted
from tracetui.session import LoadOptions

ServiceName = Annotated[str, typer.Option("--service", metavar="NAME", help="Service to alert on.")]
Namespace = Annotated[str, typer.Option("--namespace", metavar="NAME", help="Prefix of the metric names.")]
Unit = Annotated[str, typer.Option("--unit", metavar="ms|s", help="Unit of the duration metric.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertOptions:
    """Sources of the baseline, and the metrics of the rules."""

    sources: o.Sources
    service: ServiceName
    namespace: Namespace = DEFAULT_NAMESPACE
    unit: Unit = UNITS[0]
    time_range: o.TimeRange = None
    query: o.QueryText = None
    limit: o.Limit = None
    exact_names: o.ExactNames = False
    ascii: o.Ascii = False
    output: o.Output = None
    verbose: o.Verbose = False


def alerts(options: AlertOptions, servers: o.Servers) -> None:
    """Generate Prometheus alert rules from a baseline.

    The rules fire when an operation of the service becomes slower, or fails more often, than in these traces. They use
    the metrics of the OpenTelemetry Collector's span metrics connector.
    """
    sources, unit, namespace = options.sources, options.unit, options.namespace
    if unit not in UNITS:
        raise UsageError(f"--unit: {unit} is not {' or '.join(UNITS)}")
    if not re.fullmatch(r"[A-Za-z_:][A-Za-z0-9_:]*", namespace):
        raise UsageError(f"--namespace: {namespace} is not a metric name")
    # do not load traces of other services from servers
    named = [options.service] if has_servers(sources) else None
    selection = o.Selection(service=named, time_range=options.time_range, query=options.query, limit=options.limit)
    overrides = servers.overrides()
    session = open_filtered(
        sources,
        selection.filters(),
        LoadOptions(overrides=overrides, exact_names=options.exact_names),
        verbose=options.verbose,
        checks_names=False,
    )
    traces = session.analysis.traces
    service = spelled_as_in(options.service, session.loaded.services)
    if service not in session.loaded.services:
        check_services([service], [session], sources, overrides)
        raise UsageError(f"no traces of {service} in this time range; try a longer --time-range")
    if any(report.lower_case for report in session.reports):
        print_message(
            "Zipkin stores service and operation names in lower case. If the names in the metrics have capitals, these"
            " rules never fire. Use a baseline from another source."
        )
    found, few = baselines(traces, service)
    if not found:
        raise UsageError(f"no operation of {service} has {FEW_SAMPLES} calls or more: too few for a baseline")
    if few:
        have, get = ("has", "gets") if few == 1 else ("have", "get")
        print_message(
            f"{counted(few, 'operation')} of {service} {have} fewer than {FEW_SAMPLES} calls and {get} no rule"
        )
    for one in found:
        if one.error_threshold_percent is None:
            print_message(f"{service} {one.operation} fails nearly always; no rule, as no error threshold makes sense")
    rules = alert_rules(
        service,
        found,
        namespace,
        unit,
        ["SOURCE" if source == "-" else without_secrets(source) for source in sources],
        options=["--exact-names"] if options.exact_names else [],
        ascii_only=options.ascii,
    )
    print_bytes(rules.encode("utf-8", "replace"), options.output)
