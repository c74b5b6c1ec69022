"""The store in memory behaves as the port says."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from adapters.stores import Book
from adapters.stores.memory import MemoryStore
from tests.kit.reference_store import Comparison


def test_it_answers_as_the_port_in_a_few_dictionaries() -> None:
    run_state_machine_as_test(lambda: Comparison(MemoryStore()), settings=settings(max_examples=50, deadline=None))


def test_a_copy_made_by_several_tasks_is_made_once() -> None:
    store, source, target = MemoryStore(), Book("a"), Book("b")
    store.put(source, {("s", b"%d" % number): b"v" for number in range(5)})
    assert sum(store.copy(source, target, "s", part, 3) for part in range(3)) == 5
    assert dict(store.scan(target, "s")) == dict(store.scan(source, "s"))
