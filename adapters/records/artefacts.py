"""The artefacts of recommenders in the book of their generation: one space per recommender, named after it."""

from collections.abc import Mapping

from adapters.records.books import BLEND, LEARNED, LEARNED_AGAIN, generation_book
from adapters.stores.port import ViewStore
from core.ranking.learned import Blends, Learned
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


def read_learned(views: ViewStore, generation: str | None) -> Blends:
    """Return what a generation learned of its blend."""
    if generation is None:
        return Blends()
    return blends_of(views.read(generation_book(generation), BLEND, [LEARNED, LEARNED_AGAIN]))


def blends_of(rows: Mapping[bytes, bytes]) -> Blends:
    """Return what was learned of a blend, of its rows; one without a row was not learned."""
    new, again = (Learned.from_json(rows[key]) if key in rows else "" for key in (LEARNED, LEARNED_AGAIN))
    return Blends(new, again)


def blend_rows(blends: Blends) -> dict[bytes, bytes]:
    """Return the rows that store what was learned of a blend."""
    both = {LEARNED: blends.new, LEARNED_AGAIN: blends.again}
    return {key: blend.to_json() for key, blend in both.items() if not isinstance(blend, str)}


def write_learned(views: ViewStore, run: str, blends: Blends) -> None:
    """Write what was learned into the run's book, in the place of what an interrupted attempt left there."""
    book = generation_book(run)
    views.delete(book, BLEND)
    views.put(book, {(BLEND, key): row for key, row in blend_rows(blends).items()})
