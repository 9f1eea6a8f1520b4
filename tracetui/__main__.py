"""Entry point: print the version at once, pass everything else to the command line."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        from tracetui import __version__
        from tracetui.cli.plain_output import print_plain
        from tracetui.model.errors import UsageError

        try:
            print_plain(f"tracetui {__version__}")
        except UsageError as error:
            from tracetui.cli.output import say

            say(str(error))
            sys.exit(error.exit_code)
        return
    from tracetui.cli.main import run

    code = run(sys.argv[1:])
    # skip the garbage collection at exit
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
