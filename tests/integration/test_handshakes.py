"""HTTPS while clients connect and say nothing, to processes that may open few files: others are answered."""

import os
import resource
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from adapters.machine.children import free_port
from tests.kit.certificates import certificate
from tests.kit.places import ROOT
from tests.kit.serving import fill
from tests.kit.waiting import until

FILES = 720  # of which the server keeps most for stores, log and answers


@pytest.mark.parametrize("workers", ["1", "2"])
def test_silent_clients_of_https_take_no_place_from_those_that_speak(tmp_path: Path, workers: str) -> None:
    made, key = certificate(tmp_path)
    world, port, log = fill(tmp_path / "shop"), free_port(), tmp_path / "serve.log"
    own = {"MILLRACE_HOME": str(tmp_path / "shop"), "MILLRACE_KAFKA": "127.0.0.1:1", "MILLRACE_TLS_KEY": str(key)}
    env = {**os.environ, **own, "MILLRACE_TLS_CERTIFICATE": str(made)}
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    command = ["sh", "-c", f'ulimit -S -n {FILES}; exec "$@"', "sh", sys.executable, "-m", "millrace", "serve"]
    words = ["--port", str(port), "--workers", workers]
    assert hard == resource.RLIM_INFINITY or hard > FILES
    trusted, url = ssl.create_default_context(cafile=str(made)), f"https://127.0.0.1:{port}/api/v1/trending"
    with log.open("wb") as output, subprocess.Popen([*command, *words], stderr=output, env=env, cwd=ROOT) as parent:
        try:
            until(lambda: log.read_text().count("startup complete") == int(workers), why=log.read_text)
            with ExitStack() as stack:
                for _ in range(FILES):
                    stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                for _ in range(4):
                    assert httpx.get(url, verify=trusted, timeout=120).status_code == 200
            assert httpx.get(url, verify=trusted, timeout=120).status_code == 200
            assert "Too many open files" not in log.read_text()
        finally:
            parent.kill()
    world.batch.close()
    world.speed.close()
