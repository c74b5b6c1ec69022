"""Checks of this machine for ``doctor``: Python, Java, libraries, home, disk, memory, clock, port."""

import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from adapters.machine.jars import folder_of, locked, missing_jars
from adapters.machine.java import REMEDY, find_java, java_version
from adapters.settings import Settings
from millrace.doctor.check import Check
from schemas.errors import SettingsError

GIB = 1 << 30
NEEDED_MEMORY_BYTES = 2 * GIB  # broker 0.5, Spark 1, the rest for Python and page cache
NEEDED_DISK_BYTES = 2 * GIB


def check_python() -> Check:
    tested = (3, 11) <= sys.version_info[:2] <= (3, 13)
    remedy = "" if tested else "Use Python 3.11, 3.12 or 3.13: others are not tested."
    return Check("python", platform.python_version(), remedy, required=sys.version_info < (3, 11))


def check_java() -> Check:
    try:
        java = find_java()
    except SettingsError as error:
        return Check("java", str(error).removesuffix(REMEDY).strip(), REMEDY)
    return Check("java", f"{java_version(java)} ({java})")


def check_package(name: str) -> Check:
    """Check that the installed version is the one that the jars belong to."""
    artifact = {"pyspark": "spark-sql-kafka-0-10_2.13", "delta-spark": "delta-storage"}[name]
    wanted = next(jar.version for jar in locked("spark") if jar.artifact == artifact)
    try:
        installed = version(name)
    except PackageNotFoundError:
        installed = "not installed"
    remedy = f"Install {name} {wanted}, which the jars belong to: make setup"
    return Check(name, installed, "" if installed == wanted else remedy)


def check_jars(settings: Settings) -> Iterator[Check]:
    root = Path(settings.engine.jars).expanduser() if settings.engine.jars else None
    for set_name in ["spark"] if settings.log.kafka else ["kafka", "spark"]:
        missing, folder = missing_jars(set_name, root), folder_of(set_name, root)
        state = f"{len(missing)} missing in {folder}" if missing else str(folder)
        yield Check(f"{set_name} jars", state, "Fetch them: make setup" if missing else "")


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in [path, *path.absolute().parents] if folder.is_dir())


def check_home(home: Path) -> Check:
    """Check that files can be created in the home, or in the folder where it would be created."""
    folder = _nearest_folder(home)
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Check("home", str(home))
    except OSError as error:
        return Check("home", f"{folder}: {error.strerror}", "Name a folder that you may write in MILLRACE_HOME.")


def check_disk(home: Path) -> Check:
    free = shutil.disk_usage(_nearest_folder(home)).free
    remedy = "" if free >= NEEDED_DISK_BYTES else "Free some space, or name a folder elsewhere in MILLRACE_HOME."
    return Check("disk", f"{free / GIB:.1f} GiB free", remedy)


def check_memory() -> Check:
    free = available_memory_bytes()
    if free is None:
        return Check("memory", "this system does not report it", required=False)
    remedy = "" if free >= NEEDED_MEMORY_BYTES else "End other programs: the broker and Spark need 2 GiB together."
    return Check("memory", f"{free / GIB:.1f} GiB available", remedy, required=False)


def available_memory_bytes() -> int | None:
    """Return the memory that programs may still take, within the container's limit; None if the system does not say."""
    meminfo, cgroup = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
    if not meminfo.exists():
        return None
    lines = meminfo.read_text().splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    limit = (cgroup / "memory.max").read_text().strip() if (cgroup / "memory.max").exists() else "max"
    return free if limit == "max" else min(free, int(limit) - int((cgroup / "memory.current").read_text()))


def check_clock(now: float) -> Check:
    """Check the wall clock: producers stamp records, and an event over a day ahead of its stamp is rejected."""
    installed = max(path.stat().st_mtime for path in Path(__file__).parent.glob("*.py"))
    shown = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    remedy = "" if now > installed - 86_400 else "Set the clock: it is behind the time at which Millrace was installed."
    return Check("clock", shown, remedy)


def check_port(host: str, port: int) -> Check:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        remedy = "Nothing to do if that is Millrace itself; otherwise choose another with --port or MILLRACE_PORT."
        return Check("http port", f"{host}:{port}: {error.strerror}", remedy, required=False)
    return Check("http port", f"{host}:{port} is free")
