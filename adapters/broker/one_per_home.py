"""A lock in the home for commands of which only one may run there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX
from pathlib import Path

from adapters.broker.home import try_lock
from adapters.machine.home import prepare_home
from schemas.errors import SettingsError


@contextmanager
def only_one(home: Path, name: str) -> Iterator[None]:
    """Hold ``name``'s lock of that home for the block; the lock ends with the process, however that ends.

    Raises:
        SettingsError: another process holds it; the text names that process.
    """
    prepare_home(home)
    with (home / f"{name}.lock").open("a+") as file:
        if not try_lock(file.fileno(), LOCK_EX):
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise SettingsError(
                f"millrace {name} already runs in {home}, as process {pid}: stop that one, "
                "or give this one another home by MILLRACE_HOME"
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
