"""Checks of the log for ``doctor``: topic settings, producers without keys, the owner of the speed views."""

import time
from collections.abc import Iterator
from contextlib import closing

from adapters.log.dead_letters import dead_letters
from adapters.log.kafka_log import Log
from adapters.log.topic_state import findings
from adapters.records.control import check_speed_store
from adapters.settings import Settings
from adapters.stores import open_store
from millrace.doctor.check import Check
from schemas.errors import MillraceError, NotReady, SettingsError, StoreUnavailable
from serving_layer.refresh import running_log

LETTERS_EXAMINED = 1_000
ANSWER_SECONDS = 3.0
MOST_AHEAD_MS = 5_000


def check_log(settings: Settings) -> Iterator[Check]:
    """Yield checks of a cluster, or of the home's broker if one runs; none otherwise."""
    log = running_log(settings)
    if log is None:
        return
    try:
        faults = findings(log, settings.log.retention_ms, ANSWER_SECONDS)
        for fault in faults:
            yield Check(f"topic {fault.topic}", fault.found, fault.remedy, required=fault.fatal)
        if not faults:
            yield Check("topics", "set as Millrace needs them")
        yield from check_keys(log)
        yield from check_stamps(log, time.time_ns() // 1_000_000)
        yield from check_speed_views(settings, log)
    except NotReady as error:
        yield Check("topics", str(error), "`millrace speed run` or `millrace batch run` creates them.", required=False)
    except MillraceError as error:
        yield Check("topics", str(error), "Correct what it names.")


def check_keys(log: Log) -> Iterator[Check]:
    """Check whether producers leave out the key, judged by the newest dead letters."""
    letters = list(dead_letters(log, LETTERS_EXAMINED))
    keyless = sum(not letter.record.key and letter.reason == "key_mismatch" for letter in letters)
    if keyless:
        yield Check(
            "producers",
            f"{keyless:,} of the last {len(letters):,} rejected records have no key",
            "Have the producers set key = user_id; then: millrace rejected replay --reason key_mismatch",
            required=False,
        )


def check_stamps(log: Log, now_ms: int) -> Iterator[Check]:
    """Check the newest record of each partition: its stamp is its producer's clock. ``now_ms``: this machine's."""
    ends = {partition: end for partition, end in log.end_offsets().items() if end > 0}
    stamps = [log.timestamp_of(partition, end - 1) for partition, end in ends.items()]
    ahead = max((stamp - now_ms for stamp in stamps if stamp is not None), default=0)
    if ahead > MOST_AHEAD_MS:
        yield Check(
            "clocks",
            f"the newest record is stamped {ahead / 1_000:,.0f} s ahead of this machine's clock",
            "Keep the clocks of producers and of this machine in step, e.g. by chrony: freshness and lag are wrong.",
            required=False,
        )


def check_speed_views(settings: Settings, log: Log) -> Iterator[Check]:
    """Check whether a shared speed store belongs to this log; a file in the home belongs to nobody else."""
    if settings.speed_views_url.scheme == "sqlite":
        return
    try:
        with closing(open_store(settings.speed_views_url)) as store:
            check_speed_store(store, log.identity())
    except StoreUnavailable:  # another check reports it
        return
    except SettingsError as error:
        yield Check("speed views", str(error), "Give this installation a store or a prefix of its own.")
    else:
        yield Check("speed views", "of this log")
