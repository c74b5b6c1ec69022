"""What a server waits for before it takes its first request."""

import asyncio

from core.ranking.kernels import READABLE
from serving_layer.reading.views import Views

MOST_SECONDS = 3.0  # loading compiled code takes half a second; while it is being made, the readable twin answers
LOOK_SECONDS = 0.02


async def warmed(views: Views) -> None:
    """Return once answers are computed by compiled code, or after ``MOST_SECONDS``."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + MOST_SECONDS
    while views.kernels is READABLE and loop.time() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
