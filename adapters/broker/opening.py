"""Opens the log that the settings name: a cluster, or the broker embedded in the home."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from adapters.broker.embedded import embedded_broker, why_it_ended
from adapters.log.client import TIMEOUT_SECONDS
from adapters.log.kafka_log import Log, Topics
from adapters.log.topic_state import require_sound_topics
from adapters.settings import Settings
from adapters.terminal.progress import waiting
from schemas.errors import LogUnavailable, NotReady


@contextmanager
def open_log(settings: Settings) -> Iterator[Log]:
    """Provide the log, with its topics created; an embedded broker runs at least until the end of the block.

    Raises:
        SettingsError: a person must install, free or permit something, or a topic's settings lose records.
        LogUnavailable: it does not answer.
    """
    with ExitStack() as stack:
        jars = Path(settings.engine.jars) if settings.engine.jars else None
        with nullcontext() if settings.log.kafka else waiting(f"starting the broker of {settings.home}"):
            bootstrap = settings.log.kafka or stack.enter_context(embedded_broker(settings.home, jars))
        log = Log(bootstrap, Topics.prefixed(settings.log.topic_prefix), settings.log.kafka_options)
        try:
            log.ensure_topics(settings.log.partitions, settings.log.retention_ms)
            _wait_until_known(log)
            require_sound_topics(log, settings.log.retention_ms)
            yield log
        except LogUnavailable as error:
            if not settings.log.kafka and (why := why_it_ended(settings.home)) is not None:
                raise why from error
            raise


def _wait_until_known(log: Log) -> None:
    """Wait until the broker knows the topics that its controller has just created, which takes a moment."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            log.identity()
            return
        except NotReady:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
