"""One listening socket for several processes: each connection goes to the one that has the fewest.

Processes that accept on a socket together share it unevenly: whoever wakes first takes all that wait. So one process
accepts, and hands each connection over a channel (a pair of Unix sockets). A worker reports, a byte each, that it is
ready, that it has taken a connection, that one has ended, that it leaves. The dealer keeps a connection until it is
taken, so that one that was on its way to a worker that died goes to another.
"""

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue

CONNECTION, READY, TAKEN, ENDED, LEAVES = b"c", b"r", b"t", b"e", b"l"
MOST_UNTAKEN = 64  # on their way to one worker; beyond, connections wait in the listening socket's own queue
ACCEPTED_AT_ONCE = 64  # before reports are read again
REPORT_BYTES = 4096
# Of the listening socket's queue, while the API starts and in a burst of new clients; the system has a limit of its own
# (net.core.somaxconn). What does not fit is dropped without a word: its client tries again after 1, 3, 7, 15, 31 s.
WAITING_CONNECTIONS = 4_096
NO_FILES_SECONDS = 0.05  # before it tries again where this process may open no more files


@dataclass(eq=False)
class Seat:
    """One life of a worker, as the dealer sees it."""

    channel: socket.socket
    takes: bool = False
    count: int = 0  # connections that it was given and that have not ended
    untaken: deque[socket.socket] = field(default_factory=deque)

    @property
    def has_room(self) -> bool:
        return self.takes and len(self.untaken) < MOST_UNTAKEN

    def give(self, connection: socket.socket) -> bool:
        """Hand a connection over; False where the worker is gone."""
        try:
            socket.send_fds(self.channel, [CONNECTION], [connection.fileno()])
        except OSError:
            return False
        self.untaken.append(connection)
        self.count += 1
        return True

    def hear(self, report: bytes) -> None:
        """Note what the worker reports."""
        if report == TAKEN:
            self.untaken.popleft().close()
        elif report == ENDED:
            self.count -= 1
        else:
            self.takes = report == READY


class Dealer:
    """Deals the connections of a listening socket, on a thread of its own, for the length of ``dealing``."""

    def __init__(self, server: socket.socket) -> None:
        self._server, self._accepts = server, False
        self._seats: list[Seat] = []
        self._arriving: SimpleQueue[Seat] = SimpleQueue()
        self._waiting: deque[socket.socket] = deque()  # accepted, but the worker that they went to died
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._ended = False

    @contextmanager
    def dealing(self) -> Iterator[None]:
        """Deal until the end of the block; connections that nobody has taken are closed then."""
        self._server.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        thread = threading.Thread(target=self._deal_on, name="dealer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended = True
            self._waker.send(b"!")
            thread.join()
            self._close()

    @contextmanager
    def seat(self) -> Iterator[int]:
        """Provide the number of the file that a new worker inherits, for as long as it takes to start it."""
        ours, its = socket.socketpair()
        ours.setblocking(False)
        with its:
            its.setblocking(False)
            yield its.fileno()
        self._arriving.put(Seat(ours))
        self._waker.send(b"!")

    def _deal_on(self) -> None:
        while not self._ended:
            for key, _ in self._selector.select():
                if key.fileobj is self._server:
                    self._accept()
                elif key.fileobj is self._woken:
                    self._woken.recv(REPORT_BYTES)
                else:
                    self._hear(key.data)
            self._welcome()
            self._deal_waiting()
            self._accept_or_not()

    def _welcome(self) -> None:
        while not self._arriving.empty():
            seat = self._arriving.get()
            self._seats.append(seat)
            self._selector.register(seat.channel, selectors.EVENT_READ, seat)

    def _hear(self, seat: Seat) -> None:
        try:
            reports = seat.channel.recv(REPORT_BYTES)
        except BlockingIOError:
            return
        except OSError:
            reports = b""
        for report in reports:
            seat.hear(bytes([report]))
        if not reports:
            self._leave(seat)

    def _leave(self, seat: Seat) -> None:
        """The worker has ended: what it has not taken goes to others."""
        self._seats.remove(seat)
        self._selector.unregister(seat.channel)
        seat.channel.close()
        self._waiting.extend(seat.untaken)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if not any(seat.has_room for seat in self._seats):
                return
            try:
                self._waiting.append(self._server.accept()[0])
            except BlockingIOError:
                return
            except ConnectionError:  # its client has left
                continue
            except OSError:
                time.sleep(NO_FILES_SECONDS)
                return
            self._deal_waiting()

    def _deal_waiting(self) -> None:
        while self._waiting and (seats := [seat for seat in self._seats if seat.has_room]):
            seat = min(seats, key=lambda seat: seat.count)
            if seat.give(self._waiting[0]):
                self._waiting.popleft()
            else:
                seat.takes = False  # its end is read next

    def _accept_or_not(self) -> None:
        """Accept only while a worker has room; other connections wait in the system's queue."""
        wanted = any(seat.has_room for seat in self._seats)
        if wanted and not self._accepts:
            self._selector.register(self._server, selectors.EVENT_READ)
        elif self._accepts and not wanted:
            self._selector.unregister(self._server)
        self._accepts = wanted

    def _close(self) -> None:
        self._welcome()
        for seat in self._seats:
            self._waiting.extend(seat.untaken)
            seat.channel.close()
        for connection in (*self._waiting, self._waker, self._woken):
            with suppress(OSError):
                connection.close()
        self._selector.close()
