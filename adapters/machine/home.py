"""The home: everything local, for its owner alone, since it holds what users did and sometimes a log of errors."""

import os
import stat
from pathlib import Path

from schemas.errors import SettingsError

PRIVATE_UMASK = 0o077


def prepare_home(home: Path) -> None:
    """Make the home if it is missing and keep it from others; what this process makes from now on is for its owner.

    An earlier Millrace left homes open to all. A folder that is shared on purpose (sticky, or with a group's files) and
    one that is more than a home (the working folder, the user's own) stay as they are; the files in it do not.

    Raises:
        SettingsError: it cannot be made; names the remedy.
    """
    os.umask(PRIVATE_UMASK)
    try:
        home.mkdir(parents=True, exist_ok=True)
        found = home.stat()
        if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & 0o077 and not _is_more(home, found.st_mode):
            home.chmod(0o700)
    except OSError as error:
        raise SettingsError(
            f"cannot use the home {home}: {error.strerror}; name a writable one in MILLRACE_HOME"
        ) from error


def _is_more(home: Path, mode: int) -> bool:
    path = home.resolve()
    return bool(mode & (stat.S_ISVTX | stat.S_ISGID)) or path in (Path.home(), *Path.cwd().parents, Path.cwd())
