"""Registry of formats, in the order of the checks.

To add one, write a module with its `FORMAT` and list it here, before any format whose keys its objects may also have.
JSON objects are detected in `ingest.json_documents`, text in `ingest.mixed_text`, tables in `ingest.csv_tables`.
"""

from __future__ import annotations

from typing import Final

from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.formats import (
    collector_debug,
    cpp_ostream,
    data_prepper,
    dotnet_console,
    flat_otlp,
    go_stdouttrace,
    jaeger_json,
    jaeger_protobuf_json,
    java_logging,
    nezha_csv,
    node_console,
    otlp_json,
    php_console,
    python_console,
    rcaeval_csv,
    ruby_console,
    rust_stdout,
    snowflake,
    vertical_rows,
)
from tracetui.ingest.formats.format import DeferredParts, JsonFormat, Piece, TableFormat, TextFormat, key_sets


def _otlp(piece: Piece, context: DecodeContext, _: DeferredParts) -> None:
    otlp_json.decode_request(piece, context)


def _otlp_resource(piece: Piece, context: DecodeContext, _: DeferredParts) -> None:
    otlp_json.decode_request(b'{"resourceSpans":[%b]}' % bytes(piece), context)


OTLP: Final = JsonFormat(
    name="OTLP JSON",
    decode=_otlp,
    keys=key_sets("resourceSpans", "resource_spans", "batches", "ResourceSpans"),
    spellings=key_sets("resourceSpans"),
)
OTLP_RESOURCE: Final = JsonFormat(
    name="OTLP JSON of one resource",
    decode=_otlp_resource,
    keys=key_sets("scopeSpans", "scope_spans", "ScopeSpans", "instrumentationLibrarySpans"),
    spellings=key_sets("scopeSpans", "instrumentationLibrarySpans"),
    signs=key_sets("resource schemaUrl scope"),
)
JAEGER: Final = JsonFormat(
    name="Jaeger's JSON",
    decode=lambda piece, context, _: jaeger_json.decode_trace(piece, context),
    keys=key_sets("traceID spans", "spans processes"),
    spellings=key_sets("traceID spans processes"),
    signs=key_sets("processes traceID"),
)
JAEGER_DOCUMENT: Final = JsonFormat(
    name="Jaeger's span documents",
    decode=lambda piece, context, collected: collected.documents.append((piece, context)),
    keys=key_sets("spanID operationName", "traceID spanID"),
    spellings=key_sets("traceID spanID operationName"),
    signs=key_sets("operationName startTime duration", "startTimeMillis", "processID references"),
)
ZIPKIN: Final = JsonFormat(
    name="Zipkin JSON",
    decode=lambda piece, context, collected: collected.add_zipkin([piece], context),
    keys=key_sets("traceId id"),
    spellings=key_sets("traceId id localEndpoint", "traceId id binaryAnnotations"),
    signs=key_sets("localEndpoint", "remoteEndpoint", "binaryAnnotations"),
)

JSON_FORMATS: Final[tuple[JsonFormat, ...]] = (
    OTLP,
    OTLP_RESOURCE,
    JAEGER,
    flat_otlp.SIGNOZ,
    flat_otlp.OPENOBSERVE,
    JAEGER_DOCUMENT,
    node_console.JSON_FORMAT,
    ZIPKIN,
    python_console.FORMAT,
    php_console.FORMAT,
    go_stdouttrace.FORMAT,
    data_prepper.FORMAT,
    jaeger_protobuf_json.FORMAT,
    snowflake.FORMAT,
    flat_otlp.FORMAT,
)
TEXT_FORMATS: Final[tuple[TextFormat, ...]] = (
    java_logging.FORMAT,
    dotnet_console.FORMAT,
    ruby_console.FORMAT,
    collector_debug.FORMAT,
    rust_stdout.FORMAT,
    cpp_ostream.FORMAT,
    node_console.FORMAT,
    node_console.LINE_FORMAT,
    vertical_rows.FORMAT,
    vertical_rows.PSQL_FORMAT,
    vertical_rows.MYSQL_FORMAT,
)
TABLE_FORMATS: Final[tuple[TableFormat, ...]] = (
    nezha_csv.FORMAT,
    rcaeval_csv.FORMAT,
    snowflake.TABLE_FORMAT,
    flat_otlp.TABLE_FORMAT,
)
