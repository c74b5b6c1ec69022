"""The catalogue as the log holds it: what the batch layer learns from, whatever the stores have applied of it."""

from adapters.log.kafka_log import Log
from core.events.catalogue import parse_item
from schemas.catalogue import Item
from schemas.event import Rejected


def item_records(log: Log) -> dict[bytes, Item]:
    """Return the newest acceptable record of each item that was not deleted, up to the topic's end."""
    topic, newest = log.topics.items, dict[bytes, Item]()
    for record in log.read(topic, log.start_offsets(topic), log.end_offsets(topic)):
        entry = parse_item(record.key, record.value)
        if isinstance(entry, Item):
            newest[record.key or b""] = entry
        elif not isinstance(entry, Rejected):
            newest.pop(record.key or b"", None)
    return newest
