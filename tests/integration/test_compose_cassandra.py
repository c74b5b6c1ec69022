"""Cassandra as docker-compose.yml runs it asks for a password, and the one that everybody knows is of no use."""

import re
from pathlib import Path

import pytest
from cassandra import AuthenticationFailed
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster, NoHostAvailable

from adapters.machine.children import free_port
from tests.kit.cassandra import cassandra_process
from tests.kit.places import ROOT
from tests.kit.scratch import scratch
from tests.kit.waiting import until

FOLDER = ROOT / "deploy" / "cassandra"
pytestmark = [pytest.mark.cassandra, pytest.mark.deep]


def run(port: int, user: str, password: str, statement: str) -> bool:
    """Whether a role of that name and password may do it."""
    cluster = Cluster(["127.0.0.1"], port=port, auth_provider=PlainTextAuthProvider(user, password))
    try:
        cluster.connect().execute(statement)
    except (NoHostAvailable, AuthenticationFailed):
        return False
    finally:
        cluster.shutdown()
    return True


def configured(home: Path, port: int) -> str:
    """The file of the container with places and ports of this test."""
    text = (FOLDER / "cassandra.yaml").read_text(encoding="utf-8")
    changes = {
        "/var/lib/cassandra": str(home), "rpc_address: 0.0.0.0": "rpc_address: 127.0.0.1",
        "broadcast_rpc_address: cassandra\n": "", "9042": str(port), "7001": str(free_port()), "7000": str(free_port()),
    }  # fmt: skip
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    return text


def test_the_roles_are_made_as_the_script_says() -> None:
    create, take = re.findall(r'"((?:CREATE|ALTER) ROLE [^"]+)"', (FOLDER / "login.sh").read_text(encoding="utf-8"))
    create = create.replace("$CASSANDRA_PASSWORD", "ours")
    port = free_port()
    with scratch("cassandra") as home:
        (home / "cassandra.yaml").write_text(configured(home, port), encoding="utf-8")
        with cassandra_process(port, home):
            assert not run(port, "millrace", "ours", "LIST ROLES")
            until(lambda: run(port, "cassandra", "cassandra", create))
            assert run(port, "millrace", "ours", take)
            until(lambda: not run(port, "cassandra", "cassandra", "LIST ROLES"))  # roles are kept for two seconds
            assert not run(port, "millrace", "theirs", "LIST ROLES")
            assert run(port, "millrace", "ours", "CREATE KEYSPACE k WITH replication = "
                       "{'class': 'SimpleStrategy', 'replication_factor': 1}")  # fmt: skip
