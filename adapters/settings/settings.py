"""The settings as one frozen object of typed sections."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from adapters.settings.blending import BlendSettings
from adapters.settings.http_section import HttpSettings
from adapters.settings.operation import LoggingSettings, MetricsSettings, TracingSettings
from adapters.settings.parsing import experiments
from adapters.settings.picturing import PictureSettings
from adapters.settings.places import EXPERIMENTS, HOME, PLACES, RECOMMENDERS, SECTIONS, Place, section_fields
from adapters.settings.sections import (
    BatchSettings,
    EngineSettings,
    EvaluationSettings,
    FoldSettings,
    GateSettings,
    LogSettings,
    ReadingSettings,
    SpeedSettings,
    StoresSettings,
)
from core.experiments.assignment import Experiment, experiments_of
from core.settings import StoreUrl, nearest, setting, setting_of, value_of
from core.settings.units import AS_TEXT
from core.text.masking import masked
from schemas.errors import SettingsError
from schemas.rules import Rules

_HOME = Path(".millrace")


@dataclass(frozen=True)
class Settings:
    """All settings. Empty addresses mean the embedded default inside ``home``."""

    home: Path = setting(  # noqa: RUF009 - it is a field
        _HOME, "everything local: broker, lake, SQLite views, logs", why="it lies beside the project that uses it"
    )
    log: LogSettings = field(default_factory=LogSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    stores: StoresSettings = field(default_factory=StoresSettings)
    fold: FoldSettings = field(default_factory=FoldSettings)
    speed: SpeedSettings = field(default_factory=SpeedSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)
    blend: BlendSettings = field(default_factory=BlendSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    pictures: PictureSettings = field(default_factory=PictureSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    recommenders: Mapping[str, Mapping[str, Any]] = setting(
        {},
        "a table per recommender: `weight` in the blend (0 turns it off) and its own settings",
        why="each recommender has its own defaults",
    )
    experiments: Mapping[str, Mapping[str, Any]] = setting(
        {},
        "a table per [experiment](operations/experiments.md): the `share` of users, and their `weights` of sources or "
        "their `generation`",
        why="all users are served alike", parse=experiments,
    )  # fmt: skip

    @classmethod
    def of(cls, **values: Any) -> "Settings":
        """Return settings with these values over the defaults; see ``changed``."""
        return cls().changed(**values)

    def changed(self, **values: Any) -> "Settings":
        """Return these settings with other values, named as variables are: ``changed(lease="2s", als_factors=4)``.

        Raises:
            SettingsError: an unknown name, a wrong type or an impossible value.
        """
        settings = self
        for name, value in values.items():
            if name not in PLACES:
                raise SettingsError(f"unknown setting '{masked(name)}': {nearest(name, PLACES)}")
            settings = settings.with_value(PLACES[name], f"'{name}'", value)
        return settings

    def with_value(self, place: Place, name: str, value: Any) -> "Settings":
        """Return these settings with one value, which messages call ``name``."""
        if place.section in SECTIONS:
            section = getattr(self, place.section)
            entry = dict(section_fields(type(section)))[place.key]
            return replace(self, **{place.section: replace(section, **{entry.name: value_of(name, entry, value)})})
        if place.section:  # of a recommender
            from recommenders import recommender

            of = place.section.removeprefix(f"{RECOMMENDERS}.")
            entry = dict(section_fields(recommender(of).settings))[place.key]
            return self._with_tables({of: {place.key: value_of(name, entry, value)}})
        entry = next(entry for entry in fields(Settings) if entry.name == place.key)
        read = value_of(name, entry, value)
        if place.key in (HOME, EXPERIMENTS):
            return replace(self, **{place.key: read})
        return self._with_tables(read)

    def _with_tables(self, tables: Mapping[str, Any]) -> "Settings":
        for name, table in tables.items():
            if not isinstance(table, Mapping):
                raise SettingsError(f"setting {RECOMMENDERS}.{name} must be of type table")
        merged = {name: {**self.recommenders.get(name, {}), **table} for name, table in tables.items()}
        return replace(self, recommenders={**self.recommenders, **merged})

    @property
    def rules(self) -> Rules:
        """The settings that decide what events mean, which the fingerprint covers."""
        fold, log = self.fold, self.log
        return Rules(
            kinds=dict(fold.kinds),
            history_items=fold.history_items,
            remembered_ids=fold.remembered_ids,
            window_ms=fold.window_ms,
            partitioner=log.partitioner,
            partitions=log.partitions,
            dimensions=tuple(filter(None, fold.dimensions.split(","))),
            counted_per_day=fold.counted_per_day,
        )

    @property
    def blend_sources(self) -> tuple[str, ...]:
        """The sources that a learned blend may ask: one that a table gives the weight 0 is turned off."""
        off = {name for name, table in self.recommenders.items() if table.get("weight", 1) == 0}
        return tuple(name for name in self.blend.sources if name not in off)

    @property
    def tried(self) -> tuple[Experiment, ...]:
        """The experiments, in their order."""
        from recommenders import TABLE

        return experiments_of(self.experiments, TABLE)

    @property
    def lake_path(self) -> str:
        """The folder of the Delta tables."""
        return self.stores.lake or str(self.home.resolve() / "lake")

    @property
    def pictures_path(self) -> Path:
        """The folder of the features of pictures and of their index."""
        return self.home / "pictures"

    @property
    def recommender_settings(self) -> dict[str, Any]:
        """Each recommender's settings by name.

        Raises:
            SettingsError: a table holds an unknown name or key, or a value of another type.
        """
        from recommenders import settings_of

        return settings_of(self.recommenders)

    @property
    def batch_views_url(self) -> StoreUrl:
        """The store of generations and of the control record."""
        return self.stores.batch_views or StoreUrl(f"sqlite:///{self.home.resolve() / 'batch.sqlite'}")

    @property
    def speed_views_url(self) -> StoreUrl:
        """The store of segments, live histories and the position."""
        return self.stores.speed_views or StoreUrl(f"sqlite:///{self.home.resolve() / 'speed.sqlite'}")

    def topic(self, name: str) -> str:
        """Return the full name of one of the topics ``events``, ``items``, ``users``, ``events-dlt``."""
        return self.log.topic_prefix + name

    def shown(self) -> dict[str, Any]:
        """Return the effective settings by section, as a file would hold them, with secrets masked."""
        sections = {name: _section(getattr(self, name)) for name in SECTIONS}
        sections["log"]["kafka_options"] = dict.fromkeys(self.log.kafka_options, "****")
        sections["stores"]["lake"] = self.lake_path
        sections["stores"] |= {"batch_views": str(self.batch_views_url), "speed_views": str(self.speed_views_url)}
        models = {f"{RECOMMENDERS}.{name}": _section(made) for name, made in self.recommender_settings.items()}
        tried = {f"{EXPERIMENTS}.{name}": dict(table) for name, table in self.experiments.items()}
        return {HOME: str(self.home), **sections, **models, **tried}


_AS_TEXT: dict[str, Callable[[Any], Any]] = {**AS_TEXT, "": lambda value: value}


def _section(section: Any) -> dict[str, Any]:
    return {
        key: _AS_TEXT[setting_of(entry).unit](getattr(section, entry.name))
        for key, entry in section_fields(type(section))
    }
