"""Make the sample traces again: `python sample_traces/generate.py [--check] [OUT_DIR]`.

Without OUT_DIR they go beside this file. With --check nothing is written: it says which files differ from what would
be made, and exits with 1 where one does.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from makers import asynchronous, broken, first_look, hostile, incident, interchange, n_plus_one, network, shop  # noqa: E402

MAKERS = (incident, shop, first_look, network, n_plus_one, asynchronous, broken, interchange, hostile)


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the sample traces again.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file differs")
    parser.add_argument("out", nargs="?", type=Path, default=HERE, metavar="OUT_DIR")
    arguments = parser.parse_args()
    made = {name: content for maker in MAKERS for name, content in maker.files().items()}
    if arguments.check:
        return check(made, arguments.out)
    for name, content in made.items():
        path = arguments.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


def check(made: dict[str, bytes], out: Path) -> int:
    different = [name for name in made if not (out / name).is_file() or (out / name).read_bytes() != made[name]]
    for name in different:
        print(f"differs: {name}", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
