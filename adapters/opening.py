"""Opens the log that the settings name: a cluster, or the broker embedded in the home."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from adapters.broker import embedded_broker
from adapters.log import Log, Topics
from adapters.settings import Settings


@contextmanager
def open_log(settings: Settings) -> Iterator[Log]:
    """The log with its topics there; an embedded broker runs at least until the end of the block.

    Raises:
        SettingsError: a person must install, free or permit something.      LogUnavailable: it does not answer.
    """
    with ExitStack() as stack:
        jars = Path(settings.jars) if settings.jars else None
        bootstrap = settings.kafka or stack.enter_context(embedded_broker(settings.home, jars))
        log = Log(bootstrap, Topics.prefixed(settings.topic_prefix), settings.kafka_options)
        log.ensure_topics(settings.partitions, settings.retention_ms)
        yield log
