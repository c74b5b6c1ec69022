"""The events of the demo: a month of a synthetic shop, then a rush that must appear in the answers."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.machine.home import prepare_home
from adapters.settings import Settings
from schemas.errors import MillraceError

if TYPE_CHECKING:
    from adapters.log.kafka_log import Log
    from datasets.synthetic.generator import World
    from serving_layer.reading.views import Views

LIVE_EVENTS = 400
LIVE_SPAN_MS = 60_000
MOVED_WITHIN_SECONDS = 60.0


def generate(settings: Settings, world: "World") -> tuple[Path, Path]:
    import msgspec

    from adapters.terminal.progress import progress
    from datasets.files.output import write_lines
    from datasets.synthetic.generator import generate_events

    prepare_home(settings.home)
    events, items = settings.home / "events.jsonl", settings.home / "items.jsonl"
    with progress("generating", world.settings.events):
        write_lines(events, map(msgspec.json.encode, generate_events(world.settings, world)))
    write_lines(items, map(msgspec.json.encode, world.items()))
    return events, items


def produce(log: "Log", settings: Settings, events: Path, catalogue: Path) -> None:
    from adapters.terminal.progress import progress
    from datasets.sending.lines import key_reader, send_lines

    appender = log.appender(settings.log.partitioner)
    for path, topic, field in ((events, log.topics.events, "user_id"), (catalogue, log.topics.items, "item_id")):
        lines = path.read_bytes().splitlines()
        with progress(path.stem, len(lines)) as reached:
            for sent in send_lines(lines, appender.append, topic, key_reader(field)):
                if sent.lines % 1_000 == 0:
                    reached(sent.lines)
            appender.flush()


def settled(views: "Views", log: "Log") -> None:
    """Wait until the speed layer has applied everything in the log."""
    from core.control.boundaries import reaches
    from serving_layer.reading.answering import answer

    end = log.end_offsets()
    until(lambda: answer(views, lambda s: s.position is not None and reaches(s.offsets, end)))


def move(
    log: "Log", settings: Settings, views: "Views", world: "World", say: Callable[[str], None], of: tuple[str, str]
) -> None:
    """Produce the rush, wait until the answers show it, and report after how many seconds they changed."""
    import msgspec

    from datasets.synthetic.generator import Burst, live_events
    from serving_layer.answers import lookups
    from serving_layer.merged.catalogue import Page
    from serving_layer.reading.answering import answer

    item, user = of
    rushed = world.item_ids[-1]
    name, page = item.encode(), Page(n=1000)
    now = time.time_ns() // 1_000_000
    burst = Burst([rushed, item])
    events = list(live_events(world, 1, LIVE_EVENTS, (now - LIVE_SPAN_MS, now), burst))
    for number, bought in enumerate((item, rushed)):
        event = {"event_id": f"demo-{number}", "event_time": now, "kind": "purchase", "user_id": user}
        events.append(event | {"item_id": bought})

    def neighbour() -> float | None:
        neighbours = answer(views, lambda s: lookups.similar(s, name, page))["items"]
        return next((row["co_rating"] for row in neighbours if row["item_id"] == rushed), None)

    before = neighbour()
    appender = log.appender(settings.log.partitioner)
    rows = [(event["user_id"].encode(), msgspec.json.encode(event)) for event in events]
    appender.append_all(log.topics.events, rows)
    acknowledged = time.monotonic()
    until(lambda: neighbour() != before)
    seconds = time.monotonic() - acknowledged
    say(f"similar({item}): co-rating with {rushed} went from {before} to {neighbour()} after {seconds:.1f} s")
    settled(views, log)
    say(f"every answer held all of them {time.monotonic() - acknowledged:.1f} s after the acknowledgement")


def until(holds: Callable[[], bool]) -> None:
    """Wait until ``holds()`` is true.

    Raises:
        MillraceError: it was not within ``MOVED_WITHIN_SECONDS``.
    """
    deadline = time.monotonic() + MOVED_WITHIN_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise MillraceError(f"no answer changed within {MOVED_WITHIN_SECONDS:g} s; run `millrace doctor`")
        time.sleep(0.05)
