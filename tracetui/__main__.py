"""Entry point: print the version at once, pass everything else to the command line."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        from tracetui import __version__
        from tracetui.cli.plain_output import print_plain

        try:
            print_plain(f"tracetui {__version__}")
        except Exception as error:
            from tracetui.cli.output import print_message
            from tracetui.model.errors import UsageError

            if not isinstance(error, UsageError):
                raise
            print_message(str(error))
            sys.exit(error.exit_code)
        return
    from tracetui.cli.main import run

    code = run(sys.argv[1:])
    # skip the garbage collection at exit
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
