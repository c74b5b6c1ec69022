"""A chain of incremental generations holds the same rows as one that computes everything, wherever the log is cut."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_layer.steps import fold_step, write_step
from batch_layer.steps.output import Output
from schemas.event import REMOVE, Event
from schemas.rules import Rules
from tests.kit.folding import Rows, columns, rows_as_data, says_something, slow
from tests.kit.reference_store import ReferenceStore
from tests.kit.small_lambda import placed

RULES = Rules(history_items=3, remembered_ids=4, window_ms=2 * 24 * 3_600_000, partitions=2)
WEIGHTS = [0, 1_000, 2_000, 2_500, 5_000, REMOVE]
Draft = tuple[int, int, int, int, int]
drafts = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from(WEIGHTS), st.integers(0, 80), st.integers(0, 3)),
    max_size=60,
)


def events_of(drafted: list[Draft]) -> list[Event]:
    """User, item, weight, hour, and how many events ago the same id was used."""
    made = [
        Event(0, 0, 10**12 + n, f"e{max(0, n - again)}", 10**9 + hour * 3_600_000, "view", f"u{user}", f"i{item}", None,
              weight, f"c{hour % 3}" if hour % 2 else None)
        for n, (user, item, weight, hour, again) in enumerate(drafted)
    ]  # fmt: skip
    return placed(made, RULES)


class Layer:
    """The batch layer's own steps on a store in memory, in a given number of tasks."""

    def __init__(self, tasks: int) -> None:
        self.store, self.tasks, self.made = ReferenceStore(), tasks, 0
        self.sizes: dict[str | None, Counter[str]] = {None: Counter()}  # rows of each view, as the steps report

    def generation(self, events: list[Event], base: str | None = None) -> str:
        self.made += 1
        output = Output("memory", 0, f"g{self.made}", base)
        sizes = self.sizes[output.name] = Counter(self.sizes[base])
        mine = [[e for e in events if hash(e.user_id) % self.tasks == task] for task in range(self.tasks)]
        changes = [rows for part in mine for rows in fold_step.fold_users(iter([columns(part)]), RULES, output)]
        whole = pa.Table.from_batches(changes, fold_step.CHANGES).to_pylist()
        for task in range(self.tasks):
            rows = [row for row in whole if hash((row["view"], row["key"])) % self.tasks == task]
            for written in write_step.write_rows(iter([pa.RecordBatch.from_pylist(rows, fold_step.CHANGES)]), output):
                sizes.update({tally["view"]: tally["rows"] for tally in written.to_pylist()})
        assert sizes.pop(fold_step.EVENTS, 0) == len(events)
        if base is not None:
            write_step.copy_rows(range(self.tasks), self.tasks, output)
        return output.name

    def stored(self, name: str) -> Counter[str]:
        """How many rows each view has."""
        book = Output("memory", 0, name).book
        return Counter({view: len(list(self.store.scan(book, view))) for view in self.store.spaces(book)})

    def rows(self, name: str) -> Rows:
        """All that say something."""
        book = Output("memory", 0, name).book
        rows = {(view, key): value for view in self.store.spaces(book) for key, value in self.store.scan(book, view)}
        return {at: value for at, value in rows.items() if says_something(at[0], value)}


@contextmanager
def layer(tasks: int) -> Iterator[Layer]:
    """Of small folds and puts."""
    made = Layer(tasks)
    with pytest.MonkeyPatch.context() as patch:
        for step in (fold_step, write_step):
            patch.setattr(step, "store", lambda *_: made.store)
        patch.setattr(fold_step, "EVENTS_AT_ONCE", 7)
        patch.setattr(write_step, "ROWS_AT_ONCE", 3)
        yield made


cuts_of_two = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4)


@settings(max_examples=60, deadline=None)
@given(drafted=drafts, cuts=cuts_of_two, tasks=st.integers(1, 3))
def test_a_chain_of_incremental_generations_equals_a_full_one(
    drafted: list[Draft], cuts: list[tuple[int, int]], tasks: int
) -> None:
    events = events_of(drafted)
    ends = [dict(enumerate(offsets)) for offsets in zip(*(sorted(cut[p] for cut in cuts) for p in (0, 1)), strict=True)]
    with layer(tasks) as made:
        full = made.generation(events)
        name, before = None, {0: 0, 1: 0}
        for end in [*ends, {0: 10**6, 1: 10**6}]:
            new = [e for e in events if before[e.partition] <= e.offset < end[e.partition]]
            name, before = made.generation(new, name), end
        assert made.rows(name) == made.rows(full)
        assert +made.sizes[name] == made.stored(name)
        assert rows_as_data(made.rows(name)) == slow(events, RULES)


@settings(max_examples=25, deadline=None)
@given(drafted=drafts, cut=st.integers(0, 60))
def test_a_step_that_died_half_way_is_repeated_without_harm(drafted: list[Draft], cut: int) -> None:
    events = events_of(drafted)
    with layer(2) as made:
        first = made.generation(events[:cut])
        name = made.generation(events[cut:], first)
        whole, book = made.rows(name), Output("memory", 0, name).book
        for view in made.store.spaces(book):
            made.store.delete(book, view, [key for key, _ in made.store.scan(book, view)][::2])
        made.made -= 1
        assert made.rows(made.generation(events[cut:], first)) == whole
