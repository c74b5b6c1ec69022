"""Checks and conversions of single settings; each takes the setting's name, for messages, and the value."""

import re
from collections.abc import Mapping
from typing import Any

from adapters.kafka_options import checked
from core.access.rates import Rate
from core.experiments.assignment import experiments_of
from core.settings import SecretOptions, StoreUrl, nearest
from recommenders import TABLE
from schemas.errors import SettingsError
from schemas.rules import OPTIONAL_DIMENSIONS

_SERVERS = re.compile(r"(?:[A-Z_]+://)?(?:\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(?::\d{1,5})?", re.ASCII)
_COLLECTOR = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::\d{1,5})?(/[^\s?#@]*)?", re.ASCII)
EVERY_SOURCE = "all"
WRITE_SERVERS = "write host:port, separated by commas; logins belong in kafka_options"


def servers(name: str, value: str) -> str:
    """Return the servers of a cluster; raises SettingsError for anything that is not host:port."""
    if value and not all(_SERVERS.fullmatch(server.strip()) for server in value.split(",")):
        raise SettingsError(f"setting {name} cannot be understood: {WRITE_SERVERS}")
    return value


def options(_: str, value: Mapping[str, Any]) -> SecretOptions:
    """Return the checked options, which mask themselves."""
    return SecretOptions(checked(value))


def url(_: str, value: str) -> StoreUrl:
    """Return the address of a store, which masks itself."""
    return StoreUrl(value)


def retention(name: str, value: int) -> int:
    """Return a retention in milliseconds; -1 means without limit."""
    if value < 1 and value != -1:
        raise SettingsError(f"setting {name} must be positive, or -1 for no limit")
    return value


def kinds(_: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the kinds with weights that are in range; without any kind no event would be accepted."""
    if not value:
        raise SettingsError("setting kinds names no kind, so every event would be rejected: name some, or leave it out")
    for kind, weight in value.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool) and 0 <= weight <= 1_000_000
        if not number and weight not in ("value", "remove"):
            raise SettingsError(f'kind \'{kind}\': a weight is a number from 0 to 1,000,000, "value" or "remove"')
    return value


def dimensions(name: str, value: str) -> str:
    """Return what activity is counted by, separated by commas, in the one order that a fingerprint knows."""
    given = {part.strip() for part in value.split(",")} - {"", "all"}
    if unknown := sorted(given - set(OPTIONAL_DIMENSIONS)):
        near = nearest(unknown[0], OPTIONAL_DIMENSIONS)
        raise SettingsError(f"setting {name}: unknown dimension {unknown[0]!r}: {near}")
    return ",".join(dimension for dimension in OPTIONAL_DIMENSIONS if dimension in given)


def sources(name: str, value: str) -> str:
    """Return names of recommenders, separated by commas, or ``EVERY_SOURCE``."""
    if value.strip() == EVERY_SOURCE:
        return EVERY_SOURCE
    for source in value.split(","):
        if source.strip() and source.strip() not in TABLE:
            raise SettingsError(f"setting {name}: unknown source {source.strip()!r}: {nearest(source.strip(), TABLE)}")
    return value


def experiments(_: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the tables of experiments; raises SettingsError where one of them is none."""
    experiments_of(value, TABLE)
    return value


def origins(name: str, value: str) -> str:
    """Return the origins, which are addresses without a path or a login."""
    for origin in value.split(","):
        if not re.fullmatch(r"\s*(\*|https?://[^/\s]+)?\s*", origin):
            raise SettingsError(f"setting {name}: write {origin.strip()!r} as https://host or http://host:port")
    return value


def collector(name: str, value: str) -> str:
    """Return the whole address that traces are posted to."""
    if not value:
        return value
    match = _COLLECTOR.fullmatch(value)
    if match is None:
        raise SettingsError(f"setting {name} cannot be understood: write http://host:port or https://host:port")
    return value if match[1] not in (None, "/") else f"{value.removesuffix('/')}/v1/traces"


def rate(name: str, value: str) -> str:
    """Return the text of a rate; raises SettingsError for any other."""
    try:
        Rate.of(value)
    except SettingsError as error:
        raise SettingsError(f"setting {name}: {error}") from None
    return value
