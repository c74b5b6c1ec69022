"""Every part of the installation: whether it answers, how fast, and what to do where it does not."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adapters.records.books import SPEED
from adapters.records.control import read_control
from adapters.settings import Settings
from schemas.errors import MillraceError
from serving_layer.answers.status import speed_layer
from serving_layer.reading.views import Views

if TYPE_CHECKING:
    from adapters.log.kafka_log import Log

UP, SLOW, OFF, DOWN = "up", "slow", "off", "down"
SLOW_SECONDS = 0.25  # a part that takes longer to answer one small question holds up answers
LITTLE_ROOM = 2 << 30  # bytes
START_SPEED = "`millrace speed run` or `millrace up` starts one"


@dataclass(frozen=True)
class Part:
    """One part. ``milliseconds``: that one small question took, None where none was asked; ``remedy``: empty if well.

    ``state`` is up, slow, off (nobody started it) or down (it does not answer).
    """

    part: str
    state: str
    says: str
    remedy: str = ""
    milliseconds: float | None = None


def parts(views: Views, settings: Settings, open_log: "Callable[[], Log]", now_ms: int) -> dict[str, Any]:
    """Return all parts. Asks stores and log; takes as long as the slowest that does not answer."""
    return {"parts": [asdict(part) for part in _parts(views, settings, open_log, now_ms)]}


def _parts(views: Views, settings: Settings, open_log: "Callable[[], Log]", now_ms: int) -> Iterator[Part]:
    yield _asked("log", lambda: _log_says(open_log()), "start the broker, or see `millrace doctor`")
    of_batch, of_speed = settings.batch_views_url.scheme, settings.speed_views_url.scheme
    yield _asked("batch views", lambda: _batch_says(views, of_batch), "start the store, or see `millrace doctor`")
    yield _asked("speed views", lambda: _speed_says(views, of_speed), "start the store, or see `millrace doctor`")
    yield _speed_layer(speed_layer(views, now_ms, settings.speed.lease_ms))
    moment = views.current()
    held = f"{len(moment.memory.index):,} item names in memory" if moment else "nothing is followed yet"
    yield Part(
        "answers", UP if moment else SLOW, held, "" if moment else "answers read the stores themselves meanwhile"
    )
    yield _disk(settings)


def _asked(name: str, ask: Callable[[], str], remedy: str) -> Part:
    began = time.perf_counter()
    try:
        says = ask()
    except MillraceError as error:
        return Part(name, DOWN, str(error), remedy, 1000 * (time.perf_counter() - began))
    seconds = time.perf_counter() - began
    if seconds > SLOW_SECONDS:
        return Part(name, SLOW, says, "it takes long to answer: look at its machine's load", 1000 * seconds)
    return Part(name, UP, says, "", 1000 * seconds)


def _log_says(log: "Log") -> str:
    ends = log.end_offsets()
    return f"{log.bootstrap}, {len(ends)} partitions, {sum(ends.values()):,} records so far"


def _batch_says(views: Views, kind: str) -> str:
    control = read_control(views.batch)
    return f"{kind}, " + ("empty" if control is None else f"generations kept: {len(control.generations)}")


def _speed_says(views: Views, kind: str) -> str:
    return f"{kind}, " + ("empty" if views.speed.record(SPEED) is None else "holds a position")


def _speed_layer(sign: dict[str, Any]) -> Part:
    if sign["alive"] is None:
        return Part("speed layer", DOWN, "its store does not answer", "see the speed views")
    if not sign["alive"]:
        return Part("speed layer", OFF, "no sign of life", START_SPEED)
    return Part("speed layer", UP, f"runs as {sign['owner']}")


def _disk(settings: Settings) -> Part:
    if not settings.home.is_dir():
        return Part("disk", OFF, "the home does not exist yet")
    usage = shutil.disk_usage(settings.home)
    says = f"{usage.free / 1e9:,.1f} of {usage.total / 1e9:,.1f} GB free in {settings.home}"
    low = usage.free < LITTLE_ROOM
    return Part("disk", SLOW if low else UP, says, "make room: a full disk stops the broker" if low else "")
