"""What a process opens once and keeps: engine workers live through many tasks, so connections should too."""

from functools import cache

from adapters.settings import Settings
from adapters.stores import open_store
from adapters.stores.port import ViewStore
from core.settings import StoreUrl


@cache
def store(url: str | StoreUrl, timeout_ms: int) -> ViewStore:
    """Return the view store at that address, opened at first use."""
    return open_store(url, timeout_ms=timeout_ms)


def batch_views(settings: Settings) -> ViewStore:
    """Return the store of generations and of the control record."""
    return store(settings.batch_views_url, settings.stores.timeout_ms)


def speed_views(settings: Settings) -> ViewStore:
    """Return the store of segments, live histories, the position and the catalogue."""
    return store(settings.speed_views_url, settings.stores.timeout_ms)
