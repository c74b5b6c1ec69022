"""Where the tasks of a run write, and the generation that they begin from."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.books import generation_book
from adapters.stores.port import Book, ViewStore
from core.views import VIEWS


@dataclass(frozen=True)
class Output:
    """A plain value that travels to the engine's tasks; ``base_name`` is None for a full run."""

    views_url: str
    timeout_ms: int
    name: str
    base_name: str | None = None

    @property
    def book(self) -> Book:
        """Of the run."""
        return generation_book(self.name)

    @property
    def base(self) -> Book | None:
        """Of the generation that it begins from."""
        return None if self.base_name is None else generation_book(self.base_name)

    def onto(
        self, views: ViewStore, view: str, changes: Mapping[bytes, bytes], known: Mapping[bytes, bytes] | None = None
    ) -> dict[tuple[str, bytes], bytes]:
        """Whole rows: what the base has under these keys (``known``, or read here) with the changes merged onto it."""
        if known is None:
            known = views.read(self.base, view, list(changes)) if self.base else {}
        merge = VIEWS[view].merge
        return {(view, key): merge(known[key], change) if key in known else change for key, change in changes.items()}
