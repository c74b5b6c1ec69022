"""Which URL opens which store, what is refused, and servers that are down."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from adapters.machine.children import free_port
from adapters.stores import Book, masked, open_store
from adapters.stores.port import ViewStore
from schemas.errors import SettingsError, StoreUnavailable
from tests.kit.on_a_store import together
from tests.kit.places import ROOT
from tests.kit.waiting import least, seconds

CONTROL = Book("control")
SPEED = Book("speed", guarded=True)


class TestUrls:
    @pytest.mark.parametrize("url", ["", "views.sqlite", "mysql://root:secret@host/db", "SQLITE:///x", "memory://"])
    def test_an_unknown_scheme_is_refused_and_the_known_ones_are_named(self, url: str) -> None:
        with pytest.raises(SettingsError, match=r"sqlite:///.*redis://.*cassandra://") as refused:
            open_store(url)
        assert "secret" not in str(refused.value)

    @pytest.mark.parametrize(
        "url",
        [
            "sqlite://",
            "sqlite:///",
            "sqlite:///:memory:",
            "redis://user:secret@host:port/0",
            "redis://user:secret@host:6379/0?no_such_option=1",
            "redis://user:secret@host:6379/0?prefix=",
            "redis://user:secret@host:6379/0?prefix={speed}",
            "redis://user:secret@host:6379/0?prefix=a&prefix=b",
            "cassandra://user:secret@host",
            "cassandra://user:secret@host:port/views",
            "cassandra://user:secret@host/views;drop",
            "cassandra://user:secret@host/views?consistency=ONE",
            "cassandra://user:secret@host/views?replication=many",
            "cassandra://user:secret@host/views?dc=a'b",
            "cassandra://user:secret@host/views?tls=maybe",
        ],
    )
    def test_a_url_that_cannot_be_understood_is_refused_without_its_password(self, url: str) -> None:
        with pytest.raises(SettingsError, match=url.partition(":")[0]) as refused:
            open_store(url)
        assert "secret" not in str(refused.value)
        assert refused.value.__cause__ is None

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("redis://user:secret@host:6379/0", "redis://user:***@host:6379/0"),
            ("redis://:secret@host/0", "redis://:***@host/0"),
            ("redis://user:sec/r@t@host/0", "redis://user:***@host/0"),
            ("redis://host/0?db=1&password=secret", "redis://host/0?db=1&password=***"),
            ("redis://host:6379/0", "redis://host:6379/0"),
            ("cassandra://user:secret@a:1,b:2/views?dc=x", "cassandra://user:***@a:1,b:2/views?dc=x"),
            ("sqlite:////home/a:b@c/views.sqlite", "sqlite:////home/a:b@c/views.sqlite"),
        ],
    )
    def test_a_masked_url_hides_the_password_alone(self, url: str, shown: str) -> None:
        assert masked(url) == shown

    def test_a_relative_path_has_three_slashes_and_an_absolute_one_four(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        with closing(open_store("sqlite:///relative %20.sqlite")) as relative:
            monkeypatch.chdir(tmp_path / "elsewhere")  # a process may change its folder later
            relative.swap(CONTROL, None, b"r")
        with closing(open_store(f"sqlite:///{tmp_path}/relative %20.sqlite")) as absolute:
            assert absolute.record(CONTROL) == b"r"

    def test_a_lookup_in_sqlite_does_not_load_the_other_drivers(self, tmp_path: Path) -> None:
        code = (
            "import sys; from adapters.stores import Book, open_store;"
            f"open_store('sqlite:///{tmp_path}/v').record(Book('control'));"
            "assert not {'redis', 'cassandra'} & sys.modules.keys()"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


class TestServersThatAreDown:
    @pytest.fixture
    def silent_port(self) -> Iterator[int]:
        """Of a server that takes connections and never says a word, as one does that hangs."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    @pytest.mark.parametrize("scheme", ["redis://user:secret@127.0.0.1:{}/0", "cassandra://user:secret@127.0.0.1:{}/v"])
    @pytest.mark.parametrize("kind", ["absent", "silent"])
    def test_one_that_does_not_answer_is_unavailable_within_its_time(
        self, scheme: str, kind: str, silent_port: int
    ) -> None:
        port = silent_port if kind == "silent" else free_port()
        calls: dict[str, Callable[[ViewStore], object]] = {
            "record": lambda store: store.record(SPEED),
            "swap": lambda store: store.swap(SPEED, None, b"r1"),
            "put": lambda store: store.put(SPEED, {("s", b"k"): b"v"}, guard=b"r1"),
            "read": lambda store: store.read(SPEED, "s", [b"k"]),
            "scan": lambda store: list(store.scan(SPEED, "s")),
            "check": lambda store: store.check(),
        }

        def slowest() -> float:
            with closing(open_store(scheme.format(port), timeout_ms=300)) as store:
                return max(seconds(partial(refused, store, call)) for call in calls.values())

        def refused(store: ViewStore, call: Callable[[ViewStore], object]) -> None:
            with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}") as refusal:
                call(store)
            assert "secret" not in str(refusal.value)

        assert least(slowest, 1.5) < 1.5

    @pytest.mark.parametrize("scheme", ["redis://127.0.0.1:{}/0", "cassandra://127.0.0.1:{}/v"])
    def test_many_threads_do_not_wait_for_it_one_after_the_other(self, scheme: str, silent_port: int) -> None:
        def ask(store: ViewStore) -> None:
            with pytest.raises(StoreUnavailable):
                store.record(SPEED)

        def all_of_them() -> float:
            with closing(open_store(scheme.format(silent_port), timeout_ms=500)) as store:
                return seconds(lambda: together(*[lambda: ask(store)] * 12))

        assert least(all_of_them, 3) < 3
