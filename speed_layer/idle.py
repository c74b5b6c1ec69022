"""What the speed layer looks at while no event arrives."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from schemas.errors import StoreUnavailable
from speed_layer.driver import StartOver


@dataclass
class IdleLook:
    """Calls ``look`` every ``every_seconds`` between micro-batches, which check the same themselves.

    What ``look`` raises ends the reading, and no micro-batch begins after it.
    """

    look: Callable[[], None]
    every_seconds: float
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _looked: float = field(default_factory=time.monotonic)
    _ended: bool = False

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Prevent looks for the length of a micro-batch.

        Raises: StartOver: a look has ended the reading.
        """
        with self._busy:
            if self._ended:
                raise StartOver("this stream has ended")
            yield
            self._looked = time.monotonic()

    def maybe(self) -> None:
        """Look if it is time and no micro-batch runs; the next micro-batch handles a store that is away."""
        if time.monotonic() - self._looked < self.every_seconds or not self._busy.acquire(blocking=False):
            return
        try:
            with suppress(StoreUnavailable):
                self.look()
            self._looked = time.monotonic()
        except BaseException:
            self._ended = True
            raise
        finally:
            self._busy.release()
