"""The formats read the real data sets to the row, where MILLRACE_TEST_DATA names a folder that has them."""

from pathlib import Path

import msgspec
import pytest

from core.events.acceptance import parse_event
from core.partitions.partitioner import partition_of
from datasets.fields.acceptance import ImportOptions
from datasets.files.tally import Tally
from datasets.formats import IMPORTERS
from schemas.event import Event, Record
from schemas.rules import Rules
from tests.kit.delimited_files import events_of

NOW = 1_750_000_000_000
REAL = {
    "rees46": ("rees46-2019-oct-prefix", 6_493, "kept 17,434, dropped 1: cut row 1"),
    "deskdrop": ("deskdrop", 0, "kept 72,312, dropped 0"),
    "movielens": ("ml-latest-small", 9_125, "kept 100,004, dropped 0"),
    "completejourney": ("completejourney", 92_331, "kept 75,000, dropped 0"),
    "online-retail": (
        "online-retail-uci",
        3_665,
        "kept 397,924, dropped 143,985: no customer 135,080, cancelled invoice 8,905",
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_data_sets_are_kept_and_dropped_to_the_row(name: str, test_data: Path) -> None:
    folder, catalogue, sentence = REAL[name]
    importer = IMPORTERS[name](test_data / folder, ImportOptions(), Tally())
    events = events_of(importer)
    ids = {event["event_id"] for event in events}
    rules = Rules()
    for event in events[:: len(events) // 2_000]:
        key = event["user_id"].encode()
        partition = partition_of(key, rules.partitioner, rules.partitions)
        record = Record("events", partition, 0, NOW, key, msgspec.json.encode(event))
        assert isinstance(parse_event(record, rules), Event)
    tally = importer.tally
    assert tally.sentence() == sentence
    assert tally.lines == tally.kept + tally.dropped.total() + tally.explained.total()
    assert len(ids) == importer.tally.kept
    assert len(list(importer.items())) == catalogue
    for beside in tally.beside.values():
        assert beside.lines == beside.kept + beside.dropped.total() + beside.explained.total()
