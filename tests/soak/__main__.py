"""``python -m tests.soak``: a quarter of an hour of twice what the API can take (``docs/operations/overload.md``)."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.run import Soak, report


def main() -> None:
    """Prints what happens and a report at the end; exits 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="of overload")
    parser.add_argument("--times", type=float, default=2.0, help="the capacity that is measured before")
    parser.add_argument("--workers", type=int, default=1, help="processes of the API")
    given = parser.parse_args()
    began, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="millrace-soak-"))

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)

    say(f"what the parts say is in {folder}")
    done = Soak(folder, say, given.minutes * 60, given.times, given.workers).run()
    print(report(done), flush=True)
    sys.exit(1 if done.broken else 0)


if __name__ == "__main__":
    main()
