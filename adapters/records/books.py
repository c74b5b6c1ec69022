"""The books of the view stores and the names of their spaces."""

from adapters.stores.port import Book
from core.rows.views import VIEWS
from schemas.control import Position

CONTROL = Book("control")  # batch-view store: the control record
# Speed-view store: the position and all rows of the speed layer. What a power cut takes back is applied again.
SPEED = Book("speed", guarded=True, lasting=False)
LEASE = Book("lease", lasting=False)  # speed-view store: the sign of life of the speed layer's owner
BATCH_LEASE = Book("batch-lease")  # batch-view store: the sign of life of the process that makes a whole run
SCHEDULE = Book("schedule")  # batch-view store: the sign of life of `batch run --every`, and how its runs go
CATALOGUE = Book("catalogue", guarded=True)  # speed-view store: the newest records of items and users
NEW_ITEMS, NEW_ITEMS_KEY = "new-items", b"newest"  # its space with one row: the items that were described last
KEYS = Book("keys")  # batch-view store: the API keys
LISTS = Book("lists", guarded=True)  # batch-view store: the users' own lists of items
# Speed-view store: how long events took into the answers (``adapters.records.delays``).
FRESHNESS = Book("freshness", lasting=False)
REPLAYED = Book("replayed")  # speed-view store: which dead letters were replayed

BLEND = "blend"  # space of a generation's book: how its sources are blended
CALIBRATION = b"calibration"  # row: which share of hits the scores of fixed weights mean
LEARNED = b"learned"  # row: the learned blend (``core.ranking.learned``), which fixed weights stand in for
LEARNED_AGAIN = b"learned-again"  # row: the learned blend of lists that may have what the user has seen
TOUCHED = "touched"


def generation_book(generation: str) -> Book:
    """Return the batch-view store's book of one generation; a space is a view's or a recommender's name."""
    return Book(f"generation/{generation}")


def segment_space(epoch: int, view: str, segment: int) -> str:
    """Return the space of a view's rows within one segment."""
    return f"{epoch}/{view}/{segment}"


def older_space(epoch: int, view: str, segment: int) -> str:
    """Return the space of the older parts of the same rows (``core.rows.tagged``)."""
    return f"{epoch}/{view}-older/{segment}"


def segment_spaces(epoch: int, view: str, segment: int) -> list[str]:
    """Return all of one segment's spaces of a view, older parts first."""
    older = [older_space(epoch, view, segment)] if VIEWS[view].tiered else []
    return [*older, segment_space(epoch, view, segment)]


def state_space(epoch: int, view: str) -> str:
    """Return the space of rows that hold a user's whole state."""
    return f"{epoch}/{view}"


def touched_space(position: Position, attempt: int) -> str:
    """Return the space that lists the rows an attempt wrote (``core.rows.touched``) in that life of the position.

    Attempt numbers are reused when the position is set back, but it then gets another life.
    """
    return f"{position.epoch}/{TOUCHED}-{position.life[:12]}-{attempt}"
