"""``python -m tests.crash``: every blow on both pairs of stores; part of ``make crash``."""

import argparse
import tempfile
import time
from pathlib import Path

from tests.crash.campaign import summary, whole
from tests.crash.plant import PAIRS, Plant, plant


def main() -> None:
    """Prints what happens and one table at the end; a failed run leaves its folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000, help="repeats the blows of a run")
    parser.add_argument("--kills", type=int, default=20, help="of the speed layer at random, for each pair of stores")
    parser.add_argument("--rate", type=float, default=30.0, help="events a second")
    parser.add_argument("--pair", choices=PAIRS, action="append", help="of stores; default: both")
    given = parser.parse_args()
    began, folder, done = time.monotonic(), Path(tempfile.mkdtemp(prefix="millrace-crash-")), list[Plant]()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)

    say(f"seed {given.seed}; what the parts say is in {folder}")
    for pair in given.pair or PAIRS:
        (folder / pair).mkdir()
        with plant(pair, folder / pair, given.seed, say, given.rate) as made:
            whole(made, given.kills)
        done.append(made)
    for made in done:
        for end in sorted({end for part in made.parts for end in part.ends}):
            say(f"{made.pair}: {end}")
    print(f"\n{summary(done)}\n\nseed {given.seed}, {(time.monotonic() - began) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
