"""The program's entry: the version at once, everything else by the command line."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        from tracetui import __version__

        print(f"tracetui {__version__}")
        return
    from tracetui.cli.main import run

    code = run(sys.argv[1:])
    # spares the search for cycles that the interpreter makes at exit
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
