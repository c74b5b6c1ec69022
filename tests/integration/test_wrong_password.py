"""A store that refuses the password is reported in one sentence, without the password."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from redis import Redis

from adapters.stores import Book, open_store
from millrace.__main__ import main
from schemas.errors import MillraceError
from tests.kit.redis import redis_server

pytestmark = pytest.mark.redis


def test_a_wrong_password_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server() as url:
        with Redis.from_url(url) as client:
            client.config_set("requirepass", "right")
        monkeypatch.setenv("MILLRACE_HOME", str(tmp_path))
        place = url.removeprefix("redis://")
        for login in (":hunter2@", "me:hunter2@", ""):
            for key in ("SPEED_VIEWS", "BATCH_VIEWS"):
                with monkeypatch.context() as context:
                    context.setenv(f"MILLRACE_{key}", f"redis://{login}{place}/0")
                    for words in (["status"], ["history", "u"], ["generations"], ["trending"], ["rollback"]):
                        done = CliRunner().invoke(main, words)
                        assert isinstance(done.exception, SystemExit | None), (words, done.exception)
                        assert "hunter2" not in done.output
                        assert "Traceback" not in done.output
                        if done.exit_code:
                            assert done.output.count("\n") == 1, done.output
                            assert done.output.startswith("millrace: ")
        with Redis.from_url(url, password="right") as client:
            client.config_set("requirepass", "")


def test_a_user_of_its_own_is_let_in_by_the_right_password_alone() -> None:
    with redis_server() as url:
        with Redis.from_url(url) as client:
            client.acl_setuser("shop", enabled=True, passwords=["+right"], keys=["*"], commands=["+@all"])
            client.acl_setuser("default", enabled=True, reset_passwords=True, passwords=["+other"])
        place, book = url.removeprefix("redis://"), Book("acl")
        store = open_store(f"redis://shop:right@{place}/0")
        assert store.put(book, {("space", b"key"): b"value"})
        assert store.read(book, "space", [b"key"]) == {b"key": b"value"}
        store.close()
        for login in ("shop:hunter2@", "default:hunter2@", ""):
            refused = open_store(f"redis://{login}{place}/0")
            with pytest.raises(MillraceError) as said:
                refused.read(book, "space", [b"key"])
            assert "hunter2" not in str(said.value)
            refused.close()
        with Redis.from_url(f"redis://default:other@{place}") as client:  # as the server was, for who ends it
            client.acl_setuser("default", enabled=True, nopass=True)
