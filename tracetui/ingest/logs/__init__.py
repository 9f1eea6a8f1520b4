"""Log records beside the spans that wrote them. `registry` lists the forms that are read."""

from tracetui.ingest.logs.reader import with_logs

__all__ = ["with_logs"]
