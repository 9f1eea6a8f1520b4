r"""The query language: `parse("duration > 500ms AND service = api-gateway")` selects traces.

A comparison is `FIELD OPERATOR VALUE`; `AND`, `OR`, `NOT` (any case, also `&&`, `||`, `!`) and parentheses join
them. `NOT` binds tightest, then `AND`. Operators: `= != > >= < <= =~ !~`, where `=~` searches with a regular
expression of Python. A field alone (`error`, `db.statement`), or `EXISTS FIELD`, asks whether it is there.

**Traces and spans.** A query holds for traces. Outside braces

- a comparison on a field of spans holds for a trace when any of its spans meets it, and each comparison may be met
  by a different span;
- `duration` is the duration of the trace;
- `NOT`, and with it `!=` and `!~`, negate for the trace: `service != api` means that no span is of service `api`.

Inside braces everything is about one span: `{ service = api AND duration > 500ms }` needs a single span that meets
both. There `duration` is the span's, and `!=` and `!~` hold where the field is there and has another value.
`span.duration` and `trace.duration` say which one is meant in either place.

**Fields.** `FIELDS` lists those of spans and traces. Any other name with a dot is an attribute, of the span if it
has it and else of its resource; `resource.KEY` is one of the resource alone. `attr.KEY`, `attr."any key"` and
`` `any key` `` name attributes that have no dot, that hold odd characters, or that are called as a field is.

**Values.** Words (`api-gateway`, `/cart/*`, taken as they stand), numbers, durations (`500ms`, `1.5s`, `1h30m`),
`true` and `false`, and anything in quotes; within quotes `\"` is a quote, `\\` a backslash, and any other
backslash is itself. A number as a value meets numbers and text that is a number (`http.status_code >= 500` meets
`"500"`), other text meets exactly that text, `true` and `false` meet booleans and those words. A list meets a value
when one of its elements does. What is not there meets nothing. `error = false` is `NOT error`.
"""

from tracetui.query.errors import QueryError
from tracetui.query.fields import FIELDS, KEYWORDS, Field
from tracetui.query.parser import Query, parse

__all__ = ["FIELDS", "KEYWORDS", "Field", "Query", "QueryError", "parse"]
