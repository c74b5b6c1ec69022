"""Whether the API may start: it answers a network only with keys, or when somebody says that it shall do without."""

import ipaddress
import ssl
from dataclasses import replace
from pathlib import Path

from adapters.machine.home import prepare_home
from adapters.records.keys import read_keys
from adapters.settings import Settings
from adapters.settings.house_file import HouseFile
from adapters.stores.opened import batch_views
from schemas.errors import SettingsError, StoreUnavailable
from serving_layer.access.keyring import AUTO, OFF


def without_keys(settings: Settings, insecure: bool) -> Settings:
    """Return the settings with which the API answers everybody, if that is asked for."""
    return replace(settings, http=replace(settings.http, keys=OFF)) if insecure else settings


def is_local(host: str) -> bool:
    """Return whether only programs of this machine reach a server that listens at that address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_startable(settings: Settings, host: str, again: bool = False) -> None:
    """Raise SettingsError, which names the remedy, for whatever keeps the API from starting at that address.

    Args: again: it is a process of a server that has started, which has its last good house rules.
    """
    require_keys(settings, host)
    speaks_tls(settings)
    if settings.reading.business_rules and not again:
        HouseFile(Path(settings.reading.business_rules))


def require_keys(settings: Settings, host: str) -> None:
    """Raise SettingsError if anybody on a network could use the API at that address by mistake.

    A store that does not answer is no reason to stay down: until the keys are read, requests get 503.
    """
    if settings.http.keys != AUTO or is_local(host):
        return
    prepare_home(settings.home)
    try:
        there = bool(read_keys(batch_views(settings)).valid)
    except StoreUnavailable:
        return
    if not there:
        raise SettingsError(
            f"at {host} others than this machine would reach the API, and there is no key yet: make one by `millrace "
            "keys create NAME --role read`, or say --insecure to answer everybody without keys"
        )


def speaks_tls(settings: Settings) -> bool:
    """Return whether the API speaks HTTPS.

    Raises: SettingsError: a certificate without its key, or files that are none.
    """
    certificate, key = settings.http.tls_certificate, settings.http.tls_key
    if not certificate and not key:
        return False
    if not (certificate and key):
        raise SettingsError("HTTPS needs both settings, tls_certificate and tls_key: give the other one, too")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        why = error.strerror or error if isinstance(error, OSError) else error
        raise SettingsError(
            f"tls_certificate and tls_key cannot be used ({why}): name PEM files of a certificate and of its key "
            "without a password, which this user may read"
        ) from None
    return True
