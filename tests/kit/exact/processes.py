"""Processes that run one at a time, may stop before any call to a store, and continue, or die, much later."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from adapters.stores.port import Book, Rows, ViewStore
from schemas.errors import StoreUnavailable

T = TypeVar("T")
MOST_CALLS = 5_000
PATIENCE_SECONDS = 600  # compiled code is compiled on first use, beside other tests


class InCircles(AssertionError):
    """A process keeps asking its stores and never ends."""


class Crash(BaseException):
    """The process dies here, as by ``kill -9``: nothing between two calls to a store outlives it."""


@dataclass(frozen=True)
class Fate:
    """What happens at the process's call to a store after ``calls`` more; ``of``: counting only those to swap, say.

    pause: others run first · crash: it dies · torn: it dies while only half the rows of a put are written ·
    refused: no answer, nothing happened · unknown: no answer, but it happened · late: no answer, and it happens later.
    """

    calls: int
    what: str
    of: str = ""


class Process:
    """A call in a thread of its own that runs only while ``resume`` waits for it, so that every run is repeatable."""

    def __init__(self, body: Callable[[], Any], name: str = "") -> None:
        self.name, self.result, self.error, self.done = name, None, None, False
        self._body, self._fate, self._doomed, self._calls = body, None, False, 0
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    result: Any
    error: BaseException | None
    _fate: Fate | None

    def resume(self, fate: Fate | None = None) -> bool:
        """Let it run until it ends or its fate pauses it; whether it ended."""
        self._fate = fate
        _running.append(self)
        self._go.release()
        assert self._back.acquire(timeout=PATIENCE_SECONDS), f"{self.name} does not come back"
        _running.pop()
        if self.done:
            self._thread.join()
        return self.done

    @property
    def met_its_fate(self) -> bool:
        """False when it made fewer calls than that."""
        return self._fate is None

    def kill(self) -> None:
        """End it where it stands."""
        self._doomed = True
        while not self.resume():
            pass

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._doomed:
                self.result = self._body()
        except BaseException as error:  # noqa: BLE001 - whoever resumes looks at it
            self.error = error
        self.done = True
        self._back.release()

    def meet(self, name: str, call: Callable[[], T], half: Callable[[], object] | None, later: "Later") -> T:
        """One call to a store, as the process's fate has it."""
        self._calls += 1
        if self._calls >= MOST_CALLS:
            raise InCircles(f"{self.name} runs in circles")
        if self._doomed:
            raise Crash
        if self._fate is None or self._fate.of not in ("", name):
            return call()
        if self._fate.calls > 0:
            self._fate = replace(self._fate, calls=self._fate.calls - 1)
            return call()
        what, self._fate = self._fate.what, None
        if what == "pause":
            self._back.release()
            self._go.acquire()
            return self.meet(name, call, half, later)
        if what in ("crash", "torn"):
            if what == "torn" and half is not None:
                half()
            self._doomed = True
            raise Crash
        if what == "unknown":
            call()
        if what == "late":
            later.calls.append(call)
        raise StoreUnavailable(f"{what}, says the test")


@dataclass
class Later:
    """Calls that time out at their caller and are carried out afterwards."""

    calls: list[Callable[[], object]] = field(default_factory=list)

    def arrive(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


_running: list[Process] = []


class TroubledStore:
    """A store whose calls meet the fate of the running process; without one they just happen."""

    def __init__(self, real: ViewStore) -> None:
        self.real, self.later = real, Later()

    def record(self, book: Book) -> bytes | None:
        return self._meet("record", lambda: self.real.record(book))

    def swap(self, book: Book, expected: bytes | None, new: bytes, *, writes: int | None = None) -> bool:
        return self._meet("swap", lambda: self.real.swap(book, expected, new, writes=writes), late=True)

    def put(self, book: Book, rows: Rows, *, guard: bytes | None = None) -> bool:
        first_half = dict(list(rows.items())[::2])
        half = lambda: self.real.put(book, first_half, guard=guard)  # noqa: E731
        return self._meet("put", lambda: self.real.put(book, rows, guard=guard), half, late=guard is not None)

    def read(self, book: Book, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        return self._meet("read", lambda: self.real.read(book, space, keys))

    def scan(self, book: Book, space: str) -> Iterator[tuple[bytes, bytes]]:
        return self._meet("scan", lambda: iter(list(self.real.scan(book, space))))

    def spaces(self, book: Book) -> set[str]:
        return self._meet("spaces", lambda: self.real.spaces(book))

    def delete(self, book: Book, space: str, keys: Sequence[bytes] | None = None) -> None:
        self._meet("delete", lambda: self.real.delete(book, space, keys))

    def copy(self, source: Book, target: Book, space: str, part: int = 0, parts: int = 1) -> int:
        return self._meet("copy", lambda: self.real.copy(source, target, space, part, parts))

    def check(self) -> None:
        self._meet("check", self.real.check)

    def close(self) -> None:
        self.real.close()

    def _meet(
        self, name: str, call: Callable[[], T], half: Callable[[], object] | None = None, late: bool = False
    ) -> T:
        if not _running:
            return call()
        return _running[-1].meet(name, call, half, self.later if late else Later())
