"""`python -m tests.fuzz`: fuzz everything that reads untrusted bytes. Exit code 1 after a failure."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz.runs import Result, describe, fuzz


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=20_000, help="inputs")
    options.add_argument("--first", type=int, default=0, help="number of the first input")
    options.add_argument("--share", type=float, default=0.05, help="of the inputs that are analysed in whole")
    options.add_argument("--save", type=Path, help="a directory for the least input of each failure")
    args = options.parse_args()
    began = time.monotonic()

    told: set[str] = set()

    def progress(found: Result) -> None:
        for cause in found.failures.keys() - told:
            told.add(cause)
            print(describe(found.failures[cause]), flush=True)
        if not found.inputs % 5_000:
            print(
                f"  {found.inputs:,} inputs after {time.monotonic() - began:.0f} s, {len(told)} causes of failures",
                file=sys.stderr,
                flush=True,
            )

    found = fuzz(args.seed, args.count, first=args.first, share=args.share, progress=progress)
    print(found.text, flush=True)
    for failure in found.failures.values() if args.save else ():
        args.save.mkdir(parents=True, exist_ok=True)
        (args.save / f"{args.seed}-{failure.number}.bin").write_bytes(failure.data)
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
