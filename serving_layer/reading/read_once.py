"""What an object reads from a store when first asked, and keeps."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class read_once(Generic[T]):  # noqa: N801 - it is used as a decorator, as ``property`` is
    """Like ``functools.cached_property``, which in Python 3.11 holds one lock for all objects of a class.

    There an answer that waits for a store that hangs would have kept all other answers waiting.
    """

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read, self.__doc__ = read, read.__doc__

    def __get__(self, owner: Any, _: type | None = None) -> T:
        value = owner.__dict__[self._read.__name__] = self._read(owner)  # found there from now on
        return value
