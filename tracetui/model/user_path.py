"""File names as the user types them."""

from __future__ import annotations

import os
from pathlib import Path


def user_path(text: str) -> Path:
    """Convert a typed file name to a path, with `~` and `~user` at its beginning expanded.

    The name stays as it is if there is no such user or home directory, as then it is that of a file.
    """
    # a Path would lose the "./" of "./~name", which is not to be expanded
    return Path(os.path.expanduser(text))  # noqa: PTH111
