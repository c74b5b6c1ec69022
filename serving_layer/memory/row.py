"""One version of a merged row in memory: the generation's value, what the segments add to it, and decoded forms."""

import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

DECODED = 4  # bytes of a packed row and of its decoded versions, for each packed one
ROW_BYTES = 400  # of a row beside its values: the objects that hold it
KEPT_VERSIONS = 4  # of a row, for answers that began before the last commits
MOST_DECODED = 4  # forms of one row
NOT_DECODED = object()

T = TypeVar("T")


class Row:
    """One version of a merged row; immutable but for what is remembered of it.

    ``generation``: the generation's value. ``changes``: what the segments (or the user's state) add to it at the commit
    ``since`` and, as long as the row is in the cache, at every later one; None: that is not known, only the generation.
    ``before``: the version that it replaced, which answers of earlier moments read. ``until``: the first commit after
    ``since`` that changed it, None as long as there is none. ``begun``: the columns of an earlier version's sums, and
    the packed changes since; None: nobody has made them lately.
    """

    __slots__ = (
        "_decoded", "_earlier", "_later", "asked", "before", "begun", "changes", "charged", "generation", "since",
        "until", "used", "weight",
    )  # fmt: skip

    def __init__(
        self, generation: bytes | None, changes: tuple[bytes, ...] | None, since: int, weight: int | None = None
    ) -> None:
        """Make a version. Args: weight: in bytes, as ``size`` counts it, where that is known."""
        self.generation, self.changes, self.since = generation, changes, since
        self.used, self.asked = True, time.monotonic()  # since the cache looked at it for eviction; when last
        self.before: Row | None = None
        self.until: int | None = None
        self.begun: tuple[tuple[Any, Any], tuple[bytes, ...]] | None = None
        self.charged = 0  # of the cache's bytes
        self.weight = ROW_BYTES + DECODED * sum(map(len, changes or ())) if weight is None else weight
        self._decoded: dict[Any, Any] | None = None
        self._earlier: Row | None = None
        self._later: Row | None = None

    @property
    def earlier(self) -> "Row":
        """The generation's value alone."""
        if self._earlier is None:
            self._earlier = Row(self.generation, (), self.since)
        return self._earlier

    @property
    def later(self) -> "Row":
        """The changes alone."""
        if self._later is None:
            self._later = Row(None, self.changes, self.since)
        return self._later

    @property
    def parts(self) -> list[bytes]:
        """The packed values to be merged, earlier first; none where there is no such row."""
        changes = self.changes or ()
        return [*changes] if self.generation is None else [self.generation, *changes]

    def decoded(self, decode: Callable[[list[bytes]], T], name: Hashable = None) -> T | None:
        """Return ``decode(parts)``, None for a row without parts; made once for each ``name``.

        Without a name, functions of one code are one: what they close over is that of the generation, as this row is.
        """
        key = getattr(decode, "__code__", decode) if name is None else name
        remembered = self._decoded
        if remembered is not None and key in remembered:
            value: T | None = remembered[key]
            return value
        parts = self.parts
        value = decode(parts) if parts else None
        few = {} if remembered is None or len(remembered) >= MOST_DECODED else remembered
        self._decoded = {**few, key: value}
        return value

    def remembered(self, name: Hashable) -> Any:
        """Return the decoded form of that name, ``NOT_DECODED`` where there is none yet."""
        return NOT_DECODED if self._decoded is None else self._decoded.get(name, NOT_DECODED)

    def forget(self) -> None:
        """Let decoded forms go: they take more than the packed ones, and each version has its own."""
        self._decoded = self._later = self.begun = None

    def followed_by(self, changes: tuple[bytes, ...], since: int, added: Sequence[bytes], most: int) -> "Row":
        """Return a later version. Args: added: to this one, packed.      most: of those that ``begun`` holds."""
        version, begun = Row(self.generation, changes, since, self.weight + DECODED * sum(map(len, added))), self.begun
        if begun is not None and len(begun[1]) + len(added) <= most:
            version.begun = begun[0], (*begun[1], *added)
        return version

    def with_changes(self, changes: tuple[bytes, ...]) -> "Row":
        """Return this version, whose changes are the same in fewer parts."""
        version, version.begun = Row(self.generation, changes, self.since), self.begun
        return version

    @property
    def size(self) -> int:
        """About how many bytes it takes with earlier versions, of which the last two may be decoded."""
        size, version = DECODED * len(self.generation or b""), self
        while version.before is not None:
            size += version.weight
            version = version.before
        return size + version.weight

    def replaces(self, version: "Row") -> "Row":
        """Return this row with that earlier version behind it, and at most ``KEPT_VERSIONS`` in all."""
        self.used, self.asked = version.used, version.asked
        if self.generation is version.generation:
            self._earlier = version._earlier
        if version.before is not None:
            version.before.forget()  # answers of the last moment alone may be many
        self.before = oldest = version if version.changes is not None else None
        for _ in range(KEPT_VERSIONS - 2):
            if oldest is None:
                return self
            oldest = oldest.before
        if oldest is not None:
            oldest.before = None
        return self
