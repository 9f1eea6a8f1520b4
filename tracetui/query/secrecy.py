"""Secrecy of queries: those that may hold a secret are not written to files."""

from __future__ import annotations

from tracetui.model.secrets import looks_secret, names_secret
from tracetui.query.complete import tokens


def holds_secret(text: str) -> bool:
    """Test whether a query may hold a secret: a value that looks like one, or the value of a secret attribute."""
    words = (token.text.strip("`") for token in tokens(text) if not token.text.startswith('"'))
    names = (part for word in words if "." in word for part in word.split("."))
    return looks_secret(text) or any(map(names_secret, names))
