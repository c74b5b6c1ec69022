"""The state of `batch run --every`, as a row beside the schedule's sign of life."""

from adapters.records.books import SCHEDULE
from adapters.stores.port import ViewStore
from core.control.schedule import State
from schemas.records import from_json, to_json

SPACE, KEY = "state", b"state"


def read_schedule(store: ViewStore) -> State | None:
    """Return the state that the last schedule wrote; None when there never was one."""
    text = store.read(SCHEDULE, SPACE, [KEY]).get(KEY)
    return None if text is None else from_json(State, text)


def write_schedule(store: ViewStore, state: State) -> None:
    """Replace the stored state."""
    store.put(SCHEDULE, {(SPACE, KEY): to_json(state)})
