"""How the runs of `batch run --every` go, as a row beside the schedule's sign of life."""

from adapters.records.books import SCHEDULE
from adapters.stores.port import ViewStore
from core.control.schedule import State
from schemas.records import from_json, to_json

SPACE, KEY = "state", b"state"


def read_schedule(store: ViewStore) -> State | None:
    """What the last schedule wrote; None when there never was one."""
    text = store.read(SCHEDULE, SPACE, [KEY]).get(KEY)
    return None if text is None else from_json(State, text)


def write_schedule(store: ViewStore, state: State) -> None:
    """Put the state in place of what stood there."""
    store.put(SCHEDULE, {(SPACE, KEY): to_json(state)})
