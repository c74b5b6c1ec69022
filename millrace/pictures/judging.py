"""How well pictures find pictures of their class: precision@5 per class, beside a histogram of colours."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapters.pictures.features import Features, Network
from adapters.pictures.histogram import colour_histogram
from adapters.pictures.listing import PATH, listed_pictures
from adapters.pictures.opening import BadPicture, Pixels, opened, squared
from core.vectors.nearest import DISTANCES, Vectors, nearest, unit
from core.vectors.principal import Principal
from schemas.errors import BadInput

TOP = 5
BATCH = 32
BASELINE = "colour histogram"


@dataclass(frozen=True)
class Looked:
    """Pictures with their classes: features of the network, and histograms."""

    classes: list[str]
    features: Features
    histograms: Features
    skipped: list[tuple[str, str]]


def looked_at(folder: Path, network: Network, threads: int, reached: Callable[[int], None]) -> Looked:
    """Return all pictures below a folder; the class is the name of the folder that a picture lies in.

    Raises: BadInput: there is none that can be read.
    """
    classes, features, histograms, skipped = list[str](), list[Features](), list[Features](), list[tuple[str, str]]()
    paths = [picture.path for picture in listed_pictures(folder, PATH)]
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(paths), BATCH):
            batch = paths[first : first + BATCH]
            good = list[Pixels]()
            for path, seen in zip(batch, pool.map(lambda path: _seen(path, network.side), batch), strict=True):
                if isinstance(seen, str):
                    skipped.append((str(path), seen))
                    continue
                classes.append(path.parent.name)
                good.append(seen[0])
                histograms.append(seen[1])
            features += [network.features(good)] if good else []
            reached(first + len(batch))
    if not classes:
        raise BadInput(f"{folder} has no picture that can be read: name a folder with a folder per class")
    return Looked(classes, np.concatenate(features), np.stack(histograms), skipped)


def judged(known: Looked, asked: Looked, dimensions: int) -> dict[str, Any]:
    """Return precision@5 by ranking: over all queries, as the mean of classes, and per class."""
    principal = Principal.fitted(unit(known.features), dimensions)
    short = [principal.shortened(unit(looked.features)) for looked in (known, asked)]
    rankings = {distance: (short[0], short[1], distance) for distance in DISTANCES}
    models = {**rankings, BASELINE: (known.histograms, asked.histograms, DISTANCES[0])}
    return {
        "queries": len(asked.classes),
        "pictures": len(known.classes),
        "skipped": len(known.skipped) + len(asked.skipped),
        "models": {name: _precision(known.classes, asked.classes, *given) for name, given in models.items()},
    }


def _precision(
    known: Sequence[str], asked: Sequence[str], rows: Features, queries: Features, distance: str
) -> dict[str, Any]:
    vectors, classes, wanted = Vectors.of(rows), np.array(known), np.array(asked)
    nearby = [classes[nearest(vectors, query, TOP, distance).rows] for query in queries]
    hits = np.array([(row == name).mean() for row, name in zip(nearby, asked, strict=True)])
    by_class = {name: round(float(hits[wanted == name].mean()), 4) for name in sorted(set(asked))}
    mean = float(np.mean(list(by_class.values())))
    return {f"precision@{TOP}": round(float(hits.mean()), 4), "mean of classes": round(mean, 4), "classes": by_class}


def rows_of(report: dict[str, Any]) -> Iterator[tuple[str, list[float]]]:
    """Yield each line of the report as a table: a class and its precision by ranking, the means first."""
    models = report["models"].values()
    yield "all queries", [model[f"precision@{TOP}"] for model in models]
    yield "mean of classes", [model["mean of classes"] for model in models]
    for name in next(iter(models))["classes"]:
        yield name, [model["classes"][name] for model in models]


def _seen(path: Path, side: int) -> tuple[Pixels, Features] | str:
    try:
        image = opened(path)
        return squared(image, side), colour_histogram(image)
    except BadPicture as error:
        return str(error)
