"""A burst of new clients waits for the API, and none of them is dropped."""

import socket
from contextlib import ExitStack, closing
from pathlib import Path

from adapters.machine.dealing import WAITING_CONNECTIONS
from millrace.running.serving import listening_at

BURST = 600
SYSTEM_LIMIT = Path("/proc/sys/net/core/somaxconn")


def test_clients_of_a_burst_all_connect_before_the_api_accepts_any() -> None:
    limit = int(SYSTEM_LIMIT.read_text()) if SYSTEM_LIMIT.exists() else BURST
    with ExitStack() as stack:
        server = stack.enter_context(closing(listening_at("127.0.0.1", 0)))
        for _ in range(min(BURST, limit, WAITING_CONNECTIONS)):  # one beyond the queue would wait and time out
            stack.enter_context(closing(socket.create_connection(server.getsockname(), timeout=60)))
