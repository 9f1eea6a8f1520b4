"""What a span, a trace and a set of traces are."""
