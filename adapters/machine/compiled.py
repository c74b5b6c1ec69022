"""Where compiled code is kept: once for each state of ``core`` on a machine, wherever the packages came from."""

import os

# Compiling the fold takes some 30 s. numba's own places follow ours.
NUMBA_LOCATORS = (
    "adapters.machine.numba_cache.ByContent,UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator,"
    "ZipCacheLocator"
)


def keep_compiled() -> None:
    """Have numba, which must not be imported yet, keep compiled code there; processes started later do so, too."""
    os.environ.setdefault("NUMBA_CACHE_LOCATOR_CLASSES", NUMBA_LOCATORS)
