"""A store that refuses the password is reported in one sentence, without the password."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from redis import Redis

from millrace.__main__ import main
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
