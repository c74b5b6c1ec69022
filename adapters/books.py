"""Where things stand in the view stores: the books and the names of their spaces."""

from adapters.stores.port import Book

CONTROL = Book("control")  # batch-view store: the control record
SPEED = Book("speed", guarded=True)  # speed-view store: the position and all rows of the speed layer
LEASE = Book("lease")  # speed-view store: the sign of life of the speed layer's owner
CATALOGUE = Book("catalogue", guarded=True)  # speed-view store: items and users as their topics last said
REPLAYED = Book("replayed")  # speed-view store: which dead letters were put back


def generation_book(generation: str) -> Book:
    """Batch-view store: the views and the model of one generation; a space is a view's name."""
    return Book(f"generation/{generation}")


def segment_space(epoch: int, view: str, segment: int) -> str:
    """Rows of a summed view within one segment."""
    return f"{epoch}/{view}/{segment}"


def state_space(epoch: int, view: str) -> str:
    """Rows that hold a user's whole state (history, seen)."""
    return f"{epoch}/{view}"
