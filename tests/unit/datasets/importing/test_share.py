"""What an import sends: the catalogue before the events, each with its key, all in order."""

import numpy as np

from datasets.importing.runs import BLOCK, Timed
from datasets.importing.share import Imported, to_log


def test_the_catalogue_goes_before_the_events_and_all_in_order_with_their_keys() -> None:
    count = 2 * BLOCK + 1
    times = np.arange(count)
    events = Timed(times, [f"ü{n}" for n in range(count)], [b"%d" % n for n in range(count)])
    imported = Imported(events.blocks(), [(f"i{n}", b"{%d}" % n) for n in range(BLOCK + 1)], count)
    sent: list[tuple[str, bytes, bytes]] = []
    reached = list(
        to_log(imported, lambda topic, rows: sent.extend((topic, r["key"], r["value"]) for r in rows), "e", "i")
    )
    assert reached == [BLOCK, 2 * BLOCK, count]
    assert sent[: BLOCK + 1] == [("i", b"i%d" % n, b"{%d}" % n) for n in range(BLOCK + 1)]
    assert sent[BLOCK + 1 :] == [("e", f"ü{n}".encode(), b"%d" % n) for n in range(count)]
