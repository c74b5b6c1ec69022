"""The sections of the settings: every field with its meaning, its range and the reason for its default.

Durations are milliseconds and sizes are bytes; a file has ``24h`` or ``4g``. ``page`` makes docs/settings.md from this.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.settings.parsing import WRITE_SERVERS, dimensions, kinds, options, retention, servers, url
from core.settings import StoreUrl, setting
from schemas.rules import DAYS_30_MS, DEFAULT_KINDS, OPTIONAL_DIMENSIONS

_WRITE_LAKE = "write a path such as s3a://bucket/lake; credentials belong in the environment or Hadoop's configuration"
EMBEDDED = StoreUrl("")
_STORED = 65_535  # a stored history counts its entries with 16 bits
_COUNTED = 255  # and the events of a day with 8


@dataclass(frozen=True)
class LogSettings:
    """Where events come from."""

    kafka: str = setting(
        "",
        "`host:port,…` of your cluster",
        why="nothing needs to be installed for a first try",
        default_is="a broker embedded in `home`",
        instead=WRITE_SERVERS,
        parse=servers,
    )
    kafka_options: Mapping[str, str] = setting(
        {}, "librdkafka's names, such as `security.protocol`; options that Spark's client lacks are refused by name",
        why="the embedded broker needs none",
        may_hold_passwords=True, parse=options,
    )  # fmt: skip
    topic_prefix: str = setting(
        "",
        "in front of `events`, `items`, `users`, `events-dlt`, so that installations can share a cluster",
        why="one installation per cluster is the common case",
        default_is="none",
    )
    partitions: int = setting(
        4, "of an `events` topic that Millrace creates", at_least=1,
        why="enough for a few cores; a larger topic is created beforehand",
    )  # fmt: skip
    partitioner: str = setting(
        "murmur2", "the one of your producers: `murmur2` (Java, kafka-python) or `crc32` (librdkafka's default)",
        why="Kafka's own default",
        one_of=("murmur2", "crc32"), rule=True,
    )  # fmt: skip
    retention_ms: int = setting(
        -1,
        "milliseconds, of an `events` topic that Millrace creates; -1: without limit",
        parse=retention,
        why="the log is the source of every recomputation until the lake has it",
    )


@dataclass(frozen=True)
class EngineSettings:
    """Spark."""

    master: str = setting(
        "local[*]", "or `spark://host:port`, `yarn`, `k8s://…`", variable="spark_master",
        why="all cores of this machine",
        instead="write local[*], spark://host:port, yarn or k8s://https://host:port",
    )  # fmt: skip
    memory_bytes: int = setting(
        1 << 30, "of the driver; with a local master that is the whole engine", unit="memory", variable="spark_memory",
        why="broker, engine and serving then need 2 GiB together",
    )  # fmt: skip
    jars: str = setting(
        "", "the folder of Java libraries", default_is="the user's cache folder", why="a user's projects share them"
    )
    in_process_events: int = setting(
        400_000, "a batch step over this many events at most runs in its own process, not on Spark; 0: always on Spark",
        at_least=0, why="Spark's start costs as much as two million events, and folding this many takes some 400 MB",
    )  # fmt: skip


@dataclass(frozen=True)
class StoresSettings:
    """Where events and views are kept."""

    lake: str = setting(
        "", "a path that Hadoop and Arrow know: a folder, `s3a://…`, `gs://…`, `abfss://…`", default_is="`home/lake`",
        why="nothing needs to be installed for a first try",
        instead=_WRITE_LAKE,
    )  # fmt: skip
    batch_views: StoreUrl = setting(  # noqa: RUF009 - it is a field
        EMBEDDED, "`sqlite:///…`, `cassandra://host:port/keyspace`, `redis://host:port/db`",
        why="nothing needs to be installed for a first try",
        default_is="SQLite in `home`", may_hold_passwords=True, parse=url,
    )  # fmt: skip
    speed_views: StoreUrl = setting(  # noqa: RUF009 - it is a field
        EMBEDDED,
        "`sqlite:///…`, `redis://host:port/db`",
        why="nothing needs to be installed for a first try",
        default_is="SQLite in `home`",
        may_hold_passwords=True,
        parse=url,
    )
    timeout_ms: int = setting(
        2_000,
        "a store slower than this is left out of an answer",
        unit="duration",
        variable="store_timeout",
        why="a store that answers is faster by far, and nobody waits much longer for a page",
    )


@dataclass(frozen=True)
class FoldSettings:
    """What events mean: views made with other values are never mixed."""

    kinds: Mapping[str, float | str] = setting(
        DEFAULT_KINDS, 'kind → weight (0 to 1,000,000), `"value"` or `"remove"`', parse=kinds, rule=True,
        why="the usual kinds of a shop, weighted by how much interest they show",
        default_is="[the contract's](contract.md) §2",
    )  # fmt: skip
    history_items: int = setting(
        20,
        "distinct items that a user's history keeps",
        at_least=1,
        at_most=_STORED,
        rule=True,
        why="each new item is paired with all of them, so the cost of an event grows with it",
    )
    remembered_ids: int = setting(
        64,
        "event ids of a user by which duplicates are recognised",
        at_least=1,
        at_most=_STORED,
        rule=True,
        why="16 bytes each; a producer that retries repeats its latest events",
    )
    window_ms: int = setting(
        DAYS_30_MS, "an item untouched for longer leaves the history", unit="duration", rule=True,
        why="what a user wanted a month ago is rarely wanted together with today's items",
    )  # fmt: skip
    counted_per_day: int = setting(
        10,
        "events of one user on one item that enter popularity and trends per day; later ones of the day do not",
        at_least=1,
        at_most=_COUNTED,
        rule=True,
        why="of people 999 in 1,000 stay below it, and a program that views an item 3,000 times counts as ten views",
    )
    dimensions: str = setting(
        ",".join(OPTIONAL_DIMENSIONS),
        "what [insights](insights.md) count events by, besides hour and kind, separated by commas; empty: nothing else",
        parse=dimensions, rule=True, why="all insights, for a tenth of the speed layer's work",
    )  # fmt: skip


@dataclass(frozen=True)
class SpeedSettings:
    """The speed layer."""

    engine: str = setting(
        "spark", "`spark`, or `local`: this machine's processes without Java, sooner and for one machine",
        one_of=("spark", "local"), variable="speed_engine", why="it scales beyond one machine",
    )  # fmt: skip
    trigger_ms: int = setting(
        200, "with `spark` the speed layer looks for new events this often; `local` takes them as they come",
        unit="duration", why="events count within a second, and an idle engine stays idle",
    )  # fmt: skip
    max_events_per_batch: int = setting(
        500_000, "events of one micro-batch at most; below it they size themselves by lag and time", at_least=1,
        why="bounds memory while the speed layer catches up",
    )  # fmt: skip
    lease_ms: int = setting(
        10_000, "a speed layer, or a batch run, that is silent for this long counts as dead", unit="duration",
        why="longer than pauses of a busy machine, short enough to wait for",
    )  # fmt: skip


@dataclass(frozen=True)
class BatchSettings:
    """The batch layer."""

    grace_ms: int = setting(
        60_000, "readers may use a generation this long after it was replaced", unit="duration",
        why="far longer than any request takes",
    )  # fmt: skip
    run_patience_ms: int = setting(
        86_400_000, "a batch run in steps without progress for this long is given up and its rows are deleted",
        why="leaves a day for repairing a failed step",
        unit="duration",
    )  # fmt: skip


@dataclass(frozen=True)
class EvaluationSettings:
    """How good a generation's recommendations are."""

    events: int = setting(
        300_000, "of a sample of users, on which each generation is evaluated; 0: not evaluated", at_least=0,
        why="bounds the time of an evaluation, however large the lake is",
        variable="evaluation_events",
    )  # fmt: skip


@dataclass(frozen=True)
class GateSettings:
    """Which generations may serve."""

    margin: float = setting(
        0.2, "a generation whose NDCG@10 on the active one's held-out part is lower by more than this does not serve",
        at_least=0, variable="gate_margin",
        why="[decision 32](decisions/0032-the-same-question.md) has the measurements",
    )  # fmt: skip
    users: int = setting(
        100,
        "NDCG@10 is not compared with fewer judged users than this",
        at_least=0,
        variable="gate_users",
        why="with few users a ranking falls by chance",
    )
    shrink: float = setting(
        0.1, "a generation with fewer events, items or users by more than this share does not serve", at_least=0,
        why="a lake only grows, so a tenth less means that data were lost",
        variable="gate_shrink",
    )  # fmt: skip
    items: int = setting(
        20, "items whose sums are recomputed from the lake by the slow fold for each generation; 0: none", at_least=0,
        why="finds a fault that damages a share of the sums, in seconds",
        variable="gate_items",
    )  # fmt: skip


@dataclass(frozen=True)
class ReadingSettings:
    """Answers."""

    shrinkage: float = setting(
        0.0, "of `similar`: score · pair / (pair + shrinkage), so that co-ratings this small count half", at_least=0,
        why="the score is then the plain co-rating, which `verify` proves",
    )  # fmt: skip
    memory_bytes: int = setting(256 << 20, "of rows kept", unit="memory", at_least=1 << 20, why="20,000 items fit")
    business_rules: str = setting(
        "", "a TOML file of [house rules](operations/house-rules.md) for recommendations, read again when it changes",
        why="a shop's wishes are its own", default_is="none",
    )  # fmt: skip
