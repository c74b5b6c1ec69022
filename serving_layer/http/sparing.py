"""A log that stays readable when clients misbehave in numbers."""

import logging


class Sparing(logging.Filter):
    """Lets through a few records of one message in a while, then one with how many were left out."""

    def __init__(self, most: int = 5, seconds: float = 10.0) -> None:
        super().__init__()
        self._most, self._seconds = most, seconds
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is written."""
        key = (record.name, str(record.msg))
        began, count = self._seen.get(key, (record.created, 0))
        if record.created - began >= self._seconds:
            if count > self._most:
                record.msg = f"{record.msg} ({count - self._most:,} more like this were left out)"
            began, count = record.created, 0
        if len(self._seen) > 1_000:  # messages that differ each time
            self._seen.clear()
        self._seen[key] = (began, count + 1)
        return count < self._most
