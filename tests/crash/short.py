"""What the short forms share: one seed, and the end of a run."""

import sys

from tests.crash.campaign import summary
from tests.crash.plant import Plant

SEED = 1


def say(line: str) -> None:
    print(line, file=sys.stderr)


def done(made: Plant) -> None:
    """Show what was done; it must be more than a little."""
    say(summary([made]))
    assert made.speed.kills.total() >= 4
