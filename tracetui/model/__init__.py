"""Model of spans, traces and trace sets."""
