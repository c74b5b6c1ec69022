"""Candidates that stay the same until their user acts again or another generation serves."""

import threading
from collections import OrderedDict

from recommenders.port import Candidates, Question, Scorer

MOST_BYTES = 64 << 20
ENTRY_BYTES = 16_000  # of one user's candidates beside their columns: what their reasons are computed from


class KeptCandidates:
    """What scorers ``of_user_alone`` answered in one generation, at most ``most_bytes``. Threads may share it.

    A row in memory is decoded once, so a history and a standing set are the same objects while their rows stand.
    """

    def __init__(self, generation: str | None, most_bytes: int = MOST_BYTES) -> None:
        self.generation, self.bytes = generation, 0
        self._most = most_bytes
        # Whatever an answer follows from is kept beside it, so that no other object gets its id.
        self._kept: OrderedDict[tuple[int, ...], tuple[tuple[object, ...], Candidates]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, scorer: Scorer, question: Question, most: int) -> Candidates:
        """Return ``scorer.candidates(question, most)``, computed once for the same rows of the user.

        Args: question: about no item beside the best.
        """
        given = scorer, question.history, question.standing
        key = (*map(id, given), most)
        if (kept := self._kept.get(key)) is not None:
            return kept[1]
        candidates = scorer.candidates(question, most)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = given, candidates
                self.bytes += _size(candidates)
            while self.bytes > self._most:
                self.bytes -= _size(self._kept.popitem(last=False)[1][1])
        return candidates


def _size(candidates: Candidates) -> int:
    return ENTRY_BYTES + sum(column.nbytes for column in candidates.columns)
