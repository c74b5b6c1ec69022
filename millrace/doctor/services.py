"""Checks of the configured services for ``millrace doctor``: whether each address is valid and answers."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from urllib.parse import urlsplit

from adapters.settings import Settings
from adapters.stores import open_store
from core.text.masking import masked
from millrace.doctor.check import Check
from schemas.errors import SettingsError

CONNECT_SECONDS = 2.0
DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "cassandra": 9042, "spark": 7077}


def check_services(settings: Settings) -> Iterator[Check]:
    """Check that each configured service accepts a TCP connection; embedded services need none."""
    if settings.log.kafka:
        yield check_reach("kafka", _servers(settings.log.kafka))
    services = {
        "batch_views": settings.batch_views_url.reveal(),
        "speed_views": settings.speed_views_url.reveal(),
        "spark_master": settings.engine.master,
    }
    for key, url in services.items():
        if port := DEFAULT_PORTS.get(url.partition("://")[0]):
            yield check_address(key, url, port)
        elif key != "spark_master" and (refused := _refused(key, url)):
            yield refused


def check_collector(settings: Settings) -> Iterator[Check]:
    """Check that traces can be made and that their collector answers; without it only traces are lost."""
    endpoint = settings.tracing.endpoint
    if not endpoint:
        return
    if find_spec("opentelemetry.sdk") is None:
        yield Check("tracing_endpoint", "its packages are not installed", "Run pip install 'millrace[tracing]'.")
    collector = _address(endpoint, 443 if endpoint.startswith("https") else 80)
    yield replace(check_reach("tracing_endpoint", [collector]), required=False)


def _servers(kafka: str) -> list[tuple[str, int]]:
    return [_address(f"kafka://{server.strip().rpartition('://')[2]}", 9092) for server in kafka.split(",")]


def check_address(key: str, url: str, default_port: int) -> Check:
    """Check that the setting's address is valid and one of its servers accepts a connection."""
    if key != "spark_master" and (refused := _refused(key, url)):
        return refused
    try:
        scheme, netloc = urlsplit(url)[:2]
        hosts = netloc.rpartition("@")[2].split(",")
        return check_reach(key, [_address(f"{scheme}://{host}", default_port) for host in hosts])
    except ValueError:
        return Check(key, masked(url), f"Correct the address in MILLRACE_{key.upper()}: its port is not a number.")


def _refused(key: str, url: str) -> Check | None:
    """Return the failed check of an address that the store does not accept, or None."""
    try:
        open_store(url).close()
    except SettingsError as error:
        return Check(key, str(error), f"Correct the address in MILLRACE_{key.upper()}.")
    return None


def _address(url: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or default_port


def check_reach(key: str, addresses: list[tuple[str, int]]) -> Check:
    """Check that one of the addresses answers: clients find the others by it. ``key``: the setting's."""
    reasons = []
    for host, port in addresses:
        try:
            socket.create_connection((host, port), CONNECT_SECONDS).close()
            return Check(key, f"{host}:{port} answers")
        except OSError as error:
            reasons.append(f"{host}:{port}: {error.strerror or error}")
    return Check(key, "; ".join(reasons), f"Start it, or correct its address in MILLRACE_{key.upper()}.")
