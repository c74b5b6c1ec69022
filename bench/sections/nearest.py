"""Search among many vectors: an index by cells against all of them, by processor time and by what it finds.

The vectors are made: middles from a normal distribution, points around them, lengths that vary, so that there are
neighbours to be found, as among real features. Queries are points of the same kind that are not in the index.
"""

import time

import numpy as np

from bench.setting import SEED, Findings, machine
from core.vectors.cells import indexed
from core.vectors.nearest import DISTANCES, Matrix, Nearest, Vectors, nearest, recall

PER_MIDDLE = 200
TOP = 10


def run(vectors: int = 1_000_000, width: int = 64, queries: int = 100) -> dict[str, object]:
    """Return seconds of making an index, milliseconds of a search, and recall@10 against the exact answer."""
    findings = Findings({"machine": machine(), "vectors": vectors, "numbers of each": width})
    random = np.random.default_rng(SEED)
    middles = random.normal(size=(max(1, vectors // PER_MIDDLE), width)).astype(np.float32)
    rows, asked = (_around(middles, count, random) for count in (vectors, queries))
    plain = Vectors.of(rows)
    for distance in DISTANCES:
        began = time.process_time()
        made = indexed(rows, distance, SEED, exact_up_to=0)
        findings |= {f"{distance}: making the index, processor s": round(time.process_time() - began, 1)}
        exact, exact_ms = _searched(plain, asked, distance)
        by_cells, ms = _searched(made, asked, distance)
        shares = [recall(one, other) for one, other in zip(by_cells, exact, strict=True)]
        findings |= {
            f"{distance}: a search by cells, processor ms": ms,
            f"{distance}: a search of all, processor ms": exact_ms,
            f"{distance}: recall@{TOP}": round(float(np.mean(shares)), 3),
        }
    return findings


def _around(middles: Matrix, count: int, random: np.random.Generator) -> Matrix:
    width = middles.shape[1]
    points = middles[random.integers(0, len(middles), count)]
    points = points + 0.6 * random.normal(size=(count, width)).astype(np.float32)
    return np.asarray(points * random.lognormal(0, 0.3, (count, 1)), np.float32)


def _searched(vectors: Vectors, asked: Matrix, distance: str) -> tuple[list[Nearest], list[float]]:
    """Return the answers, and the median and the greatest milliseconds of one."""
    answers, spent = list[Nearest](), list[float]()
    for query in asked:
        began = time.process_time()
        answers.append(nearest(vectors, query, TOP, distance))
        spent.append(1_000 * (time.process_time() - began))
    return answers, [round(float(np.median(spent)), 2), round(max(spent), 2)]
