"""The page's files as they are shipped: read once, named by one hash of their contents, compressed."""

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}
COMPRESSED = {"woff2"}  # by their format
START, MODULES = "index.html", "<!-- modules -->"
FOLDER = "page"  # of the paths below which files are served


@dataclass(frozen=True)
class File:
    """One file: its bytes, plain and compressed (None where that saves nothing), and its media type."""

    body: bytes
    zipped: bytes | None
    media_type: str

    @staticmethod
    def of(name: str, body: bytes) -> "File":
        """Return the file of that name."""
        kind = name.rpartition(".")[2]
        zipped = None if kind in COMPRESSED else gzip.compress(body, mtime=0)
        return File(body, zipped if zipped and len(zipped) < len(body) else None, MEDIA_TYPES[kind])


@dataclass(frozen=True)
class Files:
    """All files by name. ``version``: a hash of all of them, which is part of every path but the start page's."""

    version: str
    start: File
    by_name: Mapping[str, File]


@cache
def packaged() -> Files:
    """Return the files of this package."""
    texts = dict(sorted(_read(files("serving_layer.page").joinpath("static"))))
    digest = blake2b(digest_size=8)
    for name, body in texts.items():
        digest.update(b"%b %d " % (name.encode(), len(body)) + body)
    version = digest.hexdigest()
    start = File.of(START, _started(texts.pop(START).decode(), version, list(texts)).encode())
    return Files(version, start, {name: File.of(name, body) for name, body in texts.items()})


def _read(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read(entry, f"{prefix}{entry.name}/")
        elif entry.name.rpartition(".")[2] in MEDIA_TYPES:
            yield prefix + entry.name, entry.read_bytes()


def _started(page: str, version: str, names: list[str]) -> str:
    """Return the start page with its files by their versioned paths; all modules are fetched at once."""
    root = f"/{FOLDER}/{version}/"
    modules = [f'<link rel="modulepreload" href="{root}{escape(name)}">' for name in names if name.endswith(".js")]
    return page.replace(MODULES, "\n  ".join(modules)).replace("{root}", root)
