"""What an item's record says, as words with weights: what models of words read."""

import re
from collections.abc import Iterator
from itertools import islice
from math import log1p

from schemas.catalogue import Item

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
LONGEST = 40  # characters of a word; longer ones are cut
MOST_WORDS = 2_000  # of one field that count
TITLE, LABEL, DESCRIPTION = 3.0, 2.0, 1.0  # what a word says by where it stands; a tag's by its relevance
OF_TAGS = 2.0  # times the relevance


def terms_of(item: Item) -> dict[str, float]:
    """Return each word of title, description, categories, brand and tags with ln(1 + what its places say); {} for none.

    A word repeated ten times says more than once, and less than ten times as much.
    """
    said: dict[str, float] = {}
    for text, weight in _texts(item):
        for word in words_of(text):
            said[word] = said.get(word, 0.0) + weight
    return {word: log1p(amount) for word, amount in said.items() if amount > 0}


def words_of(text: str) -> Iterator[str]:
    """Yield the words of a text in its order, in lower case; single Latin letters are left out."""
    for match in islice(WORD.finditer(text.casefold()), MOST_WORDS):
        word = match.group()[:LONGEST]
        if len(word) > 1 or not word.isascii() or word.isdigit():
            yield word


def _texts(item: Item) -> Iterator[tuple[str, float]]:
    yield item.title or "", TITLE
    yield item.description or "", DESCRIPTION
    yield item.brand or "", LABEL
    for category in dict.fromkeys((item.category or "", *item.categories)):
        yield category, LABEL
    weights = item.tag_weights or (1.0,) * len(item.tags)
    for tag, weight in zip(item.tags, weights, strict=True):
        yield tag, OF_TAGS * weight
