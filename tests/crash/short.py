"""What the short forms share: one seed, and the end of a run."""

import sys

from tests.crash.campaign import summary
from tests.crash.plant import Plant

SEED = 1


def say(line: str) -> None:
    print(line, file=sys.stderr)


def done(made: Plant, kills: int) -> None:
    """Show what was done; the speed layer was killed at least so often."""
    say(summary([made]))
    assert made.speed.kills.total() >= kills
