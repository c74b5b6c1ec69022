"""The artefacts of recommenders in the book of their generation: one space per recommender, named after it."""

from adapters.records.books import BLEND, LEARNED, generation_book
from adapters.stores.port import ViewStore
from core.ranking.learned import Learned
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


def read_learned(views: ViewStore, generation: str | None) -> Learned | None:
    """Return the learned blend of a generation; None where it has none."""
    if generation is None:
        return None
    row = views.read(generation_book(generation), BLEND, [LEARNED]).get(LEARNED)
    return None if row is None else Learned.from_json(row)


def write_learned(views: ViewStore, run: str, blend: Learned | None) -> None:
    """Write the learned blend into the run's book, or delete what an interrupted attempt left there."""
    book = generation_book(run)
    views.delete(book, BLEND)
    if blend is not None:
        views.put(book, {(BLEND, LEARNED): blend.to_json()})
