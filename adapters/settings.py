"""Settings: read once, at the edge, from ``millrace.toml`` and the environment, then handed down.

A key ``kafka`` in the file is ``MILLRACE_KAFKA`` in the environment, which wins. Unknown keys are errors.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from adapters.kafka_options import checked
from adapters.settings_sources import read_values
from adapters.units import memory_bytes, milliseconds
from core.text.masking import masked
from schemas.errors import SettingsError
from schemas.rules import DEFAULT_KINDS, Rules

__all__ = ["Settings", "load_settings", "milliseconds"]

_POSITIVE = ("partitions", "history_items", "remembered_ids", "max_events_per_batch", "als_factors", "als_iterations")
_NOT_NEGATIVE = (
    "als_regularization", "als_alpha", "shrinkage", "keep", "port", "evaluation_events", "gate_margin", "gate_users",
    "gate_shrink", "gate_items",
)  # fmt: skip
_DURATIONS = ("window", "trigger", "lease", "grace", "run_patience", "store_timeout")
_MAY_HOLD_PASSWORDS = ("batch_views", "speed_views")
_SERVERS = re.compile(r"(?:[A-Z_]+://)?(?:\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(?::\d{1,5})?", re.ASCII)
_NO_PATH = re.compile(r":/|:[^/@]*@|^[^/~].*[:?]")
_NO_ADDRESS = "it takes no address with a login or options"
_PLAIN = {
    "kafka": "write host:port, separated by commas; logins belong in kafka_options",
    "lake": "write a path such as s3a://bucket/lake; credentials belong in the environment or Hadoop's configuration",
    "spark_master": "write local[*], spark://host:port, yarn or k8s://https://host:port",
}


@dataclass(frozen=True)
class Settings:
    """All that can be set. Empty addresses mean the embedded default inside ``home``."""

    home: Path = Path(".millrace")  # everything local: broker, lake, SQLite views, logs
    kafka: str = ""  # host:port,…; empty: a broker embedded in home
    # librdkafka's names, e.g. security.protocol; these and the addresses of stores may hold secrets
    kafka_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    topic_prefix: str = ""  # several installations may share a cluster
    partitions: int = 4  # of a topic that Millrace creates
    partitioner: str = "murmur2"  # murmur2 (Java, kafka-python) or crc32 (librdkafka)
    retention_ms: int = -1  # of the events topic that Millrace creates; -1: without limit
    spark_master: str = "local[*]"
    spark_memory: str = "1g"  # of the driver; in local mode that is the whole engine
    lake: str = ""  # any Hadoop path, e.g. s3a://bucket/lake
    batch_views: str = field(
        default="", repr=False
    )  # sqlite:///… or cassandra://host:port/keyspace or redis://host:port/db
    speed_views: str = field(default="", repr=False)  # sqlite:///… or redis://host:port/db
    kinds: Mapping[str, float | str] = field(default_factory=lambda: dict(DEFAULT_KINDS))
    history_items: int = 20  # N
    remembered_ids: int = 64  # D
    window: str = "30d"  # an entry untouched for longer leaves the history
    trigger: str = "200ms"  # the speed layer looks for new events this often
    max_events_per_batch: int = 200_000  # bounds a micro-batch's memory while catching up
    lease: str = "10s"  # a speed layer silent for this long counts as dead
    grace: str = "60s"  # readers may still use a generation this long after it was replaced
    run_patience: str = "1d"  # a run without progress for this long is given up and its rows are deleted
    store_timeout: str = "2s"  # a store slower than this is left out of an answer
    shrinkage: float = 0.0  # of similar: co-ratings this small count half
    keep: int = 0  # neighbours kept in rows made for reading; 0: all
    als_factors: int = 50
    als_iterations: int = 15
    als_regularization: float = 10.0  # as good as any on four public sets of 17k to 400k events
    als_alpha: float = 10.0  # confidence = 1 + alpha * rating (rating in units, a view is 1)
    als_engine: str = "auto"  # implicit (this process), spark (MLlib) or auto: implicit within als_memory
    als_memory: str = "4g"  # what implicit may take beside Spark
    recommenders: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # tables by name, e.g. als = {weight = 0}
    evaluation_events: int = 300_000  # of a sample of users, that a generation is evaluated on; 0: not evaluated
    gate_margin: float = 0.2  # a share of NDCG@10: what ranks worse than the active one by more does not serve
    gate_users: int = 100  # NDCG@10 of fewer judged users is too uncertain to compare
    gate_shrink: float = 0.1  # nor is one with fewer events, items or users, by more than this share
    gate_items: int = 20  # recomputed from the lake by the slow fold and compared; 0: none
    jars: str = ""  # empty: the user's cache folder
    allowed_hosts: str = ""  # names, separated by commas, that the API answers for beside localhost and numbers; *.a.b
    allowed_origins: str = ""  # of other servers' pages that may use the API, separated by commas: https://shop.example
    host: str = "127.0.0.1"
    port: int = 8080

    @property
    def rules(self) -> Rules:
        """The fingerprinted part."""
        return Rules(
            kinds=dict(self.kinds),
            history_items=self.history_items,
            remembered_ids=self.remembered_ids,
            window_ms=milliseconds(self.window),
            partitioner=self.partitioner,
            partitions=self.partitions,
        )

    @property
    def lake_path(self) -> str:
        """Where the Delta tables stand."""
        return self.lake or str(self.home.resolve() / "lake")

    @property
    def recommender_settings(self) -> dict[str, Any]:
        """Each recommender's settings by name: its table over the keys that begin with its name.

        Raises:
            SettingsError: a table holds an unknown name or key, or a value of another type.
        """
        from recommenders import settings_of

        als = {name: getattr(self, f"als_{name}") for name in ("factors", "iterations", "regularization", "alpha")}
        als |= {"engine": self.als_engine, "memory": memory_bytes(self.als_memory)}
        return settings_of({**self.recommenders, "als": als | dict(self.recommenders.get("als", {}))})

    @property
    def batch_views_url(self) -> str:
        """The store of generations and of the control record."""
        return self.batch_views or f"sqlite:///{self.home.resolve() / 'batch.sqlite'}"

    @property
    def speed_views_url(self) -> str:
        """The store of segments, live histories and the position."""
        return self.speed_views or f"sqlite:///{self.home.resolve() / 'speed.sqlite'}"

    def topic(self, name: str) -> str:
        """The full name of one of the topics ``events``, ``items``, ``users``, ``events-dlt``."""
        return self.topic_prefix + name

    def shown(self) -> dict[str, Any]:
        """The effective settings with secrets masked."""
        plain = asdict(self)
        plain.update(home=str(self.home), lake=self.lake_path, batch_views=self.batch_views_url)
        plain.update(speed_views=self.speed_views_url)
        plain["kafka_options"] = dict.fromkeys(self.kafka_options, "****")
        return plain | {key: masked(plain[key]) for key in _MAY_HOLD_PASSWORDS}


def load_settings(env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Read ``MILLRACE_CONFIG`` or ``./millrace.toml`` if there, then the environment.

    Raises:
        SettingsError: an unknown key, a wrong type or an impossible value; names the key and the remedy.
    """
    cwd = cwd or Path.cwd()
    plain = Settings()
    defaults = {each.name: getattr(plain, each.name) for each in fields(Settings)}
    values = read_values(cwd, os.environ if env is None else env, defaults)
    values["kafka_options"] = checked(values.get("kafka_options", {}))
    settings = Settings(**values)
    _refuse_passwords(settings)
    settings = replace(settings, home=cwd / settings.home.expanduser())
    _validate(settings)
    return settings


def _refuse_passwords(settings: Settings) -> None:
    """Only where one belongs is it kept out of messages."""
    for each in fields(Settings):
        value = getattr(settings, each.name)
        looks = isinstance(value, str) and any(masked(part.strip()) != part.strip() for part in value.split(","))
        looks |= isinstance(value, Path) and bool(_NO_PATH.search(str(value)))
        if looks and each.name not in _MAY_HOLD_PASSWORDS:
            raise SettingsError(f"setting '{each.name}' cannot be understood: {_PLAIN.get(each.name, _NO_ADDRESS)}")


def _validate(settings: Settings) -> None:
    if settings.kafka and not all(_SERVERS.fullmatch(each.strip()) for each in settings.kafka.split(",")):
        raise SettingsError(f"setting 'kafka' cannot be understood: {_PLAIN['kafka']}")
    for origin in settings.allowed_origins.split(","):
        if not re.fullmatch(r"\s*(\*|https?://[^/\s]+)?\s*", origin):
            raise SettingsError(
                f"setting 'allowed_origins': write {origin.strip()!r} as https://host or http://host:port"
            )
    for key in _DURATIONS:
        milliseconds(getattr(settings, key))
    for key in _POSITIVE:
        if getattr(settings, key) < 1:
            raise SettingsError(f"setting '{key}' must be at least 1")
    for key in ("history_items", "remembered_ids", "port"):  # a stored history counts with 16 bits
        if getattr(settings, key) > 65_535:
            raise SettingsError(f"setting '{key}' must be at most 65535")
    for key in ("als_memory", "spark_memory"):
        memory_bytes(getattr(settings, key))
    for key in _NOT_NEGATIVE:
        if not 0 <= getattr(settings, key) < float("inf"):
            raise SettingsError(f"setting '{key}' must be a number that is not negative")
    if settings.retention_ms < 1 and settings.retention_ms != -1:
        raise SettingsError("setting 'retention_ms' must be positive, or -1 for no limit")
    for key, known in (("partitioner", ("murmur2", "crc32")), ("als_engine", ("auto", "implicit", "spark"))):
        if getattr(settings, key) not in known:
            raise SettingsError(f"setting '{key}' must be {' or '.join(known)}, not {getattr(settings, key)!r}")
    if settings.recommenders:
        _ = settings.recommender_settings  # raises for what is unknown
    for kind, weight in settings.kinds.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool) and 0 <= weight <= 1_000_000
        if not number and weight not in ("value", "remove"):
            raise SettingsError(f'kind \'{kind}\': a weight is a number from 0 to 1,000,000, "value" or "remove"')
