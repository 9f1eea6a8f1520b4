"""Queries that are not written down: they ask for what may be a secret."""

from __future__ import annotations

from tracetui.analysis.query.complete import tokens
from tracetui.model.secrets import looks_secret, names_secret


def holds_secret(text: str) -> bool:
    """Whether a query may hold a secret: a value that looks like one, or one of an attribute that is called so."""
    words = (token.text.strip("`") for token in tokens(text) if not token.text.startswith('"'))
    names = (part for word in words if "." in word for part in word.split("."))
    return looks_secret(text) or any(map(names_secret, names))
