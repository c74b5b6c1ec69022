"""The file of a backup: a tar archive, compressed with zstd, whose last member lists every other with its SHA-256.

It is written and read as a stream. An archive that was cut, changed or made by another program shows it before its
end, and ``checked`` reads it to the end.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import pyarrow as pa

from schemas.errors import BadInput

FORM = 1
MANIFEST = "MANIFEST.json"
CHUNK_BYTES = 1 << 20

Reached = Callable[[int], None]  # takes the number of bytes so far


@dataclass(frozen=True)
class Manifest:
    """What an archive holds.

    ``parts``: each part of the installation in words. ``settings``: place -> value. ``left_out``: settings that say
    where things lie, or hold passwords. ``files``: name -> [bytes, SHA-256].
    """

    version: str
    made_at: int  # epoch ms
    parts: dict[str, str]
    settings: dict[str, Any]
    left_out: list[str]
    generation: str | None = None
    form: int = FORM
    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    @staticmethod
    def of(text: bytes) -> "Manifest":
        """Return what the last member says. Raises ValueError or TypeError for another text."""
        said = json.loads(text)
        if said.get("form") != FORM:
            raise ValueError(f"form {said.get('form')}")
        return Manifest(**{**said, "files": {name: (size, digest) for name, (size, digest) in said["files"].items()}})


class Archive:
    """An archive that is being written."""

    def __init__(self, tar: tarfile.TarFile, reached: Reached) -> None:
        self._tar, self._reached = tar, reached
        self.files: dict[str, tuple[int, str]] = {}
        self.bytes = 0

    def add(self, name: str, path: Path) -> None:
        """Add a file under a name; it must not change meanwhile."""
        with path.open("rb") as file:
            self._add(name, path.stat().st_size, file)

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a file that holds this."""
        self._add(name, len(content), io.BytesIO(content))

    def close(self, manifest: Manifest) -> None:
        """Add the manifest, which makes the archive whole."""
        text = json.dumps({**asdict(manifest), "files": self.files}, ensure_ascii=False).encode()
        self._tar.addfile(_entry(MANIFEST, len(text)), io.BytesIO(text))

    def _add(self, name: str, size: int, file: IO[bytes]) -> None:
        hashed = _Hashed(file)
        self._tar.addfile(_entry(name, size), hashed)
        self.files[name] = size, hashed.digest.hexdigest()
        self.bytes += size
        self._reached(self.bytes)


_DAMAGE = (tarfile.TarError, pa.ArrowException, EOFError, OSError)


class _Hashed(io.RawIOBase):
    """Reads a file, and the digest of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.digest.update(content)
        return content


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


@contextmanager
def written(file: IO[bytes], reached: Reached) -> Iterator[Archive]:
    """Provide an archive to fill; the block must close it by its manifest."""
    with (
        pa.CompressedOutputStream(pa.PythonFile(file, "w"), "zstd") as packed,
        tarfile.open(fileobj=packed, mode="w|", bufsize=CHUNK_BYTES) as tar,
    ):
        yield Archive(tar, reached)


def checked(path: Path, reached: Reached) -> Manifest:
    """Return the manifest of an archive after all of it was read and compared; writes nothing.

    Raises:
        BadInput: it is damaged, or no backup of Millrace.
    """
    digests: dict[str, tuple[int, str]] = {}
    for name, file in members(path, reached):
        if name == MANIFEST:
            manifest = _manifest(path, file.read())
            _compare(path, manifest.files, digests)
            return manifest
        digests[name] = _digest(file)
    raise _damaged(path, "its end is missing")


def members(path: Path, reached: Reached) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name and the content of each member in turn; a content must be read before the next is asked for.

    Raises:
        BadInput: it is damaged.
    """
    try:
        with (
            path.open("rb") as raw,
            pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd") as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|", bufsize=CHUNK_BYTES) as tar,
        ):
            for entry in tar:
                reached(raw.tell())
                content = tar.extractfile(entry) if entry.isreg() and _is_inside(entry.name) else None
                if content is None:
                    raise _damaged(path, f"{entry.name!r} is no file of a backup")
                yield entry.name, cast(IO[bytes], _Content(content, path))
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}") from None
    except _DAMAGE as error:
        raise _damaged(path, str(error) or type(error).__name__) from error


class _Content(io.RawIOBase):
    """Reads a member; what Arrow and tar raise there, in the reader's code, is damage, too."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__()
        self._file, self._path = file, path

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except _DAMAGE as error:
            raise _damaged(self._path, str(error) or type(error).__name__) from error


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts


def _digest(file: IO[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def _manifest(path: Path, text: bytes) -> Manifest:
    try:
        return Manifest.of(text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(path, f"its list of contents cannot be read ({error})") from error


def _compare(path: Path, listed: Mapping[str, tuple[int, str]], read: Mapping[str, tuple[int, str]]) -> None:
    for name in listed.keys() | read.keys():
        if listed.get(name) != read.get(name):
            raise _damaged(path, f"{name!r} is not as it was saved")


def _damaged(path: Path, why: str) -> BadInput:
    return BadInput(f"{path} is damaged, or no backup of Millrace ({why}); nothing was written: use another backup")
