"""The least that an answer over HTTP costs here: one fixed text by uvicorn on uvloop, nothing around it."""

import sys
from typing import Any

import uvicorn

BODY = b'{"status":"alive"}'
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-length", b"%d" % len(BODY)), (b"content-type", b"application/json")],
}


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send(START)
        await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    uvicorn.run(
        hello, port=int(sys.argv[1]), http="httptools", loop="uvloop", lifespan="off", access_log=False,
        log_level="warning", proxy_headers=False, server_header=False,
    )  # fmt: skip
