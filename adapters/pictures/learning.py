"""From files to features: pictures in batches, each batch kept before the next, so that a run can be resumed."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from adapters.pictures.book import Book, Entry
from adapters.pictures.features import Network
from adapters.pictures.listing import Picture
from adapters.pictures.opening import BadPicture, Pixels, opened, squared

BATCH = 32  # pictures
AGAIN = "it cannot be read:"  # how the reasons begin that the next run asks again, as the file need not change for that


@dataclass
class Learned:
    """What became of pictures. ``skipped``: item, path and reason of each that has no features."""

    new: int = 0
    kept: int = 0
    skipped: list[tuple[str, str, str]] = field(default_factory=list)


def learn(
    pictures: Iterable[Picture], network: Network, book: Book, threads: int, reached: Callable[[int], None]
) -> Learned:
    """Write the features of pictures that are new or changed into the book; name those that cannot be read.

    Args: threads: that decode. ``reached`` is called with the number of pictures done.
    """
    learned, known, done = Learned(), book.stamps(), 0
    before = {item: why for item, _, why in book.unreadable()}
    with ThreadPoolExecutor(threads) as pool:
        for batch in _batches(pictures):
            fresh = []
            for picture in batch:
                path, stamp = str(picture.path.absolute()), _stamp(picture)
                if picture.why_not:
                    learned.skipped.append((picture.item, path, picture.why_not))
                elif known.get(picture.item) != (path, stamp):
                    fresh.append((picture, path, stamp))
                elif picture.item in before:
                    learned.skipped.append((picture.item, path, before[picture.item]))
                else:
                    learned.kept += 1
            _add(learned, fresh, network, book, pool)
            done += len(batch)
            reached(done)
    return learned


def _add(
    learned: Learned, fresh: list[tuple[Picture, str, str]], network: Network, book: Book, pool: ThreadPoolExecutor
) -> None:
    """Write the features of some pictures, and the reasons of those that have none."""
    pixels = list(pool.map(lambda entry: _pixels(entry[0], network.side), fresh))
    good = [place for place, entry in enumerate(pixels) if not isinstance(entry, str)]
    rows = iter(network.features([entry for entry in pixels if not isinstance(entry, str)])) if good else iter(())
    entries = []
    for (picture, path, stamp), entry in zip(fresh, pixels, strict=True):
        if isinstance(entry, str):
            entries.append(Entry(picture.item, path, "" if entry.startswith(AGAIN) else stamp, None, entry))
            learned.skipped.append((picture.item, path, entry))
        else:
            entries.append(Entry(picture.item, path, stamp, next(rows)))
            learned.new += 1
    book.write(entries)


def _pixels(picture: Picture, side: int) -> Pixels | str:
    """Return the prepared picture, or why there is none."""
    try:
        return squared(opened(picture.path), side)
    except BadPicture as error:
        return str(error)
    except OSError as error:
        return f"{AGAIN} {error.strerror}"


def _stamp(picture: Picture) -> str:
    try:
        about = picture.path.stat()
    except OSError:
        return ""
    return f"{about.st_size} {about.st_mtime_ns}"


def _batches(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    rest = iter(pictures)
    while batch := list(islice(rest, BATCH)):
        yield batch
