"""Fetches Java libraries by a lock with checksums: the broker's, Spark's and, for tests, Cassandra's.

Each set has its own folder, named after the set and its lock, so that class paths never mix and two versions of
Millrace never disturb each other. ``python -m adapters.machine.jars [SET …]`` fetches; ``adapters.machine.jar_roots``
makes the lock.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from schemas.errors import SettingsError

# Not by __file__: the packages may be in a zip.
LOCK = files(__package__) / "jars.lock"
DOWNLOADS_AT_ONCE = 6
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Jar:
    """One locked jar; ``sha256`` is in hex, ``classifier`` is empty for the main jar."""

    sha256: str
    group: str
    artifact: str
    version: str
    classifier: str = ""

    @staticmethod
    def of(line: str) -> "Jar":
        sha256, coordinate = line.split()
        return Jar(sha256, *coordinate.split(":"))

    @property
    def coordinate(self) -> str:
        return ":".join(filter(None, (self.group, self.artifact, self.version, self.classifier)))

    @property
    def file_name(self) -> str:
        return "-".join(filter(None, (self.artifact, self.version, self.classifier))) + ".jar"


# One set of jars is one class path.
Lock = Mapping[str, tuple[Jar, ...]]


def read_lock(text: str) -> Lock:
    """Return the sets of a lock: a ``[set]`` line, then one ``sha256  group:artifact:version[:classifier]`` per jar."""
    sets: dict[str, list[Jar]] = {}
    jars: list[Jar] = []
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("["):
            jars = sets.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            jars.append(Jar.of(line))
    return {name: tuple(jars) for name, jars in sets.items()}


def default_root(env: Mapping[str, str] = os.environ) -> Path:
    """Return the default folder of jar sets: MILLRACE_JARS, else the user's cache folder."""
    if chosen := env.get("MILLRACE_JARS"):
        return Path(chosen).expanduser()
    return Path(env.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "millrace" / "jars"


def locked(set_name: str) -> tuple[Jar, ...]:
    """Return the jars of a set. Raises SettingsError for an unknown set."""
    sets = read_lock(LOCK.read_text())
    if set_name not in sets:
        raise SettingsError(f"There is no jar set {set_name!r}; known are {', '.join(sorted(sets))}.")
    return sets[set_name]


def folder_of(set_name: str, root: Path | None = None) -> Path:
    """Return the folder of a set, present or not."""
    jars = "\n".join(f"{jar.sha256} {jar.coordinate}" for jar in locked(set_name))
    return (root or default_root()) / f"{set_name}-{hashlib.sha256(jars.encode()).hexdigest()[:8]}"


def missing_jars(set_name: str, root: Path | None = None) -> list[Jar]:
    """Return the set's jars that are not in its folder; the others were verified when they were put there."""
    folder = folder_of(set_name, root)
    present = {path.name for path in folder.glob("*.jar")}
    return [jar for jar in locked(set_name) if jar.file_name not in present]


def jar_folder(set_name: str, root: Path | None = None) -> Path:
    """Return the folder with exactly the set's jars; fetches missing ones and shows progress on stderr.

    Raises: SettingsError when a jar cannot be fetched or its checksum differs from the lock's.
    """
    folder = folder_of(set_name, root)
    if missing := missing_jars(set_name, root):
        fetch(missing, folder, set_name)
    return folder


def class_archive(folder: Path) -> Path:
    """Return the file of a program's classes, beside the folder of its jars (``adapters.broker.classes``)."""
    return folder.with_name(f"{folder.name}.jsa")


def jar_paths(set_name: str, root: Path | None = None) -> list[Path]:
    """Return the paths of the set's jars in the lock's order; fetches missing ones."""
    folder = jar_folder(set_name, root)
    return [folder / jar.file_name for jar in locked(set_name)]


def fetch(jars: Sequence[Jar], folder: Path, set_name: str) -> None:
    """Put those jars into the folder, each completely or not at all, so that an interrupted fetch can be resumed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder.parent) as scratch,
            _progress(set_name, len(jars)) as step,
        ):
            pool = ThreadPoolExecutor(DOWNLOADS_AT_ONCE)
            try:
                for done in as_completed([pool.submit(_fetch_one, jar, folder, Path(scratch)) for jar in jars]):
                    step(done.result().name)
            finally:
                pool.shutdown(cancel_futures=True)
    except OSError as error:
        raise SettingsError(
            f"Cannot keep jars in {folder.parent}: {error}. Free space there or name another folder in MILLRACE_JARS."
        ) from error


def _fetch_one(jar: Jar, folder: Path, scratch: Path) -> Path:
    downloaded = download(jar, scratch)
    checksum = sha256_of(downloaded)
    if checksum != jar.sha256:
        downloaded.unlink()
        raise SettingsError(
            f"{jar.coordinate} arrived with checksum {checksum} where {LOCK.name} says {jar.sha256}: it was damaged or "
            "replaced on the way. Nothing was kept; run `make setup` again, and do not use the file if this repeats."
        )
    return downloaded.replace(folder / jar.file_name)


def download(jar: Jar, scratch: Path) -> Path:
    """Fetch one jar from jgo's registry, or by mvn, which knows the user's own mirrors."""
    import requests
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=scratch, timeout=TIMEOUT_SECONDS)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(jar.classifier)
    try:
        return Path(artifact.resolve())
    except (requests.RequestException, RuntimeError) as reason:
        by_mvn = _download_by_mvn(jar, scratch)
        if by_mvn is None:
            raise SettingsError(
                f"Cannot fetch {jar.coordinate} ({type(reason).__name__}). Connect to the network and run "
                "`make setup`; behind a mirror, set it up for `mvn`, which is tried as well."
            ) from reason
        return by_mvn


def _download_by_mvn(jar: Jar, scratch: Path) -> Path | None:
    mvn = shutil.which("mvn")
    if mvn is None:
        return None
    coordinate = ":".join(filter(None, (jar.group, jar.artifact, jar.version, "jar", jar.classifier)))
    into = scratch / "mvn" / jar.file_name
    goal = ["dependency:copy", f"-Dartifact={coordinate}", f"-DoutputDirectory={into}", "-Dmdep.useBaseVersion=true"]
    subprocess.run([mvn, "-q", "-B", *goal], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return next(into.glob("*.jar"), None)


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _progress(set_name: str, total: int) -> Iterator[Callable[[str], None]]:
    """Provide a bar on stderr; the function it yields marks one jar as done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Fetching {task.description} jars"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[jar]}"), console=Console(stderr=True)) as bar:
        task = bar.add_task(set_name, total=total, jar="")
        yield lambda jar: bar.update(task, advance=1, jar=jar)


def main(set_names: Sequence[str]) -> int:
    """Fetch those sets, or all when none is named. Returns the exit status."""
    try:
        for set_name in set_names or read_lock(LOCK.read_text()):
            jar_folder(set_name)
    except SettingsError as error:
        print(f"millrace: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
