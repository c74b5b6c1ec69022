"""The artefacts of recommenders in the book of their generation: one space per recommender, named after it."""

from adapters.records.books import generation_book
from adapters.stores.port import ViewStore
from recommenders.artefact import Artefact


def read_artefact(views: ViewStore, generation: str | None, name: str) -> Artefact | None:
    """Return the recommender's artefact in a generation; None when it has none, or one of an earlier form."""
    if generation is None:
        return None
    book = generation_book(generation)
    return Artefact.read(lambda keys: views.read(book, name, list(keys)))


def write_artefact(views: ViewStore, run: str, name: str, artefact: Artefact) -> None:
    """Write the artefact into the run's book, replacing what an interrupted attempt left there."""
    book = generation_book(run)
    views.delete(book, name)
    for key, value in artefact.rows():
        views.put(book, {(name, key): value})
