"""A supervisor of child processes: starts them, shows what they report, starts them again, and stops all."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from adapters.machine.children import Child, start
from adapters.machine.tail import Tail
from schemas.errors import MillraceError

POLL_SECONDS = 0.2
PAUSES_SECONDS = (1.0, 3.0, 10.0, 30.0, 60.0)  # before restarts of a part; the last pause repeats
LIVED_SECONDS = 60.0  # a part that has run this long begins with the first pause again
TRIES = 4  # of a part that has never run so long: a person must change something
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.02  # between two looks whether the first parts answer
LATER_SECONDS = 10.0  # at most, a later part waits for the first ones

_OURS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # for a look at our own server, whose certificate may be for another
_OURS.check_hostname, _OURS.verify_mode = False, ssl.CERT_NONE


@dataclass
class Part:
    """A child that should run for as long as the supervisor does; its log is shown as it grows."""

    name: str
    command: list[str]
    log: Path
    child: Child | None = None
    started: float = 0.0
    failures: int = 0
    proven: bool = False  # it has once run for LIVED_SECONDS
    tail: Tail | None = None
    start_at: float | None = None  # while it waits to be started again
    env: Mapping[str, str] | None = None  # None: this process's
    shows: bool = True  # whether its output is passed on
    fds: tuple[int, ...] = ()  # open files that it inherits
    later: bool = False  # whether it leaves the processor to the other parts until these answer

    def start(self) -> None:
        self.started = time.monotonic()
        self.child = start(self.name, self.command, self.log, env=self.env, pass_fds=self.fds)

    def show(self) -> None:
        """Print its new output."""
        if self.shows and self.tail is not None:
            self.tail.show()


@dataclass
class Supervisor:
    """Starts the parts, restarts a failed part after a pause, and stops all in order.

    A part that cannot be started ends all of them, so that it is noticed. A part that has worked is restarted
    indefinitely: its dependencies may come back, and the other parts answer meanwhile.
    """

    parts: list[Part]
    say: Callable[[str], None]
    ready_url: str
    ready_text: Callable[[], str] = lambda: "all answer"
    at_once: bool = False  # whether all parts are asked to end before the first is waited for
    ended: threading.Event = field(default_factory=threading.Event)
    _watched: bool = False
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Start the parts, and return when asked to end.

        Raises:
            MillraceError: a part failed again and again.
        """
        with self.started():
            self.watch()

    @contextmanager
    def started(self) -> Iterator[None]:
        """Run the parts for the length of the block; their output is shown from ``watch`` on."""
        starter = threading.Thread(target=self._start_later, name="later parts", daemon=True)
        try:
            for part in self.parts:
                part.tail = Tail(part.log)
                if not part.later:
                    part.start()
            starter.start()
            yield
        finally:
            self._stopping.set()
            if starter.ident is not None:
                starter.join()
            for part in self.parts if self.at_once else ():
                if part.child is not None and part.child.running:
                    part.child.process.terminate()
            for part in reversed(self.parts):
                if part.child is not None:
                    part.child.stop(STOP_SECONDS)
                if self._watched:  # else their output follows from what this process reports itself
                    part.show()

    def watch(self) -> None:
        """Return when asked to end; parts that end are started again meanwhile.

        Raises:
            MillraceError: a part failed again and again.
        """
        ready, self._watched = False, True
        while not self.ended.wait(POLL_SECONDS):
            for part in self.parts:
                part.show()
                if part.child is not None and not part.child.running:
                    self._again(part)
            if not ready and _answers(self.ready_url):
                ready = True
                self.say(f"ready: {self.ready_text()}")

    def _start_later(self) -> None:
        """Start the later parts once the others answer, ready or not, or have taken ``LATER_SECONDS``."""
        later, deadline = [part for part in self.parts if part.later], time.monotonic() + LATER_SECONDS
        while later and time.monotonic() < deadline and not _answers(self.ready_url, ready=False):
            if self._stopping.wait(LOOK_SECONDS):
                return
        for part in later:
            part.start()

    def _again(self, part: Part) -> None:
        """Restart a part that ended once its pause is over; the other parts are watched meanwhile."""
        now = time.monotonic()
        if part.start_at is None:
            lived = now - part.started > LIVED_SECONDS
            part.proven |= lived
            part.failures = 0 if lived else part.failures
            if part.failures + 1 == TRIES and not part.proven:
                raise MillraceError(f"{part.name} ended {TRIES} times in a row; its log is {part.log}")
            pause = PAUSES_SECONDS[min(part.failures, len(PAUSES_SECONDS) - 1)]
            part.failures += 1
            part.start_at = now + pause
            self.say(f"{part.name} ended; starting it again in {pause:g} s")
        elif now >= part.start_at:
            part.start_at = None
            part.start()


def _answers(url: str, ready: bool = True) -> bool:
    """Return whether a server answers there, and with success if it must be ``ready``."""
    try:
        with urlopen(url, timeout=1, context=_OURS) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)
    except HTTPError:
        return not ready
    except (URLError, OSError):
        return False
