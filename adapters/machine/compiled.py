"""Where compiled code is kept: once for each state of ``core`` on a machine, wherever the packages came from."""

import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path

# Compiling the fold takes some 30 s. numba's own places follow ours.
NUMBA_LOCATORS = (
    "adapters.machine.numba_cache.ByContent,UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator,"
    "ZipCacheLocator"
)


def keep_compiled() -> None:
    """Have numba and JAX, which must not be imported yet, keep compiled code; processes started later do so, too.

    Compiling the networks takes 20 s of each batch run that trains them.
    """
    from adapters.machine.jars import default_root

    os.environ.setdefault("NUMBA_CACHE_LOCATOR_CLASSES", NUMBA_LOCATORS)
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(default_root().parent / "jax"))


def compile_apart(module: str) -> None:
    """Return once ``module``, run as a program, has compiled what it compiles; once for each version on a machine.

    The program is a process of its own. In a process that answers beside it, compiling takes minutes instead of half
    a one: its threads share one lock of the interpreter, and whoever loads compiled code waits for the compiler's. Of
    several processes that call this at once, one starts the program, and the others wait for it.
    """
    from adapters.machine.children import start

    mark = mark_of(module)
    if mark.exists():
        return
    with suppress(OSError):  # there is no place for a cache: whoever needs the code compiles it
        mark.parent.mkdir(parents=True, exist_ok=True)
        with mark.with_suffix(".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not mark.exists():
                paths = os.pathsep.join(filter(None, sys.path))
                environment = {**os.environ, "PYTHONPATH": paths, "NUMBA_CACHE_LOCATOR_CLASSES": NUMBA_LOCATORS}
                program = start(module, [sys.executable, "-m", module], mark.with_suffix(".log"), env=environment)
                if program.process.wait() == 0:
                    mark.touch()


def mark_of(module: str) -> Path:
    """Return the file that exists once ``module`` has compiled its code for the current ``core``."""
    from adapters.machine.numba_cache import cache_root, digest

    return cache_root() / f"core-{digest()}" / f"{module.replace('.', '-')}.compiled"
