"""The broker embedded in a home: one for all commands, started by the first, stopped after the last.

A command recognises it by the home's lock and by the cluster id that it answers with, never by a process id. ``home``
describes the files, ``keeper`` is the process that keeps it.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from adapters.broker.home import BrokerHome, try_lock
from adapters.machine.children import last_lines, listening
from adapters.machine.home import prepare_home
from schemas.errors import LogUnavailable, MillraceError, SettingsError

POLL_SECONDS = 0.05
WAIT_SECONDS = 240.0  # covers a stop that takes its full time and a start on a slow disk
LEAST_BYTES = 1024 * 1024  # of free disk: with less, the full disk is the reason for any failure
PACKAGES = Path(__file__).resolve().parents[2]


@contextmanager
def embedded_broker(home: Path, jars: Path | None = None) -> Iterator[str]:
    """Provide the home's broker, started if none runs; it runs at least until the end of the block.

    Args:
        home: the folder of everything local; created if missing.
        jars: where jar sets are kept; None: the user's cache.
    Yields: ``127.0.0.1:port``, which a restart keeps if it can.
    Raises:
        SettingsError: a person must install or free something.      LogUnavailable: it did not start.
    """
    files = BrokerHome(home.resolve())
    prepare_home(files.home)
    try:
        files.folder.mkdir(exist_ok=True)
        users = os.open(files.users, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(
            f"cannot use the home {home}: {error.strerror}; name a writable one in MILLRACE_HOME"
        ) from error
    _used.add(users)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not try_lock(users, fcntl.LOCK_SH):  # the last broker is being stopped
            _pause(deadline, files)
        yield _running_or_started(files, jars, deadline)
    finally:
        _used.discard(users)
        os.close(users)


def running_broker(home: Path) -> str | None:
    """Return the address of the home's broker, or None when none runs. Takes a few milliseconds and starts nothing."""
    files = BrokerHome(home.resolve())
    try:
        lock = os.open(files.lock, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        if try_lock(lock, fcntl.LOCK_SH):
            return None
    finally:
        os.close(lock)
    announcement = files.announced()
    if announcement is None or not listening(int(announcement.bootstrap.rpartition(":")[2])):
        return None
    return announcement.bootstrap


def why_it_ended(home: Path) -> MillraceError | None:
    """Return the reason that the home's last broker left for ending by itself; None when there is none."""
    files = BrokerHome(home.resolve())
    return _failure(files) if files.failure.exists() and running_broker(home) is None else None


def wait_until_stopped(home: Path, seconds: float = 30.0) -> None:
    """Return when neither a broker nor its keeper of that home runs: only then may the home be deleted.

    Raises:
        LogUnavailable: it still runs after ``seconds`` because another command uses it.
    """
    files = BrokerHome(home.resolve())
    if not files.lock.exists():
        return
    deadline = time.monotonic() + seconds
    with files.lock.open("ab") as lock:
        while not try_lock(lock.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise LogUnavailable(f"the broker of {home} is still used by another command")
            time.sleep(POLL_SECONDS)


def _running_or_started(files: BrokerHome, jars: Path | None, deadline: float) -> str:
    started = False
    while True:
        lock = os.open(files.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if try_lock(lock, fcntl.LOCK_EX):
                if started:
                    raise _failure(files)
                _start_keeper(files, jars, lock)
                started = True
            elif (announced := files.announced()) and _answers_as(announced.bootstrap, announced.cluster_id):
                return announced.bootstrap
        finally:
            os.close(lock)
        _pause(deadline, files)


def _start_keeper(files: BrokerHome, jars: Path | None, lock: int) -> None:
    """Start a keeper that takes over the lock; the files that an earlier keeper left are deleted."""
    from adapters.machine.jars import jar_folder

    folder = jar_folder("kafka", jars)
    files.announcement.unlink(missing_ok=True)
    files.failure.unlink(missing_ok=True)
    paths = [str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
    with files.keeper_log.open("ab") as output:
        keeper = subprocess.run(
            [sys.executable, "-m", "adapters.broker.keeper", str(files.home), str(folder), str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=files.home,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            pass_fds=[lock],
            check=False,
        )
    if keeper.returncode != 0:
        raise LogUnavailable(f"the embedded broker's keeper cannot run:\n{last_lines(files.keeper_log, 15)}")


def _answers_as(bootstrap: str, cluster: str) -> bool:
    from adapters.log.client import cluster_id

    with suppress(LogUnavailable):
        return cluster_id(bootstrap, {}) == cluster
    return False


def _failure(files: BrokerHome) -> MillraceError:
    try:
        failure = json.loads(files.failure.read_bytes())
    except FileNotFoundError:
        if shutil.disk_usage(files.home).free < LEAST_BYTES:  # then not even the reason could be written
            return SettingsError(f"free space on the disk that holds the home {files.home}; the broker cannot start")
        return LogUnavailable(
            f"the embedded broker was stopped while it started; try again (its log: {files.keeper_log})"
        )
    return (SettingsError if failure["settings"] else LogUnavailable)(failure["text"])


def _pause(deadline: float, files: BrokerHome) -> None:
    if time.monotonic() > deadline:
        raise LogUnavailable(
            f"the embedded broker did not get ready in {WAIT_SECONDS:g} s; its logs are in {files.folder}"
        )
    time.sleep(POLL_SECONDS)


_used: set[int] = set()


def _let_go() -> None:
    """Close the locks in a forked copy of this process, which must not keep the broker running."""
    for users in _used:
        os.close(users)
    _used.clear()


os.register_at_fork(after_in_child=_let_go)
