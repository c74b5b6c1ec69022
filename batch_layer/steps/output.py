"""Where the tasks of a run write, and the generation that they begin from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.records.books import generation_book
from adapters.stores.port import Book, ViewStore
from core.rows.views import VIEWS
from core.settings import StoreUrl


@dataclass(frozen=True)
class Output:
    """A plain value that travels to the engine's tasks; ``base_name`` is None for a full run."""

    views_url: StoreUrl
    timeout_ms: int
    name: str
    base_name: str | None = None

    @property
    def book(self) -> Book:
        """The book of the run."""
        return generation_book(self.name)

    @property
    def base(self) -> Book | None:
        """The book of the generation that it begins from."""
        return None if self.base_name is None else generation_book(self.base_name)

    def known(self, views: ViewStore, view: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the base's rows under these keys."""
        return views.read(self.base, view, keys) if self.base else {}

    def onto(
        self, known: Mapping[bytes, bytes], view: str, changes: Mapping[bytes, bytes]
    ) -> dict[tuple[str, bytes], bytes]:
        """Return whole rows: the known ones with the changes merged onto them."""
        merge = VIEWS[view].merge
        return {(view, key): merge(known[key], change) if key in known else change for key, change in changes.items()}
