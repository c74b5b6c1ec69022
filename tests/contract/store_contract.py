"""What every view store must do: the port's docstrings, one sentence a test, run unchanged on each real store."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from adapters.stores import Book, ViewStore
from tests.contract.record_contract import RecordContract
from tests.contract.row_contract import RowContract
from tests.kit.on_a_store import together
from tests.kit.reference_store import Comparison
from tests.kit.search import TIMES


class ViewStoreContract(RecordContract, RowContract):
    """A subclass supplies ``url``; books have new names, so that tests may share one store."""

    def test_two_connections_see_each_others_writes(self, connect: Callable[[], ViewStore], any_book: Book) -> None:
        one, other = connect(), connect()
        for turn, (writer, reader) in enumerate([(one, other), (other, one)] * 3):
            self.put(writer, any_book, {("s", b"k"): b"%d" % turn})
            assert reader.read(any_book, "s", [b"k"]) == {b"k": b"%d" % turn}
            assert writer.swap(any_book, writer.record(any_book), b"r%d" % turn)
            assert reader.record(any_book) == b"r%d" % turn
            assert writer.swap(any_book, b"r%d" % turn, b"r")

    def test_what_was_written_survives_closing_and_reopening(
        self, connect: Callable[[], ViewStore], guarded: Book
    ) -> None:
        first = connect()
        first.swap(guarded, None, b"r1")
        first.put(guarded, {("s", b"k"): b"v"}, guard=b"r1")
        first.close()
        again = connect()
        assert again.record(guarded) == b"r1"
        assert dict(again.scan(guarded, "s")) == {b"k": b"v"}
        assert again.swap(guarded, b"r1", b"r2", writes=1)

    def test_many_threads_may_share_one_store(self, store: ViewStore, book: Book) -> None:
        def write_and_read(number: int) -> None:
            for turn in range(10):
                rows = {("s", b"%d %d %d" % (number, turn, index)): b"x" * 100 for index in range(20)}
                store.put(book, rows)
                assert len(store.read(book, "s", [key for _, key in rows])) == 20

        together(*(lambda number=number: write_and_read(number) for number in range(6)))
        assert len(list(store.scan(book, "s"))) == 1_200

    def test_a_well_set_up_store_passes_its_check(self, store: ViewStore) -> None:
        store.check()

    # Against the reference

    def test_any_sequence_of_calls_is_answered_as_by_the_reference(self, store: ViewStore) -> None:
        few = settings(max_examples=8 * TIMES, stateful_step_count=30, deadline=None, database=None)
        run_state_machine_as_test(lambda: Comparison(store), settings=few)
