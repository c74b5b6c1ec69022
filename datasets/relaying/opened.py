"""The relay that the command's options and the settings ask for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from adapters.kafka_options import checked
from adapters.log.bulk_appender import BulkAppender
from adapters.log.dead_letters import DeadLetter, bury
from adapters.log.kafka_log import DEAD_LETTER_BYTES, Log, Topics, as_record
from adapters.log.registry import SchemaRegistry
from adapters.log.source import Source
from adapters.settings import Settings
from datasets.decoding.decoders import decoder_of
from datasets.fields.acceptance import ImportOptions
from datasets.files.tally import Tally
from datasets.formats.known import mapping_named
from datasets.mapping.engine import Engine, adopted
from datasets.relaying.relay import Place, Plan, Relay
from datasets.relaying.transform import Message, Transform
from schemas.errors import BadInput, NotReady

MOST_KEPT = DEAD_LETTER_BYTES - (64 << 10)  # bytes of a record; the rest is for the headers that say why


class Target:
    """The topics ``events`` and ``relay-dlt`` of a log."""

    def __init__(self, log: Log, partitioner: str) -> None:
        self._log = log
        self._events = BulkAppender(log.bootstrap, partitioner, log.options)
        self._letters = log.appender()

    def append(self, events: list[dict[str, bytes]]) -> None:
        """Send events in their order."""
        self._events.append(self._log.topics.events, events)

    def bury(self, record: Message, reason: str) -> None:
        """Send a record as it was, with its place and the reason; not one that is a dead letter and stays one."""
        if record.topic() == self._log.topics.relay_dead_letters:
            return  # it is kept there already
        letter = fitting(DeadLetter(as_record(cast(Any, record)), reason, record.headers() or ()))
        bury(self._letters, self._log, letter, self._log.topics.relay_dead_letters)

    def flush(self) -> None:
        """Return once the broker has acknowledged all."""
        self._events.flush()
        self._letters.flush()

    def discard(self) -> None:
        """Give up what was not sent yet."""
        self._events.discard()


def fitting(letter: DeadLetter) -> DeadLetter:
    """Return the dead letter, without what its record holds if the topic would refuse it: its place stays named."""
    record = letter.record
    size = sum(map(len, filter(None, (record.key, record.value, *(value for _, value in letter.headers)))))
    if size <= MOST_KEPT:
        return letter
    reason = f"{letter.reason}; its {size:,} bytes are more than a dead letter holds, they are only in its own topic"
    return DeadLetter(replace(record, key=None, value=None), reason)


def opened_relay(
    settings: Settings, log: Log, topics: Sequence[str], options: Mapping[str, Any], say: Callable[[str], None]
) -> Relay:
    """Return the relay, once the source's topics are known to exist.

    Raises: BadInput for the mapping, NotReady for a topic that is not there, SettingsError, LogUnavailable.
    """
    mapping = mapping_named(options["mapping"], settings.home)
    if log.topics.events in topics:
        raise BadInput(f"{log.topics.events} is where the relay writes to: name other topics to read")
    engine_options = adopted(ImportOptions(kinds=settings.fold.kinds), mapping)
    engine = Engine(mapping, engine_options, Tally(), flat=mapping.format == "csv")
    registry = SchemaRegistry(mapping.registry) if mapping.registry else None
    transform = Transform(engine, decoder_of(mapping, registry))
    source = Log(options["source"], Topics(), checked(options["from_option"])) if options["source"] else log
    ends = _ends(source, topics)
    log.ensure_relay_dead_letters()
    group = options["group"] or f"millrace-relay-{settings.log.topic_prefix}{mapping.name}"
    say(f"relaying {', '.join(topics)} by the mapping {mapping.name}, group {group}")
    plan = Plan(topics, ends if options["available_now"] else None, max(1, settings.fold.remembered_ids // 2))
    return Relay(
        partial(Source, source.bootstrap, source.options, group, options["member"]),
        partial(Target, log, settings.log.partitioner),
        transform, plan, say,
    )  # fmt: skip


def _ends(source: Log, topics: Sequence[str]) -> dict[Place, int]:
    """Return where each partition ends now. Raises NotReady for a topic that does not exist."""
    ends: dict[Place, int] = {}
    for topic in topics:
        try:
            offsets = source.end_offsets(topic)
        except NotReady:
            raise NotReady(f"the cluster at {source.bootstrap} has no topic {topic}: name one that it has") from None
        ends |= {(topic, partition): offset for partition, offset in offsets.items()}
    return ends
