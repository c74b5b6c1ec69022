"""A static table distilled from a sentence encoder: a vector for each piece of a word, whose mean stands for a text.

The encoder takes a millisecond or two per text and needs packages of its own; the table takes microseconds and needs
none, so serving finds an item by it as soon as its record is read. The pieces begin with the encoder's own vectors of
them. A linear map of their weighted mean is fitted to the encoder's vectors of the catalogue's texts, and the pieces
that occur there take up what the map leaves (Model2Vec, 2024, distils without texts; fitting to them comes nearer).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.text.wordpiece import UNKNOWN, pieces_of
from core.vectors.principal import Principal
from recommenders.dense import directed
from recommenders.port import Floats, Ints, Pieces
from recommenders.words.texts import text_of
from schemas.catalogue import Item

Matrix = NDArray[np.float32]

MOST_PIECES = 256  # of a text, as the encoder reads
FITTED_ON = 10_000  # texts at most
RARE = 0.3  # the share of texts at which a piece counts half
MAP_RIDGE, PIECE_RIDGE = 1e-3, 0.05
ROUNDS = 20  # of the conjugate gradients
NAMES, SHARES, SHORT, MEAN, DIRECTIONS = "pieces", "piece_shares", "piece_vectors", "piece_mean", "piece_directions"
ARRAYS = (NAMES, SHARES, SHORT, MEAN, DIRECTIONS)


@dataclass(frozen=True)
class StaticTable:
    """``vocabulary``: the number of each piece. ``shares``: how much each counts. ``short``: their short vectors.

    ``principal``: what the short vectors are short of.
    """

    vocabulary: Mapping[str, int]
    shares: Floats
    short: NDArray[np.float16]
    principal: Principal

    def of_item(self, item: Item) -> Floats | None:
        """Return the vector of what the record says, of length 1; None where it says nothing that has pieces."""
        return self.of(text_of(item))

    def of(self, text: str) -> Floats | None:
        """Return the vector of a text, of length 1; None for one without known pieces."""
        pieces = known_pieces(text, self.vocabulary)
        if not len(pieces):
            return None
        shares = self.shares[pieces] / self.shares[pieces].sum()
        short = shares @ self.short[pieces].astype(np.float64)
        return directed(self.principal.mean + self.principal.directions @ short)

    def arrays(self) -> dict[str, Any]:
        """Return the table as arrays by name."""
        names = [""] * len(self.shares)
        for name, number in self.vocabulary.items():
            names[number] = name
        letters = np.frombuffer("\n".join(names).encode("utf-8", "surrogatepass"), np.uint8)
        parts = (letters, self.shares, self.short, self.principal.mean, self.principal.directions)
        return dict(zip(ARRAYS, parts, strict=True))

    @staticmethod
    def read(arrays: Mapping[str, NDArray[Any]]) -> "StaticTable | None":
        """Return what ``arrays`` made; None where there is no table."""
        if NAMES not in arrays:
            return None
        names = arrays[NAMES].tobytes().decode("utf-8", "surrogatepass").split("\n")
        principal = Principal(arrays[MEAN], arrays[DIRECTIONS])
        return StaticTable({name: k for k, name in enumerate(names)}, arrays[SHARES], arrays[SHORT], principal)


def known_pieces(text: str, vocabulary: Mapping[str, int]) -> Ints:
    """Return the numbers of a text's pieces, without its ends and what the vocabulary does not know."""
    own = pieces_of(text, vocabulary, MOST_PIECES)[1:-1]
    return np.array([piece for piece in own if piece != vocabulary[UNKNOWN]], np.int64)


def distilled(pieces: Pieces, texts: Sequence[str], vectors: Matrix, width: int) -> StaticTable:
    """Return the table that comes nearest to the encoder's ``vectors`` of those texts. ``width``: of its vectors."""
    step = -(-len(texts) // FITTED_ON)
    vocabulary = {name: k for k, name in enumerate(pieces.names)}
    said = [known_pieces(text, vocabulary) for text in texts[::step]]
    spoken = np.array([k for k, own in enumerate(said) if len(own)], np.int64)
    wanted = vectors[::step][spoken].astype(np.float64)
    own = [said[k] for k in spoken.tolist()]
    shares = _shares(own, len(pieces.names))
    table = _fitted(_means(own, shares), pieces.vectors.astype(np.float64), wanted) if len(own) else pieces.vectors
    principal = Principal.fitted(table.astype(np.float32), width)
    return StaticTable(vocabulary, shares, principal.shortened(table.astype(np.float32)).astype(np.float16), principal)


def _shares(texts: Sequence[Ints], pieces: int) -> Floats:
    """Return how much each piece counts: less, the more of the texts have it (Arora et al. 2017)."""
    having = np.bincount(np.concatenate([np.unique(own) for own in texts] or [np.zeros(0, np.int64)]), minlength=pieces)
    return RARE / (RARE + having / max(len(texts), 1))


def _means(texts: Sequence[Ints], shares: Floats) -> Any:
    """Return each text as the shares of its pieces, which add up to 1: sparse, shape (texts, pieces)."""
    from scipy.sparse import csr_matrix

    row = np.repeat(np.arange(len(texts)), [len(own) for own in texts])
    piece = np.concatenate(texts)
    total = np.bincount(row, weights=shares[piece])
    return csr_matrix((shares[piece] / total[row], (row, piece)), shape=(len(texts), len(shares)))


def _fitted(means: Any, begins: Floats, wanted: Floats) -> Floats:
    """Return the pieces' vectors whose means are nearest to the wanted ones: mapped from ``begins``, then moved."""
    pooled = means @ begins
    centre, middle = pooled.mean(axis=0), wanted.mean(axis=0)
    inner = (pooled - centre).T @ (pooled - centre)
    ridge = MAP_RIDGE * np.trace(inner) / len(inner) + 1e-12
    mapped = np.linalg.solve(inner + ridge * np.eye(len(inner)), (pooled - centre).T @ (wanted - middle))
    table: Floats = (begins - centre) @ mapped + middle
    moves: Floats = means.T @ _solved(means, wanted - means @ table)
    return table + moves


def _solved(means: Any, wanted: Floats) -> Floats:
    """Return a with (M Mᵀ + ridge) a = wanted, nearly: by conjugate gradients, column by column."""
    out, rest = np.zeros_like(wanted), wanted.copy()
    along, size = rest.copy(), (rest**2).sum(axis=0)
    for _ in range(ROUNDS):
        moved = means @ (means.T @ along) + PIECE_RIDGE * along
        step = size / np.maximum((along * moved).sum(axis=0), 1e-30)
        out += step * along
        rest -= step * moved
        now = (rest**2).sum(axis=0)
        along, size = rest + now / np.maximum(size, 1e-30) * along, now
    return out
