r"""The query language: `parse("duration > 500ms AND service = api-gateway")` selects traces.

A word alone (`timeout`, `"connection refused"`) is searched everywhere in a span, see `analysis.span_search`; several
words must occur in one span. A comparison is `FIELD OPERATOR VALUE`. `AND`, `OR`, `NOT` (any case, also `&&`, `||`,
`!`) and parentheses join conditions. `NOT` binds tightest, then `AND`. Operators: `= != > >= < <= =~ !~`, where `=~`
searches for a regular expression of Python. The name of a field that can be absent (`error`, `status`), or `EXISTS
FIELD`, tests whether it is present.

**Traces and spans.** A query selects traces. Outside braces

- a comparison on a field of spans holds if any span of the trace meets it; different comparisons may be met by
  different spans;
- `duration` is the duration of the trace;
- `NOT`, and therefore `!=` and `!~`, negates for the trace: `service != api` means that no span is of service `api`.

Inside braces all conditions are about one span: `{ service = api AND duration > 500ms }` needs a single span that
meets both. There `duration` is that of the span, and `!=` and `!~` hold if the field is present with another value.
`span.duration` and `trace.duration` are unambiguous in both places.

**Fields.** `FIELDS` lists those of spans and traces. Any other name with a dot is an attribute of the span, or else of
its resource, or of its events; `span.KEY`, `resource.KEY` and `event.KEY` are attributes of one of these. `attr.KEY`,
`attr."any key"` and `` `any key` `` name attributes without a dot, with special characters, or with the name of a
field. Such a name alone tests whether the attribute is present; without a prefix it also counts as a word.

**Values.** Words (`api-gateway`, `/cart/*`, taken literally), numbers, durations (`500ms`, `1.5s`, `1h30m`), `true`
and `false`, and anything in quotes; within quotes `\"` is a quote, `\\` a backslash, and any other backslash is
literal. A number matches numbers and text that is a number (`http.status_code >= 500` matches `"500"`), other text
matches exactly that text, `true` and `false` match booleans and those words. A list matches if one of its elements
does. A missing field matches nothing. `error = false` is `NOT error`.
"""

from tracetui.query.errors import QueryError
from tracetui.query.fields import FIELDS, KEYWORDS, Field
from tracetui.query.parser import Query, parse

__all__ = ["FIELDS", "KEYWORDS", "Field", "Query", "QueryError", "parse"]
