"""Log records, shown with the spans that wrote them. `registry` lists the supported forms."""

from tracetui.ingest.logs.reader import with_logs, with_logs_of_all

__all__ = ["with_logs", "with_logs_of_all"]
