"""A real PostgreSQL for tests: the newest one installed, in a folder of its own, which ends with the test run."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from adapters.machine.children import free_port
from tests.kit.scratch import scratch
from tests.kit.waiting import until

INSTALLED = "/usr/lib/postgresql"  # where Debian and Ubuntu have each version's programs
NOBODY = 65_534  # PostgreSQL refuses to run as root
START_SECONDS = 60.0
QUICK = ["fsync=off", "full_page_writes=off", "shared_buffers=16MB", "unix_socket_directories="]
_numbers = itertools.count()


def postgres_database(server: str, encoding: str = "UTF8") -> str:
    """The URL of a new, empty database of that server."""
    name = f"shop_{next(_numbers)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0".encode())
    return f"{server}/{name}"


def _answers(url: str) -> bool:
    """Whether the server takes questions: it listens before it does."""
    try:
        with psycopg.connect(url):
            return True
    except psycopg.OperationalError:
        return False


def programs() -> Path:
    """The folder of the server's programs; the test is skipped, with the remedy, where there are none."""
    versions = sorted(Path(INSTALLED).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not versions and on_path is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    return versions[-1].parent if versions else Path(str(on_path)).resolve().parent


@contextmanager
def postgres_server() -> Iterator[str]:
    """A server that yields ``postgresql://postgres:…@127.0.0.1:port``; up in about a second."""
    bin_folder, is_root = programs(), os.getuid() == 0
    with scratch("postgres") as folder:
        secret = folder / "secret"
        secret.write_text("p@ss/word")
        if is_root:
            for path in (folder, secret):
                os.chown(path, NOBODY, NOBODY)
        who: dict[str, int] = {"user": NOBODY, "group": NOBODY} if is_root else {}
        subprocess.run(
            [bin_folder / "initdb", "-D", folder / "data", "-U", "postgres", "-E", "UTF8", "--no-locale", "--no-sync",
             "--auth=scram-sha-256", f"--pwfile={secret}"],
            check=True, capture_output=True, cwd=folder, **who,
        )  # fmt: skip
        port = free_port()
        options = [word for option in QUICK for word in ("-c", option)]
        command = [
            str(bin_folder / "postgres"),
            "-D",
            str(folder / "data"),
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            *options,
        ]
        with (folder / "server.log").open("wb") as said:
            server = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder, **who)
        try:
            url = f"postgresql://postgres:p%40ss%2Fword@127.0.0.1:{port}"
            until(lambda: server.poll() is not None or _answers(f"{url}/postgres"), START_SECONDS)
            assert server.poll() is None, (folder / "server.log").read_text()
            yield url
        finally:
            server.terminate()
            server.wait(30)
