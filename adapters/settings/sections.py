"""The sections of the settings: every field with its meaning, its range and the reason of its default.

Durations are milliseconds and sizes are bytes; a file says ``24h`` or ``4g``. ``docs/settings.md`` is made of this.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.kafka_options import checked
from core.settings import SecretOptions, StoreUrl, setting
from schemas.errors import SettingsError
from schemas.rules import DAYS_30_MS, DEFAULT_KINDS

_SERVERS = re.compile(r"(?:[A-Z_]+://)?(?:\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(?::\d{1,5})?", re.ASCII)
_WRITE_SERVERS = "write host:port, separated by commas; logins belong in kafka_options"
_WRITE_LAKE = "write a path such as s3a://bucket/lake; credentials belong in the environment or Hadoop's configuration"
EMBEDDED = StoreUrl("")
_STORED = 65_535  # a stored history counts with 16 bits


def _servers(name: str, value: str) -> str:
    if value and not all(_SERVERS.fullmatch(server.strip()) for server in value.split(",")):
        raise SettingsError(f"setting {name} cannot be understood: {_WRITE_SERVERS}")
    return value


def _options(_: str, value: Mapping[str, Any]) -> SecretOptions:
    return SecretOptions(checked(value))


def _url(_: str, value: str) -> StoreUrl:
    return StoreUrl(value)


def _retention(name: str, value: int) -> int:
    if value < 1 and value != -1:
        raise SettingsError(f"setting {name} must be positive, or -1 for no limit")
    return value


def _kinds(_: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    for kind, weight in value.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool) and 0 <= weight <= 1_000_000
        if not number and weight not in ("value", "remove"):
            raise SettingsError(f'kind \'{kind}\': a weight is a number from 0 to 1,000,000, "value" or "remove"')
    return value


def _origins(name: str, value: str) -> str:
    for origin in value.split(","):
        if not re.fullmatch(r"\s*(\*|https?://[^/\s]+)?\s*", origin):
            raise SettingsError(f"setting {name}: write {origin.strip()!r} as https://host or http://host:port")
    return value


@dataclass(frozen=True)
class LogSettings:
    """Where events come from."""

    kafka: str = setting(
        "",
        "`host:port,…` of your cluster",
        default_is="a broker embedded in `home`",
        instead=_WRITE_SERVERS,
        parse=_servers,
    )
    kafka_options: Mapping[str, str] = setting(
        {}, "librdkafka's names, such as `security.protocol`; what Spark's client cannot do alike is refused by name",
        may_hold_passwords=True, parse=_options,
    )  # fmt: skip
    topic_prefix: str = setting(
        "",
        "before `events`, `items`, `users`, `events-dlt`: several installations may share a cluster",
        default_is="none",
    )
    partitions: int = setting(4, "of an `events` topic that Millrace creates", at_least=1)
    partitioner: str = setting(
        "murmur2", "your producers': `murmur2` (Java, kafka-python) or `crc32` (librdkafka's default)",
        one_of=("murmur2", "crc32"), rule=True,
    )  # fmt: skip
    retention_ms: int = setting(
        -1, "milliseconds, of an `events` topic that Millrace creates; -1: without limit", parse=_retention
    )


@dataclass(frozen=True)
class EngineSettings:
    """Spark."""

    master: str = setting(
        "local[*]", "or `spark://host:port`, `yarn`, `k8s://…`", variable="spark_master",
        instead="write local[*], spark://host:port, yarn or k8s://https://host:port",
    )  # fmt: skip
    memory_bytes: int = setting(
        1 << 30, "of the driver; with a local master that is the whole engine", unit="memory", variable="spark_memory"
    )
    jars: str = setting("", "where Java libraries are kept", default_is="the user's cache folder")


@dataclass(frozen=True)
class StoresSettings:
    """Where events and views are kept."""

    lake: str = setting(
        "", "a path that Hadoop and Arrow know: a folder, `s3a://…`, `gs://…`, `abfss://…`", default_is="`home/lake`",
        instead=_WRITE_LAKE,
    )  # fmt: skip
    batch_views: StoreUrl = setting(  # noqa: RUF009 - it is a field
        EMBEDDED, "`sqlite:///…`, `cassandra://host:port/keyspace`, `redis://host:port/db`",
        default_is="SQLite in `home`", may_hold_passwords=True, parse=_url,
    )  # fmt: skip
    speed_views: StoreUrl = setting(  # noqa: RUF009 - it is a field
        EMBEDDED,
        "`sqlite:///…`, `redis://host:port/db`",
        default_is="SQLite in `home`",
        may_hold_passwords=True,
        parse=_url,
    )
    timeout_ms: int = setting(
        2_000, "a store slower than this is left out of an answer", unit="duration", variable="store_timeout"
    )


@dataclass(frozen=True)
class FoldSettings:
    """What events mean: views made with other values are never mixed."""

    kinds: Mapping[str, float | str] = setting(
        DEFAULT_KINDS, 'kind → weight (0 to 1,000,000), `"value"` or `"remove"`', parse=_kinds, rule=True,
        default_is="[the contract's](contract.md) §2",
    )  # fmt: skip
    history_items: int = setting(
        20, "distinct items that a user's history keeps", at_least=1, at_most=_STORED, rule=True
    )
    remembered_ids: int = setting(
        64, "event ids of a user by which duplicates are known", at_least=1, at_most=_STORED, rule=True
    )
    window_ms: int = setting(DAYS_30_MS, "an item untouched for longer leaves the history", unit="duration", rule=True)


@dataclass(frozen=True)
class SpeedSettings:
    """The speed layer."""

    engine: str = setting(
        "spark", "`spark`, or `local`: this machine's processes without Java, sooner and for one machine",
        one_of=("spark", "local"), variable="speed_engine",
    )  # fmt: skip
    trigger_ms: int = setting(
        200, "with `spark` the speed layer looks for new events this often; `local` takes them as they come",
        unit="duration",
    )  # fmt: skip
    max_events_per_batch: int = setting(200_000, "of one micro-batch; bounds its memory while catching up", at_least=1)
    lease_ms: int = setting(
        10_000, "a speed layer, or a batch run, that is silent for this long counts as dead", unit="duration"
    )


@dataclass(frozen=True)
class BatchSettings:
    """The batch layer."""

    grace_ms: int = setting(60_000, "readers may use a generation this long after it was replaced", unit="duration")
    run_patience_ms: int = setting(
        86_400_000, "a batch run in steps without progress for this long is given up and its rows are deleted",
        unit="duration",
    )  # fmt: skip


@dataclass(frozen=True)
class EvaluationSettings:
    """How good a generation's recommendations are."""

    events: int = setting(
        300_000, "of a sample of users, that each generation is evaluated on; 0: not evaluated", at_least=0,
        variable="evaluation_events",
    )  # fmt: skip


@dataclass(frozen=True)
class GateSettings:
    """Which generations may serve."""

    margin: float = setting(
        0.2, "a generation whose NDCG@10 on the active one's held-out part is lower by more than this does not serve",
        at_least=0, variable="gate_margin",
    )  # fmt: skip
    users: int = setting(
        100, "with fewer judged users NDCG@10 is too uncertain and is not compared", at_least=0, variable="gate_users"
    )
    shrink: float = setting(
        0.1, "a generation with fewer events, items or users by more than this share does not serve", at_least=0,
        variable="gate_shrink",
    )  # fmt: skip
    items: int = setting(
        20, "items whose sums each generation has recomputed from the lake by the slow fold; 0: none", at_least=0,
        variable="gate_items",
    )  # fmt: skip


@dataclass(frozen=True)
class ReadingSettings:
    """Answers."""

    shrinkage: float = setting(
        0.0, "of `similar`: score · pair / (pair + shrinkage), so that co-ratings this small count half", at_least=0
    )


@dataclass(frozen=True)
class HttpSettings:
    """The HTTP API."""

    host: str = setting("127.0.0.1", "the address it listens at; only this machine by default")
    port: int = setting(8080, "the port it listens at", at_least=0, at_most=65_535)
    allowed_hosts: str = setting(
        "", "names, separated by commas, that it answers for beside localhost and numbers; `*.a.b` for a whole domain",
        default_is="none",
    )  # fmt: skip
    allowed_origins: str = setting(
        "", "origins of other servers' pages that may use it, separated by commas: `https://shop.example`",
        default_is="none", parse=_origins,
    )  # fmt: skip
