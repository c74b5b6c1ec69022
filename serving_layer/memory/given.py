"""Whole answers of one moment: whoever asks the same again, while it is current, gets the same bytes."""

from typing import Any

MOST_ANSWERS, MOST_BYTES = 1_000, 16_000  # of one moment, and of one body

Answer = tuple[dict[str, Any], bytes]


class Given:
    """Answers and their bodies by what was asked. Threads may share it."""

    def __init__(self) -> None:
        self._answers: dict[bytes, Answer] = {}

    def of(self, asked: bytes) -> Answer | None:
        """Return the answer that was given to this, if it is kept."""
        return self._answers.get(asked)

    def keep(self, asked: bytes, answer: dict[str, Any], body: bytes) -> None:
        """Keep a whole answer; one that lacks a part may be whole the next time."""
        if not answer["degraded"] and len(body) <= MOST_BYTES and len(self._answers) < MOST_ANSWERS:
            self._answers[asked] = answer, body
