"""Who may ask: a web page of somebody else must neither write to an installation nor read from it.

A browser sends any page's requests to 127.0.0.1. ``Origin`` names the page that writes. A page that reads by DNS
rebinding is of the same origin, but its ``Host`` is the rebound name: an address that is a number cannot be rebound.
"""

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from fastapi.middleware.cors import CORSMiddleware

from adapters.settings import Settings
from serving_layer.http.exchange import EXPOSED
from serving_layer.http.methods import App, Scope
from serving_layer.http.problems import refusal

HOSTS_KEPT = 256
EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - addresses to compare with; addresses that mean all of a machine's
DEFAULT_PORTS = {"http": 80, "https": 443}
ALLOWED_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
ALLOWED_HEADERS = ("Content-Type", "Authorization", "X-API-Key", "X-Request-Id")


def listed_in(setting: str) -> list[str]:
    """Return the entries of a comma-separated setting, in lower case."""
    return [entry.strip().lower() for entry in setting.split(",") if entry.strip()]


def own_hosts(settings: Settings) -> Callable[[str], bool]:
    """Return whether a ``Host``, in lower case, names this server; what it said of the last ones is kept."""
    patterns = ["localhost", "*.localhost", *listed_in(settings.http.allowed_hosts)]
    if settings.http.host not in EVERYWHERE:
        patterns.append(settings.http.host.lower())

    @lru_cache(HOSTS_KEPT)
    def is_ours(host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return _is_number(name) or any(_fits(name.removesuffix("."), pattern) for pattern in patterns)

    return is_ours


class Guard:
    """Refuses requests for a host that is not this one (421) and requests of foreign pages (403)."""

    def __init__(self, app: App, settings: Settings) -> None:
        self._app, self._is_ours = app, own_hosts(settings)
        self._origins = listed_in(settings.http.allowed_origins)
        self._shared = CORSMiddleware(
            app, allow_origins=self._origins, allow_methods=ALLOWED_METHODS, allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED,
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host, origin = _text(headers.get(b"host")), _text(headers.get(b"origin"))
        if host is not None and not self._is_ours(host):
            await _wrong_host(host)(scope, receive, send)
            return
        if origin is None or (host is not None and _is_same(origin, host)):
            await self._app(scope, receive, send)
            return
        if origin not in self._origins and "*" not in self._origins:
            await _wrong_origin(origin)(scope, receive, send)
            return
        await self._shared(scope, receive, send)


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1").lower()


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _fits(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in (name, "*")


def _is_same(origin: str, host: str) -> bool:
    """Return whether a page of that origin came from this host; behind a proxy the scheme may differ."""
    try:
        page, ours = urlsplit(origin), urlsplit(f"//{host}")
        port = DEFAULT_PORTS.get(page.scheme)
        return port is not None and (page.hostname, page.port or port) == (ours.hostname, ours.port or port)
    except ValueError:
        return False


def _wrong_host(host: str) -> Any:
    why = f"this server does not answer for the host {host[:300]!r}: add its name to the setting allowed_hosts"
    return refusal(421, f"{why} (MILLRACE_ALLOWED_HOSTS), or use its address in numbers")


def _wrong_origin(origin: str) -> Any:
    why = f"pages of {origin[:300]!r} may not use this server"
    return refusal(403, f"{why}: add that origin to the setting allowed_origins (MILLRACE_ALLOWED_ORIGINS)")
