"""Stores over TLS that ask for a login let in the right one; a refusal is one sentence without secrets."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from adapters.machine.children import free_port, listening
from adapters.stores import Book, open_store
from schemas.errors import MillraceError
from tests.kit.cassandra import cassandra_process
from tests.kit.certificates import STORE_PASSWORD, certificate, key_store
from tests.kit.redis import redis_server
from tests.kit.scratch import scratch
from tests.kit.tls_front import tls_front
from tests.kit.waiting import until

BOOK, ROWS = Book("secured"), {("space", b"key"): b"value"}
SECURED = """
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
role_manager: CassandraRoleManager
client_encryption_options:
  enabled: true
  optional: false
  keystore: {store}
  keystore_password: {password}
  store_type: PKCS12
"""


def written_and_read(url: str) -> bool:
    """Whether a store at that address takes rows and gives them back."""
    with closing(open_store(url, timeout_ms=20_000)) as store:
        return store.put(BOOK, ROWS) and store.read(BOOK, "space", [b"key"]) == {b"key": b"value"}


def refused(url: str) -> str:
    """The sentence with which a store at that address is not there."""
    with closing(open_store(url, timeout_ms=20_000)) as store, pytest.raises(MillraceError) as said:
        store.read(BOOK, "space", [b"key"])
    assert "hunter2" not in str(said.value)
    return str(said.value)


@pytest.mark.redis
class TestRedis:
    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """Where a Redis with a user of its own answers over TLS alone, by a certificate that this process trusts."""
        made, key = certificate(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(made))
        with redis_server() as url:
            port = int(url.rpartition(":")[2])
            with Redis(port=port) as client:
                client.acl_setuser("shop", enabled=True, passwords=["+right"], keys=["*"], commands=["+@all"])
            with tls_front(port, made, key) as front:
                yield f"127.0.0.1:{front}"

    def test_the_right_login_over_tls_is_let_in(self, place: str) -> None:
        assert written_and_read(f"rediss://shop:right@{place}/0")

    def test_a_wrong_login_and_a_connection_without_tls_are_refused(self, place: str) -> None:
        assert place in refused(f"rediss://shop:hunter2@{place}/0")
        assert place in refused(f"redis://shop:hunter2@{place}/0")

    def test_a_certificate_that_nobody_vouches_for_is_refused(
        self, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "certificate" in refused(f"rediss://shop:hunter2@{place}/0").lower()


@pytest.mark.cassandra
@pytest.mark.deep
class TestCassandra:
    @pytest.fixture
    def node(self) -> Iterator[tuple[str, Path]]:
        """Where a node with TLS and PasswordAuthenticator answers, and the certificate that vouches for it."""
        port = free_port()
        with scratch("cassandra") as home:
            store, authority = key_store(home)
            more = SECURED.format(store=store, password=STORE_PASSWORD)
            with cassandra_process(port, home, more, listening):
                yield f"127.0.0.1:{port}", authority

    def test_the_right_login_is_let_in_and_all_else_is_refused(
        self, node: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place, authority = node
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        good = f"cassandra://cassandra:cassandra@{place}/secured?tls=true"

        def let_in() -> bool:  # its first role exists some seconds after it listens
            try:
                return written_and_read(good)
            except MillraceError:
                return False

        until(let_in)
        assert "127.0.0.1" in refused(f"cassandra://cassandra:hunter2@{place}/secured?tls=true")
        assert "127.0.0.1" in refused(f"cassandra://{place}/secured?tls=true")
        assert "127.0.0.1" in refused(f"cassandra://cassandra:hunter2@{place}/secured")
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "127.0.0.1" in refused(f"cassandra://cassandra:hunter2@{place}/secured?tls=true")
