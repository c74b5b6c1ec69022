"""Fills an archive: views through SQLite's own backup, log and lake file by file."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

from adapters.records.control import read_control
from adapters.settings import Settings
from adapters.settings.sources import Given
from adapters.stores.opened import batch_views
from adapters.terminal.progress import progress
from datasets.files.output import replacing
from millrace.backup.archive import Manifest, written
from millrace.backup.parts import BATCH, SPEED, kept_settings, parts_of
from millrace.backup.rest import at_rest
from schemas.errors import BadInput, NotReady, SettingsError

# The broker's own notes of a stop or of its threads: it makes them again, and one of them would be of another time.
_NOT_SAVED = {".lock"}


def save(settings: Settings, given: list[Given], archive: Path, now_ms: int, note: Callable[[str], None]) -> Manifest:
    """Write the archive, which appears whole or not at all; returns its manifest.

    Raises:
        NotReady: there is no installation yet.      SettingsError: something runs, or nothing lies on this machine.
    """
    parts = parts_of(settings)
    there = {name: path for name, path in parts.here.items() if path.exists()}
    if not there:
        raise _nothing(settings, bool(parts.elsewhere))
    _require_outside(archive, there)
    with at_rest(settings, now_ms), tempfile.TemporaryDirectory(prefix=".backup-", dir=archive.parent) as scratch:
        for name in (BATCH, SPEED):
            if name in there:
                there[name] = _copied(there[name], Path(scratch) / name)
        files = [named for name, path in there.items() for named in _files(name, path)]
        total = sum(path.stat().st_size for _, path in files)
        settings_kept, left_out = kept_settings(given)
        control = read_control(batch_views(settings))
        said = {name: f"saved, {path}" for name, path in there.items()} | parts.elsewhere
        manifest = Manifest(
            version("millrace"), now_ms, said, settings_kept, left_out, control.active if control else None
        )
        for sentence in parts.elsewhere.values():
            note(f"not in this backup: {sentence}")
        with replacing(archive) as file, progress("backing up", total) as reached, written(file, reached) as target:
            archive.with_name(archive.name + ".partial").chmod(0o600)
            for name, path in files:
                target.add(name, path)
            target.close(manifest)
    return manifest


def _nothing(settings: Settings, is_elsewhere: bool) -> NotReady | SettingsError:
    if is_elsewhere:
        return SettingsError(
            "nothing of this installation lies on this machine: save log, lake and stores by their own means "
            "(docs/take-your-data.md says how)"
        )
    return NotReady(f"there is nothing in {settings.home} yet: run `millrace up` and send events first")


def _require_outside(archive: Path, there: dict[str, Path]) -> None:
    """Refuse an archive inside what it saves: it would grow while it is read."""
    if archive.is_dir():
        raise BadInput(f"{archive} is a folder: name a file, such as {archive / 'millrace.tar.zst'}")
    archive.parent.mkdir(parents=True, exist_ok=True)
    for path in there.values():
        if archive.resolve().is_relative_to(path.resolve()):
            raise BadInput(f"{archive} lies inside {path}, which it saves: name a file elsewhere")


def _copied(source: Path, target: Path) -> Path:
    """Return a copy of a SQLite file at one moment, with what its write-ahead log holds."""
    try:
        with closing(sqlite3.connect(source)) as store, closing(sqlite3.connect(target)) as copy:
            store.backup(copy, pages=10_000)
    except sqlite3.DatabaseError as error:
        raise SettingsError(
            f"{source} cannot be copied into {target.parent.parent} ({error}): free some space there, or name a file "
            "on another disk"
        ) from error
    return target


def _files(name: str, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file of a part, with its name in the archive, in the order of the names."""
    if path.is_file():
        yield name, path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.name not in _NOT_SAVED:
            yield f"{name}/{file.relative_to(path).as_posix()}", file


def as_json(manifest: Manifest, archive: Path) -> dict[str, Any]:
    """Return what ``backup --json`` prints."""
    return {
        "archive": str(archive), "bytes": archive.stat().st_size, "generation": manifest.generation,
        "parts": manifest.parts, "settings_left_out": manifest.left_out,
    }  # fmt: skip
