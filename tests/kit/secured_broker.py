"""A broker that asks for a login over TLS, beside its open port, for tests of ``kafka_options``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from adapters.broker import process
from adapters.broker.home import BrokerHome
from adapters.machine.children import free_port
from adapters.machine.jars import jar_folder
from tests.kit.certificates import STORE_PASSWORD, key_store

USER, PASSWORD = "shop", 'se"cret'
SECURE = """\
ssl.keystore.location={store}
ssl.keystore.type=PKCS12
ssl.keystore.password={password}
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_shop="se\\\\"cret";
listener.name.secure.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


@dataclass(frozen=True)
class SecuredBroker:
    """Where it answers with a login, and the certificate that signed its own."""

    bootstrap: str
    authority: Path


@contextmanager
def secured_broker(home: Path) -> Iterator[SecuredBroker]:
    """A broker with a SASL_SSL listener for PLAIN and SCRAM-SHA-512, which knows ``USER`` by ``PASSWORD``."""
    files, port = BrokerHome(home.resolve()), free_port()
    files.folder.mkdir(parents=True)
    store, authority = key_store(home)
    listener = f",SECURE://127.0.0.1:{port}"
    lines = []
    for line in process.SERVER_PROPERTIES.splitlines():
        if line.startswith(("listeners=", "advertised.listeners=")):
            line += listener
        elif line.startswith("listener.security.protocol.map="):
            line += ",SECURE:SASL_SSL"
        lines.append(line)
    lock = os.open(home / "lock", os.O_CREAT | os.O_RDWR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            process, "SERVER_PROPERTIES", "\n".join([*lines, SECURE.format(store=store, password=STORE_PASSWORD)])
        )
        broker, announcement = process.start_broker(files, jar_folder("kafka"), lock)
    try:
        _know_by_scram(announcement.bootstrap)
        yield SecuredBroker(f"127.0.0.1:{port}", authority)
    finally:
        broker.stop(20)
        os.close(lock)


def _know_by_scram(bootstrap: str) -> None:
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    user = UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
    admin = AdminClient({"bootstrap.servers": bootstrap})  # a client that is gone answers nothing
    for altered in admin.alter_user_scram_credentials([user]).values():
        altered.result(120)
