"""Connections are dealt out evenly, only to workers that can answer, and those that nobody took go to another."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from adapters.machine.dealing import ENDED, LEAVES, MOST_UNTAKEN, READY, TAKEN, Dealer
from tests.kit.waiting import until


class Worker:
    """A worker's end of its channel."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel, self.taken = channel, list[socket.socket]()

    def report(self, what: bytes) -> None:
        self.channel.send(what)

    def take(self, most: int = 1_000) -> None:
        """Take what has come, at most so many."""
        while len(self.taken) < most:
            try:
                said, files, _, _ = socket.recv_fds(self.channel, 1, 1)
            except BlockingIOError:
                return
            assert said
            self.taken += [socket.socket(fileno=file) for file in files]
            self.report(TAKEN)

    def end_first(self) -> None:
        self.taken.pop(0).close()
        self.report(ENDED)

    def die(self) -> None:
        self.channel.close()
        for connection in self.taken:
            connection.close()


class World:
    def __init__(self, stack: ExitStack) -> None:
        self.server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2_000))
        self.dealer = Dealer(self.server)
        stack.enter_context(self.dealer.dealing())
        self._stack = stack

    def worker(self) -> Worker:
        with self.dealer.seat() as number:
            channel = socket.socket(fileno=os.dup(number))
        worker = Worker(channel)
        self._stack.callback(worker.die)
        return worker

    def connect(self, count: int) -> list[socket.socket]:
        address = self.server.getsockname()
        return [self._stack.enter_context(socket.create_connection(address)) for _ in range(count)]


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack)


def taken(*workers: Worker) -> list[int]:
    for worker in workers:
        worker.take()
    return [len(worker.taken) for worker in workers]


@pytest.mark.parametrize(("workers", "connections"), [(2, 64), (3, 63), (2, 8), (1, 5)])
def test_every_worker_has_its_share_of_a_burst(world: World, workers: int, connections: int) -> None:
    ready = [world.worker() for _ in range(workers)]
    for worker in ready:
        worker.report(READY)
    until(lambda: all(seat.takes for seat in world.dealer._seats) and len(world.dealer._seats) == workers)
    world.connect(connections)
    until(lambda: taken(*ready) == [connections // workers] * workers)


def test_a_worker_whose_connections_ended_has_the_next_ones(world: World) -> None:
    one, other = world.worker(), world.worker()
    for worker in (one, other):
        worker.report(READY)
    until(lambda: len(world.dealer._seats) == 2 and all(seat.takes for seat in world.dealer._seats))
    world.connect(20)
    until(lambda: taken(one, other) == [10, 10])
    for _ in range(10):
        one.end_first()
    until(lambda: sorted(seat.count for seat in world.dealer._seats) == [0, 10])
    world.connect(10)
    until(lambda: taken(one, other) == [10, 10])


def test_nobody_gets_a_connection_before_it_can_answer_and_the_first_who_can_gets_all(world: World) -> None:
    one, other = world.worker(), world.worker()
    world.connect(30)
    other.report(READY)
    until(lambda: taken(one, other) == [0, 30])


def test_what_a_dead_worker_has_not_taken_goes_to_another(world: World) -> None:
    one, other = world.worker(), world.worker()
    one.report(READY)
    clients = world.connect(12)
    until(lambda: sum(seat.count for seat in world.dealer._seats) == 12)
    one.take(2)
    until(lambda: sum(len(seat.untaken) for seat in world.dealer._seats) == 10)
    one.die()
    other.report(READY)
    until(lambda: taken(other) == [10])
    for connection in other.taken:
        connection.sendall(b"here")
    answered = [client for client in clients if said(client) == b"here"]
    assert len(answered) == 10


def said(client: socket.socket) -> bytes:
    with suppress(ConnectionError):
        return client.recv(10)
    return b""


def test_a_worker_that_leaves_gets_no_more(world: World) -> None:
    one, other = world.worker(), world.worker()
    for worker in (one, other):
        worker.report(READY)
    until(lambda: len(world.dealer._seats) == 2 and all(seat.takes for seat in world.dealer._seats))
    one.report(LEAVES)
    until(lambda: sum(seat.takes for seat in world.dealer._seats) == 1)
    world.connect(10)
    until(lambda: taken(one, other) == [0, 10])


def test_a_worker_that_takes_nothing_holds_up_only_a_few_connections(world: World) -> None:
    stuck, busy = world.worker(), world.worker()
    for worker in (stuck, busy):
        worker.report(READY)
    until(lambda: len(world.dealer._seats) == 2 and all(seat.takes for seat in world.dealer._seats))
    world.connect(4 * MOST_UNTAKEN)
    until(lambda: taken(busy) == [3 * MOST_UNTAKEN])
