"""When a follower looks next: often while answers ask, rarely while none does, and never without a pause."""

import threading
import time

LOOK_SECONDS = 0.02
OFTEN_SECONDS, ACTIVE_SECONDS = 0.005, 0.5  # between looks after a commit, for so long: events wait no 10 ms for one
REST_AFTER_SECONDS = 1.0  # without an answer: then it looks rarely, and the next answer wakes it
REST_SECONDS = 0.25  # between looks at rest: what changes meanwhile is still few rows
WAKING_SECONDS = 0.1  # that an answer waits at most for the look it woke: one takes a millisecond or two
WORK_SHARE = 1 / 3  # of its thread's time: where commits follow one another, a look takes in several of them


class Pace:
    """Called by the follower's thread, all but ``pause`` by any other too.

    While no answer asks, the follower rests. No answer is older for that: the first one after a rest wakes it and waits
    for a new look.
    """

    def __init__(self) -> None:
        self.rests, self._moved = False, float("-inf")  # when a look last found something new
        self._asked, self._looked, self._wake = time.monotonic(), threading.Event(), threading.Event()

    def is_asleep(self, now: float, began: float) -> bool:
        """Note that an answer asks; return whether the look that began then is too old for it because of a rest."""
        self._asked = now
        asleep = self.rests and now - began > LOOK_SECONDS
        if asleep:
            self._wake.set()
        return asleep

    def end_rest(self) -> None:
        """Wait for the look that ends a rest, if there is one; never long."""
        if self.rests:
            self._wake.set()
            self._looked.wait(WAKING_SECONDS)

    def hurry(self) -> None:
        """Have the follower look at once."""
        self._wake.set()

    def pause(self, took: float, moved: bool, busy: bool = False) -> None:
        """Wait for the next look, after one that took so many seconds.

        Args: moved: it found something new.      busy: there is work to do between looks, so that none may rest.
        """
        self._looked.set()
        now = time.monotonic()
        self._moved = now if moved else self._moved
        rests = now - self._asked > REST_AFTER_SECONDS and not busy
        if rests:
            self._looked.clear()  # before any answer can wait for it
        self.rests = rests
        often = OFTEN_SECONDS if now - self._moved <= ACTIVE_SECONDS else LOOK_SECONDS
        self._wake.wait(REST_SECONDS if rests else max(often, took / WORK_SHARE - took))
        self._wake.clear()
