"""View stores: ``open_store`` is the one way to get one, by URL.

The URL's scheme chooses: ``sqlite:///relative/path`` or ``sqlite:////absolute/path``,
``redis://[user:password@]host:port/db[?prefix=name]`` (``rediss`` with TLS), and
``cassandra://[user:password@]host:port[,host:port]/keyspace[?replication=3&dc=name&tls=true]``.
"""

from urllib.parse import urlsplit

from adapters.stores.port import Book, Rows, ViewStore
from adapters.stores.timed import TimedStore
from core.settings import StoreUrl
from core.text.masking import masked
from schemas.errors import SettingsError

__all__ = ["Book", "Rows", "ViewStore", "masked", "open_store"]


def open_store(address: str | StoreUrl, *, timeout_ms: int = 2000) -> ViewStore:
    """Return the store at that address; cheap, since it connects when first used (and again when a server comes back).

    Args:
        timeout_ms: a request that takes longer raises ``StoreUnavailable``.
    Raises: SettingsError when the URL does not name a store.
    """
    url = address.reveal() if isinstance(address, StoreUrl) else address
    if url.partition("://")[0] in ("redis", "rediss", "cassandra"):
        _require_whole_login(url)
    scheme = url.partition("://")[0]
    return TimedStore(_opened(url, timeout_ms), "redis" if scheme == "rediss" else scheme)


def _opened(url: str, timeout_ms: int) -> ViewStore:
    # Drivers are imported here only: a lookup in SQLite should not wait for Redis' and Cassandra's (0.1 and 0.3 s).
    match url.partition("://")[0]:
        case "sqlite":
            from adapters.stores.sqlite import SqliteStore

            return SqliteStore.at(url, timeout_ms)
        case "redis" | "rediss":
            from adapters.stores.redis import RedisStore

            return RedisStore.at(url, timeout_ms)
        case "cassandra":
            from adapters.stores.cassandra import CassandraStore

            return CassandraStore.at(url, timeout_ms)
    raise SettingsError(f"No view store is known for {masked(url)!r}: use sqlite:///…, redis://… or cassandra://…")


def _require_whole_login(url: str) -> None:
    """Refuse a login that ends before the ``@``, as with a bare ``/``: what follows it would be shown as an address."""
    try:
        broken = "@" in url.replace(urlsplit(url).netloc, "", 1)
    except ValueError:
        broken = True
    if broken:
        raise SettingsError(
            f"The address {masked(url)} cannot be understood: in a user or password write / as %2F, @ as %40, ? as %3F "
            "and # as %23"
        )
