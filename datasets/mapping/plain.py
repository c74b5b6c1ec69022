"""Finds the events that need no cleaning, which are nearly all: their texts are plain at a look or were seen before."""

from collections.abc import Iterable

from datasets.fields.acceptance import MAX_EVENT_ID, MAX_ID, OPTIONAL_TEXTS, ImportOptions, Json
from schemas.event import EARLIEST_EVENT_TIME_MS

_REMEMBERED = 200_000  # texts; users, items and categories repeat


class PlainTexts:
    """Knows texts that ``cleaned`` and ``check`` leave as they are.

    Args: fields: what events have besides the required fields.
    """

    def __init__(self, options: ImportOptions, fields: Iterable[str]) -> None:
        self._null, self._weighed = options.null, {kind for kind, by in options.kinds.items() if by == "value"}
        self._optional = [name for name in fields if name in OPTIONAL_TEXTS]
        self._known: set[str] = set()

    def are_plain(self, event: Json, own_id: bool) -> bool:
        """Return whether nothing is to be done with the event's texts, and no rating is to be checked.

        Args: own_id: the event's id was made here.
        """
        known, user, item = self._known, event["user_id"], event["item_id"]
        if type(user) is not str or type(item) is not str:
            return False
        if not ((user in known or self._learn(user)) and (item in known or self._learn(item))):
            return False
        if not (own_id or self._is_plain(event["event_id"], MAX_EVENT_ID)) or event["kind"] in self._weighed:
            return False
        for name in self._optional:
            text = event.get(name)
            if text is not None and (type(text) is not str or not (text in known or self._learn(text))):
                return False
        return True

    def _learn(self, text: str) -> bool:
        """Remember a text if it is plain; return whether it is."""
        if not self._is_plain(text, MAX_ID):
            return False
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        self._known.add(text)
        return True

    def _is_plain(self, text: object, most: int) -> bool:
        return (
            type(text) is str
            and 0 < len(text) <= most
            and text.isprintable()
            and text[0] not in ' "'
            and text[-1] != " "
            and text not in self._null
        )


def is_plain_time(event: Json, options: ImportOptions) -> bool:
    """Return whether the event's time is within the contract's range."""
    return bool(EARLIEST_EVENT_TIME_MS <= event["event_time"] <= options.latest_ms)
