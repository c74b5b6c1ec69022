"""The setting ``kafka_options``: checks options of librdkafka and translates them for Java's client, which Spark uses.

Both clients must agree on whom they trust and as whom they log in. So an option that only one of them understands is
refused by name. Options that only tune librdkafka are not passed on.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.settings import nearest
from schemas.errors import SettingsError

SECURITY = {
    "security.protocol", "sasl.mechanism", "sasl.username", "sasl.password", "ssl.ca.location", "ssl.ca.pem",
    "ssl.certificate.location", "ssl.certificate.pem", "ssl.key.location", "ssl.key.pem", "ssl.key.password",
    "ssl.keystore.location", "ssl.keystore.password", "ssl.endpoint.identification.algorithm",
    "enable.ssl.certificate.verification",
}  # fmt: skip
# The same name and meaning in both clients.
SHARED = {
    "client.rack", "client.dns.lookup", "connections.max.idle.ms", "metadata.max.age.ms", "reconnect.backoff.ms",
    "reconnect.backoff.max.ms", "request.timeout.ms",
}  # fmt: skip
# These tune librdkafka; they do not decide whom it connects to.
ONLY_HERE = re.compile(
    r"client\.id|socket\..+|broker\.(address|version)\..+|topic\.metadata\..+|queue\.buffering\..+|queued\..+|linger\.ms"
    r"|batch\..+|compression\..+|message\..+|max\.in\.flight.*|fetch\..+|receive\..+|retry\.backoff.*|api\.version\..+"
    r"|allow\.auto\.create\.topics|delivery\.timeout\.ms|debug|log_level|statistics\.interval\.ms"
)
ALIASES = {"sasl.mechanisms": "sasl.mechanism", "metadata.broker.list": "bootstrap.servers"}
ELSEWHERE = {
    "bootstrap.servers": "the setting kafka names the servers",
    "sasl.jaas.config": "give sasl.mechanism, sasl.username and sasl.password",
    "ssl.truststore.location": "give ssl.ca.location, a PEM file",
    "ssl.truststore.certificates": "give ssl.ca.pem",
    "ssl.cipher.suites": "Java has other names for them",
}
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_PKCS8 = ("-----BEGIN PRIVATE KEY-----", "-----BEGIN ENCRYPTED PRIVATE KEY-----")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def checked(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the options as librdkafka takes them: nested tables become names with dots, aliases become the main name.

    Raises:
        SettingsError: names the option that is unknown or that one client does not understand; never shows a value.
    """
    options: dict[str, str] = {}
    for name, value in _flat(given).items():
        key = ALIASES.get(name, name)
        if key in options:
            raise SettingsError(f"kafka_options: '{name}' and another name of it are both given: keep one")
        _require_known(key)
        if not isinstance(value, str | int | float):
            raise SettingsError(f"kafka_options: '{name}' must be text, not {type(value).__name__}")
        options[key] = str(value).lower() if isinstance(value, bool) else str(value)
    _check_login(options)
    _check_trust(options)
    return options


def java_options(options: Mapping[str, str]) -> dict[str, str]:
    """Return the options for Java's client; ``options`` come from ``checked``.

    Raises:
        SettingsError: a file that they name cannot be read or has a form that Java does not accept.
    """
    java = {name: value for name, value in options.items() if name in SHARED}
    if "security.protocol" in options:
        java["security.protocol"] = options["security.protocol"]
    if "sasl.mechanism" in options:
        java["sasl.mechanism"] = options["sasl.mechanism"]
        java["sasl.jaas.config"] = _login(options)
    if "ssl.endpoint.identification.algorithm" in options:
        algorithm = options["ssl.endpoint.identification.algorithm"]
        java["ssl.endpoint.identification.algorithm"] = "" if algorithm == "none" else algorithm
    return java | _trusted(options) | _own_certificate(options)


def _flat(given: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return the options by their full names: TOML reads ``sasl.username = "x"`` as a table in a table."""
    flat: dict[str, Any] = {}
    for name, value in given.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {before + name: value}
    return flat


def _require_known(key: str) -> None:
    if key in SECURITY or key in SHARED or ONLY_HERE.fullmatch(key):
        return
    shown = key if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", key) else "****"  # it may be a value in the place of a name
    if key in ELSEWHERE:
        raise SettingsError(f"kafka_options takes no '{shown}': {ELSEWHERE[key]}")
    if shown != key:
        raise SettingsError("kafka_options: a name is not an option of librdkafka; its names look like sasl.username")
    raise SettingsError(f"kafka_options: '{shown}' is unknown, or Spark has no such option: {nearest(key, SECURITY)}")


def _check_login(options: dict[str, str]) -> None:
    """Put protocol and mechanism in capitals, and require name and password with a mechanism."""
    for name, known in (("security.protocol", PROTOCOLS), ("sasl.mechanism", MECHANISMS)):
        if name in options:
            options[name] = options[name].upper()
            if options[name] not in known:
                raise SettingsError(f"kafka_options: '{name}' must be {' or '.join(known)}")
    login = {"sasl.mechanism", "sasl.username", "sasl.password"} & options.keys()
    if len(login) not in (0, 3):
        missing = sorted({"sasl.mechanism", "sasl.username", "sasl.password"} - login)
        raise SettingsError(f"kafka_options: {' and '.join(sorted(login))} need(s) {' and '.join(missing)}, too")
    if login and not options.get("security.protocol", "").startswith("SASL_"):
        raise SettingsError("kafka_options: a login needs 'security.protocol' SASL_SSL (or SASL_PLAINTEXT)")
    if not login and options.get("security.protocol", "").startswith("SASL_"):
        raise SettingsError("kafka_options: SASL needs sasl.mechanism, sasl.username and sasl.password")


def _check_trust(options: dict[str, str]) -> None:
    if options.get("enable.ssl.certificate.verification", "true").lower() != "true":
        raise SettingsError(
            "kafka_options: 'enable.ssl.certificate.verification' can only be true, as Spark always checks "
            "certificates: name the authority's file in ssl.ca.location"
        )
    if options.get("ssl.endpoint.identification.algorithm", "https") not in ("https", "none"):
        raise SettingsError("kafka_options: 'ssl.endpoint.identification.algorithm' must be https or none")
    for first, second in (("ssl.ca.location", "ssl.ca.pem"), ("ssl.key.location", "ssl.key.pem")):
        if first in options and second in options:
            raise SettingsError(f"kafka_options: give {first} or {second}, not both")


def _login(options: Mapping[str, str]) -> str:
    """Return a line of JAAS, in whose quoted strings a backslash is an escape."""
    scram = options["sasl.mechanism"].startswith("SCRAM")
    module = "scram.ScramLoginModule" if scram else "plain.PlainLoginModule"
    user, password = (_quoted(options[name]) for name in ("sasl.username", "sasl.password"))
    return f"org.apache.kafka.common.security.{module} required username={user} password={password};"


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


def _trusted(options: Mapping[str, str]) -> dict[str, str]:
    if "ssl.ca.pem" in options:
        return {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": options["ssl.ca.pem"]}
    location = options.get("ssl.ca.location", "probe")
    if location == "probe":  # both clients trust what the system trusts
        return {}
    path = Path(location).absolute()
    if path.is_dir():
        raise SettingsError("kafka_options: 'ssl.ca.location' is a folder, which Spark cannot read: join its files")
    _read(path, "ssl.ca.location")
    return {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(path)}


def _own_certificate(options: Mapping[str, str]) -> dict[str, str]:
    """Return the client's certificate, for servers that ask for one. Read here: the engine's other machines lack it."""
    if "ssl.keystore.location" in options:
        store = {
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": str(Path(options["ssl.keystore.location"]).absolute()),
        }
        password = options.get("ssl.keystore.password")
        return store | ({"ssl.keystore.password": password, "ssl.key.password": password} if password else {})
    chain, key = _pem(options, "ssl.certificate"), _pem(options, "ssl.key")
    if chain is None and key is None:
        return {}
    if chain is None or key is None:
        raise SettingsError("kafka_options: a certificate needs its key, and a key its certificate")
    if not any(begin in key for begin in _PKCS8):
        raise SettingsError("kafka_options: Spark takes the key in PKCS #8 only: convert it by `openssl pkcs8 -topk8`")
    java = {"ssl.keystore.type": "PEM", "ssl.keystore.certificate.chain": chain, "ssl.keystore.key": key}
    password = options.get("ssl.key.password")
    return java | ({"ssl.key.password": password} if password else {})


def _pem(options: Mapping[str, str], name: str) -> str | None:
    location = options.get(f"{name}.location")
    return options.get(f"{name}.pem") if location is None else _read(Path(location), f"{name}.location")


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a PEM file"
        raise SettingsError(f"kafka_options: the file of '{name}' cannot be read: {why}") from None
