"""Keeps compiled code in one cache folder per state of ``core``, wherever its files lie.

numba names its cache after the path of the source. Spark unpacks a job's zip into a new folder each time, so every run
would compile again, which takes some 20 s. numba also notices a change of a calling file, but not of a called one.
"""

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from numba.core.caching import UserProvidedCacheLocator

from adapters.machine.jars import default_root


class ByContent(UserProvidedCacheLocator):  # type: ignore[misc, unused-ignore]
    """The cache of the current ``core``; None (numba looks further) for other code or in an unwritable folder."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        self._lineno = py_func.__code__.co_firstlineno
        self._cache_path = str(cache_root() / f"core-{digest()}")

    def get_source_stamp(self) -> str:
        return digest()

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "ByContent | None":
        if not py_func.__module__.startswith("core."):
            return None
        locator = cls(py_func, py_file)
        try:
            locator.ensure_cache_path()  # type: ignore[no-untyped-call, unused-ignore]
        except OSError:
            return None
        return locator


def cache_root() -> Path:
    """Return the folder of all caches: NUMBA_CACHE_DIR, else beside the jars."""
    return Path(os.environ.get("NUMBA_CACHE_DIR") or default_root().parent / "numba")


@cache
def digest() -> str:
    """Return a short name of all sources of ``core``."""
    return digest_of(files("core"))


def digest_of(package: Traversable) -> str:
    """Return a short name of all sources of a package and of the packages inside it."""
    return hashlib.sha256(repr(sorted(_sources(package, ""))).encode()).hexdigest()[:16]


def _sources(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield path + entry.name, entry.read_bytes()
