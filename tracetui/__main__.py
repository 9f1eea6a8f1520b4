"""The program's entry: the version at once, everything else by the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        from tracetui import __version__

        print(f"tracetui {__version__}")
        return
    from tracetui.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
