"""Detection of secrets by the name or the form of a value."""

from __future__ import annotations

import re

_NAMES = re.compile(
    r"auth|cookie|token|secret|passw|credential|session|api-?_?key|access-?_?key|signature|^sig$|^key$", re.I
)
_VALUES = re.compile(
    r"""
      \b(?i:bearer|basic)\s+\S
    | \beyJ[\w-]{8}                                                     # JSON web token
    | \b(?:gh[oprsu]|glpat|xox[abeprs]|[prs]k)[-_]\w{8}                 # keys of well-known services
    | \bAKIA[0-9A-Z]{12}
    | ://[^/\s@]*:[^/\s@]*@
    | -----BEGIN
    | (?<![\w+=~-])(?=(?:[\w+=~-]*\d){3})(?=[\w+=~-]*[a-z])(?=[\w+=~-]*[A-Z])[\w+=~-]{24}
    """,
    re.VERBOSE,
)
_PARAMETERS = re.compile(r"(?<![\w.-])([\w.-]+)=")


def names_secret(name: str) -> bool:
    """Test whether a value with this name may be a secret."""
    return _NAMES.search(name) is not None


def looks_secret(value: str) -> bool:
    """Test whether a text looks like a secret or contains one, whatever its name."""
    return _VALUES.search(value) is not None or any(map(names_secret, _PARAMETERS.findall(value)))
