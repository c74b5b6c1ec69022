"""What a follower keeps of the catalogue from one look to the next."""

from adapters.records.books import CATALOGUE
from adapters.records.control import Applied
from adapters.stores import ViewStore
from serving_layer.memory.catalogue_rows import CatalogueRows


def catalogue_of(text: bytes | None, kept: CatalogueRows | None, store: ViewStore) -> CatalogueRows:
    """Return the kept rows of the catalogue if none can have changed since the last look, else others.

    Those that answers asked for are read again at once.

    Args: text: of the catalogue's record, as this look read it.
    """
    if kept is not None and text == kept.record and is_settled(text):
        return kept
    rows = CatalogueRows(text)
    for space, keys in kept.hot().items() if kept is not None else ():
        rows.add(space, keys, store.read(CATALOGUE, space, keys))
    return rows


def is_settled(text: bytes | None) -> bool:
    """Return whether no claim is open under which rows of the catalogue may be written now."""
    return text is None or Applied.from_json(text).settled
