"""Finds the texts and numbers that need no cleaning, which are nearly all: plain at a look, or seen before."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from datasets.fields.acceptance import MAX_ID, Dropped, ImportOptions, number_of

REMEMBERED = 200_000  # texts; users, items and categories repeat
_MOST_NUMBERS = 100_000
_WHOLE = 2**53
_EDGES = ('\n"', "\n ", " \n")  # a quote or a blank where a text begins, a blank where it ends


class PlainTexts:
    """Knows texts that ``cleaned`` and ``check`` leave as they are."""

    def __init__(self, options: ImportOptions) -> None:
        self._null = frozenset(options.null)
        self._known: set[Any] = set()

    def odd(self, texts: Sequence[Any]) -> Iterator[int]:
        """Yield the places of ids that are not plain; they repeat, so those that are get remembered."""
        if self._are_known(texts):
            return
        fresh = _only_texts(texts) - self._known
        if len(self._known) + len(fresh) > REMEMBERED:
            self._known.clear()
            fresh = _only_texts(texts)
        self._known.update(fresh if self.are_plain(fresh, MAX_ID) else filter(self._is_plain, fresh))
        if not self._are_known(texts):
            yield from (p for p, text in enumerate(texts) if type(text) is not str or text not in self._known)

    def odd_once(self, texts: Sequence[Any], most: int) -> Iterator[int]:
        """Yield the places of texts that are not plain and do not repeat. Args: most: characters."""
        if not self.are_plain(texts, most):
            yield from (place for place, text in enumerate(texts) if not self._is_plain(text, most))

    def are_plain(self, texts: Collection[Any], most: int) -> bool:
        """Return whether all are plain; looks at them as one text."""
        try:
            joined = "\n".join(texts)
        except TypeError:  # one is no text
            return False
        around = f"\n{joined}\n"
        return (
            all(texts)
            and max(map(len, texts), default=0) <= most
            and joined.replace("\n", "", max(0, len(texts) - 1)).isprintable()
            and not any(edge in around for edge in _EDGES)
            and self._null.isdisjoint(texts)
        )

    def _are_known(self, texts: Sequence[Any]) -> bool:
        try:
            return self._known.issuperset(texts)
        except TypeError:  # one cannot be in a set
            return False

    def _is_plain(self, text: Any, most: int = MAX_ID) -> bool:
        return type(text) is str and self.are_plain((text,), most)


class PlainNumbers(dict[str, Any]):
    """What texts say as numbers, each text read once: None for nothing, ``Dropped`` for what is no number."""

    def __init__(self, options: ImportOptions) -> None:
        self._options = options

    def __missing__(self, text: str) -> Any:
        number = self._read(text)
        if len(self) < _MOST_NUMBERS:
            self[text] = number
        return number

    def of(self, values: Sequence[Any]) -> list[Any]:
        """Return the numbers that values are or that texts say."""
        types = set(map(type, values))
        if types == {str}:
            return list(map(self.__getitem__, values))
        if types == {int} and min(values) > -_WHOLE and max(values) < _WHOLE:
            return list(values)
        return list(map(self._one, values))

    def _one(self, value: Any) -> Any:
        if type(value) is int and -_WHOLE < value < _WHOLE:
            return value
        return self[value] if type(value) is str else self._read(value)

    def _read(self, value: Any) -> Any:
        try:
            return number_of(value, False, self._options)
        except (ValueError, TypeError):
            return Dropped


def _only_texts(values: Sequence[Any]) -> set[str]:
    try:
        return set(values)
    except TypeError:  # one cannot be in a set
        return {value for value in values if type(value) is str}
