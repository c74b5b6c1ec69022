"""The section and the key of every name that a variable, or an old file, may use."""

from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any, NamedTuple

from adapters.settings import blending, operation, picturing, sections
from adapters.settings.http_section import HttpSettings
from core.settings import key_of, setting_of

SECTIONS: dict[str, type[Any]] = {
    "log": sections.LogSettings,
    "engine": sections.EngineSettings,
    "stores": sections.StoresSettings,
    "fold": sections.FoldSettings,
    "speed": sections.SpeedSettings,
    "batch": sections.BatchSettings,
    "blend": blending.BlendSettings,
    "evaluation": sections.EvaluationSettings,
    "gate": sections.GateSettings,
    "reading": sections.ReadingSettings,
    "pictures": picturing.PictureSettings,
    "http": HttpSettings,
    "metrics": operation.MetricsSettings,
    "tracing": operation.TracingSettings,
    "logging": operation.LoggingSettings,
}
RECOMMENDERS = "recommenders"  # a table of tables, each of which is a section
EXPERIMENTS = "experiments"  # another one, by names that a person chooses
HOME = "home"
GONE = ("keep",)  # accepted and without effect
# Before recommenders had tables, these keys stood alone, with the recommender's name in front.
_ALS = ("factors", "iterations", "regularization", "alpha", "engine", "memory")


class Place(NamedTuple):
    """A section's name, empty outside sections, and the key in it."""

    section: str
    key: str

    def __str__(self) -> str:
        return f"{self.section}.{self.key}" if self.section else self.key


TABLES = Place("", RECOMMENDERS)


def section_fields(section: type[Any]) -> "Iterator[tuple[str, Field[Any]]]":
    """Return the keys of a section with their fields."""
    return ((key_of(entry), entry) for entry in fields(section))


def _places() -> Iterator[tuple[str, Place]]:
    yield HOME, Place("", HOME)
    for section, kind in SECTIONS.items():
        for key, entry in section_fields(kind):
            yield setting_of(entry).variable or key, Place(section, key)
    yield from ((f"als_{key}", Place(f"{RECOMMENDERS}.als", key)) for key in _ALS)
    yield RECOMMENDERS, TABLES
    yield EXPERIMENTS, Place("", EXPERIMENTS)


PLACES = dict(_places())  # by the name outside sections
