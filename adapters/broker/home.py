"""The files of a home's broker, and the two locks by which commands and the broker's keeper agree.

``broker.lock``   held exclusively by the keeper and the broker together: free means that neither runs
``broker.users``  held shared by every command that uses the broker, exclusively by a keeper that is stopping it
``broker.json``   where it answers; deleted by whoever takes ``broker.lock``, so it counts only while that is held
``kafka/``        the broker's data, settings and logs
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Announcement:
    """The address and the cluster id of a ready broker."""

    bootstrap: str
    cluster_id: str


@dataclass(frozen=True)
class BrokerHome:
    """The broker's files in a home, which is an absolute path."""

    home: Path

    @property
    def lock(self) -> Path:
        return self.home / "broker.lock"

    @property
    def users(self) -> Path:
        return self.home / "broker.users"

    @property
    def announcement(self) -> Path:
        return self.home / "broker.json"

    @property
    def folder(self) -> Path:
        return self.home / "kafka"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The output of the current broker, or of the last one."""
        return self.folder / "broker.log"

    @property
    def keeper_log(self) -> Path:
        return self.folder / "keeper.log"

    @property
    def failure(self) -> Path:
        """Why the last keeper gave up; absent while one runs."""
        return self.folder / "failure.json"

    def announced(self) -> Announcement | None:
        """Return the announcement, if there is one; it counts only while ``lock`` is held."""
        try:
            return Announcement(**json.loads(self.announcement.read_bytes()))
        except FileNotFoundError:
            return None

    def announce(self, announcement: Announcement) -> None:
        """Write the announcement; readers see it completely or not at all."""
        replace_text(self.announcement, json.dumps(asdict(announcement)))


def try_lock(fd: int, kind: int) -> bool:
    """Take ``fcntl.LOCK_SH`` or ``LOCK_EX`` on an open file unless another holds it; never waits."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def replace_text(path: Path, text: str) -> None:
    """Write a file that readers see completely or not at all."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)
