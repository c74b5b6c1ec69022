"""API keys: long random texts of which only digests are kept.

A key's text is ``mlr_<id>_<secret>``. The id finds the key, and the digest of the whole text proves it. The secret has
256 random bits, so that a fast digest suffices: nobody can try them out.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, replace

from schemas.errors import BadInput
from schemas.records import from_json, to_json

READ, WRITE, ADMIN = "read", "write", "admin"
ROLES = (READ, WRITE, ADMIN)  # each may do what those before it may do
MAX_NAME = 100
_TOKEN = re.compile(r"mlr_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Key:
    """One key as it is stored; ``rate`` is empty for the one of the settings, ``revoked_at`` None while it is valid."""

    id: str
    name: str
    role: str
    digest: str
    created_at: int  # epoch ms
    rate: str = ""
    revoked_at: int | None = None  # epoch ms

    def admits(self, needed: str) -> bool:
        """Return whether the key's role includes that one."""
        return ROLES.index(self.role) >= ROLES.index(needed)

    def proves(self, token: str) -> bool:
        """Return whether the token is this key's text; takes as long for every token."""
        return hmac.compare_digest(self.digest, digest(token))


@dataclass(frozen=True)
class Keys:
    """All keys of an installation, revoked ones included: once there was one, the API asks for one."""

    version: int = 0
    writer: str = ""
    keys: tuple[Key, ...] = ()

    def to_json(self) -> bytes:
        return to_json(self)

    @staticmethod
    def from_json(text: bytes | None) -> "Keys":
        return Keys() if text is None else from_json(Keys, text)

    @property
    def valid(self) -> dict[str, Key]:
        """The keys that are not revoked, by id."""
        return {key.id: key for key in self.keys if key.revoked_at is None}

    def with_key(self, key: Key) -> "Keys":
        """Return these keys and one more."""
        return replace(self, keys=(*self.keys, key))

    def without(self, named: str, now: int) -> "Keys":
        """Return these keys with one of them revoked.

        Args: named: the key's id, or its name where only one valid key has it.      now: epoch ms.
        Raises: BadInput: no valid key is meant, or several are.
        """
        meant = [key for key in self.valid.values() if named in (key.id, key.name)]
        if len(meant) != 1:
            why = "there is no valid key" if not meant else f"{len(meant)} valid keys are called"
            raise BadInput(f"{why} {named!r}: name one by its id, `millrace keys list` shows them")
        return replace(
            self, keys=tuple(replace(key, revoked_at=now) if key.id == meant[0].id else key for key in self.keys)
        )


def token_of(key_id: str, secret: str) -> str:
    """Return the text that proves a key. Args: key_id: 8 hexadecimal digits.      secret: 43 letters of base64url."""
    return f"mlr_{key_id}_{secret}"


def id_of(token: str) -> str | None:
    """Return the id in a key's text; None where it is no such text."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else match[1]


def digest(token: str) -> str:
    """Return what is stored of a key's text."""
    return hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def checked_name(name: str) -> str:
    """Return the name of a key. Raises BadInput for one that a list cannot show."""
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise BadInput(f"a key's name has 1 to {MAX_NAME} printable characters")
    return name
