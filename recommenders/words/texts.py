"""What an item's record says, as one text for a sentence encoder."""

from schemas.catalogue import Item

MOST_LETTERS = 2_000  # of a text: an encoder reads some 256 pieces of words


def text_of(item: Item) -> str:
    """Return what a record says as one text, the title first."""
    labels = dict.fromkeys((item.category or "", *item.categories, item.brand or "", *item.tags))
    parts = [item.title or "", ", ".join(filter(None, labels)), item.description or ""]
    return ". ".join(part.strip() for part in parts if part.strip())[:MOST_LETTERS]
