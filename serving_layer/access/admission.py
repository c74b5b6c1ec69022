"""Whether one request may pass: its key is valid, has the role and is within its rate."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core.access.keys import READ, Key, id_of
from core.access.rates import Rate, Window
from serving_layer.access.keyring import Keyring
from serving_layer.access.shared import SharedWindow, SharedWindows

Headers = list[tuple[bytes, bytes]]

TOKEN_HEADERS = (b"x-api-key", b"authorization")
NO_KEY = "this needs an API key: send the header 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"
WRONG_KEY = "this API key is not valid: it is mistyped, or was revoked; `millrace keys list` shows the valid ones"


class Refused(Exception):
    """The request does not pass: a status, a sentence and headers."""

    def __init__(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, why)
        self.status, self.why, self.headers = status, why, headers or {}


@dataclass
class Admission:
    """Decides about requests. ``rate``: of keys without one of their own.      ``clock``: seconds, never going back.

    ``shared``: the windows of all processes of the server; None: this one is alone.
    """

    keyring: Keyring
    rate: Rate | None
    clock: Callable[[], float] = time.monotonic
    shared: SharedWindows | None = None
    _windows: dict[str, tuple[str, Window | SharedWindow]] = field(default_factory=dict)

    def key_for(self, token: str | None, needed: str | None) -> Key | None:
        """Return the key that the request's token proves; None where none is needed.

        Raises: Refused: no key or no valid one (401), one without the role (403), or keys cannot be read (503).
        """
        if needed is None or not self.keyring.required:
            return None
        if token is None:
            raise Refused(401, NO_KEY, {"WWW-Authenticate": "Bearer"})
        known = self.keyring.known
        if known is None:
            raise Refused(503, f"keys cannot be read: {self.keyring.why_unknown}", {"Retry-After": "2"})
        key = known.keys.get(id_of(token) or "")
        if key is None or not key.proves(token):
            raise Refused(401, WRONG_KEY, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if not key.admits(needed):
            raise Refused(403, f"the key {key.name!r} has the role {key.role}, and this needs {needed}")
        return key

    def may_read(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Return whether a request with those headers, which was admitted before, still would be."""
        try:
            self.key_for(token_in(headers), READ)
        except Refused:
            return False
        return True

    def has_room(self, key: Key | None) -> bool:
        """Return whether the key's rate allows one more request, without counting it."""
        window = self._window(key)
        return window is None or window.used(self.clock()) + 1 <= window.rate.count

    def take(self, key: Key | None) -> bool:
        """Count a request of the key; return whether its rate allows it."""
        window = self._window(key)
        return window is None or window.take(self.clock())

    def headers(self, key: Key | None) -> Headers:
        """Return what the key's owner learns of its rate."""
        window = self._window(key)
        if window is None:
            return []
        now, rate = self.clock(), window.rate
        left, reset = window.left(now), rate.seconds - int(now % rate.seconds)
        return [
            (b"ratelimit-limit", b"%d" % rate.count), (b"ratelimit-remaining", b"%d" % left),
            (b"ratelimit-reset", b"%d" % reset), (b"ratelimit-policy", b"%d;w=%d" % (rate.count, rate.seconds)),
        ]  # fmt: skip

    def too_many(self, key: Key) -> Refused:
        """Return the refusal of a key that has used up its rate."""
        window = self._window(key)
        assert window is not None
        again = window.seconds_until_one(self.clock())
        why = f"the key {key.name!r} has used up its {window.rate.count:,} requests in {window.rate.seconds:,} s"
        return Refused(429, f"{why}: try again in {again} s", {"Retry-After": str(max(1, again))})

    def _window(self, key: Key | None) -> Window | SharedWindow | None:
        if key is None:
            return None
        entry = self._windows.get(key.id)
        if entry is None or entry[0] != key.rate:
            rate = Rate.of(key.rate) or self.rate
            if rate is None:
                return None
            shared = self.shared.window(f"{key.id} {rate}", rate) if self.shared else None
            entry = self._windows[key.id] = key.rate, shared or Window(rate)
        return entry[1]


def token_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the key that a request's headers, with names in lower case, hold; None without one."""
    for name, value in headers:
        if name == b"x-api-key":
            return value.decode("latin-1").strip()
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].decode("latin-1").strip()
    return None
