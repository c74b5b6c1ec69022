"""The home: the folder of everything local, readable by its owner alone, because it holds what users did."""

import os
import stat
from pathlib import Path

from schemas.errors import SettingsError

PRIVATE_UMASK = 0o077


def prepare_home(home: Path) -> None:
    """Create the home if it is missing and close it to others; files that this process creates are its owner's alone.

    Earlier versions left homes open to all. A folder that is shared on purpose (sticky, or with a group's files) and
    one that is more than a home (the working folder, the user's own) keep their permissions; new files are private.

    Raises:
        SettingsError: it cannot be created; the text names the remedy.
    """
    os.umask(PRIVATE_UMASK)
    try:
        home.mkdir(parents=True, exist_ok=True)
        status = home.stat()
        open_to_others = status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) & 0o077
        if open_to_others and not _is_more(home, status.st_mode):
            home.chmod(0o700)
    except OSError as error:
        raise SettingsError(
            f"cannot use the home {home}: {error.strerror}; name a writable one in MILLRACE_HOME"
        ) from error


def _is_more(home: Path, mode: int) -> bool:
    path = home.resolve()
    return bool(mode & (stat.S_ISVTX | stat.S_ISGID)) or path in (Path.home(), *Path.cwd().parents, Path.cwd())
