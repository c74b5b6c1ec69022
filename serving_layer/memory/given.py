"""Whole answers of one moment: whoever asks the same again, while it is current, gets the same bytes."""

from typing import Any

MOST_ANSWERS, MOST_BYTES = 1_000, 16_000  # of one moment, and of one body

Answer = tuple[dict[str, Any], bytes]


class Given:
    """Answers and their bodies by what was asked. Threads may share it."""

    def __init__(self) -> None:
        self._answers: dict[bytes, tuple[object, Answer]] = {}

    def of(self, asked: bytes, under: object) -> Answer | None:
        """Return the answer that was given to this under the same object of rules, if it is kept."""
        kept = self._answers.get(asked)
        return kept[1] if kept is not None and kept[0] is under else None

    def keep(self, asked: bytes, under: object, answer: dict[str, Any], body: bytes) -> None:
        """Keep a whole answer in place of one under earlier rules; one that lacks a part may be whole the next time."""
        is_room = len(self._answers) < MOST_ANSWERS or asked in self._answers
        if not answer["degraded"] and len(body) <= MOST_BYTES and is_room:
            self._answers[asked] = under, (answer, body)
