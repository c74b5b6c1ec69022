"""Which parts of an installation lie on this machine, and who saves the others."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.broker.home import BrokerHome
from adapters.settings import Settings
from adapters.settings.places import HOME, SECTIONS, Place, section_fields
from adapters.settings.sources import Given
from core.settings import StoreUrl, setting_of
from datasets.formats.known import FOLDER

LOG, LAKE = "kafka/data", "lake"  # in the home and in the archive
BATCH, SPEED = "batch.sqlite", "speed.sqlite"
HOUSE_RULES = "house-rules.toml"
MAPPINGS = FOLDER  # in the home and in the archive
# Settings that say where things lie: a restored home is on its own, so that it touches nothing of the original.
PLACES_OF_THINGS = {
    Place("", HOME), Place("log", "kafka"), Place("log", "kafka_options"), Place("stores", "lake"),
    Place("stores", "batch_views"), Place("stores", "speed_views"), Place("reading", "business_rules"),
}  # fmt: skip
ELSEWHERE = {
    "log": "the log is the cluster {}: copy it with the cluster's own means (MirrorMaker, tiered storage); a log must "
    "never be older than the views",
    "lake": "the lake is {}: copy that path, or use the versions of the object store",
    "batch views": "the batch views are in {}: nodetool snapshot, or the store's own backup",
    "speed views": "the speed views are in {}: BGSAVE, or none, as they are computed from the log again",
}


@dataclass
class Parts:
    """``here``: the part's name in the archive -> where it lies. ``elsewhere``: a sentence for each other part."""

    here: dict[str, Path] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)

    def put(self, part: str, name: str, path: Path | None, address: str) -> None:
        """Note where a part lies; ``path`` None: not on this machine."""
        if path is not None:
            self.here[name] = path
        else:
            self.elsewhere[part] = ELSEWHERE[part].format(address)


def parts_of(settings: Settings) -> Parts:
    """Return where the parts of the installation lie."""
    parts, home = Parts(), BrokerHome(settings.home.resolve())
    parts.put("log", LOG, None if settings.log.kafka else home.data, settings.log.kafka)
    lake = settings.lake_path
    is_folder = "://" not in lake and not lake.startswith("file:")
    parts.put("lake", LAKE, Path(lake) if is_folder else None, lake)
    parts.put("batch views", BATCH, _sqlite(settings.batch_views_url), str(settings.batch_views_url))
    parts.put("speed views", SPEED, _sqlite(settings.speed_views_url), str(settings.speed_views_url))
    parts.here[MAPPINGS] = settings.home / MAPPINGS
    if settings.reading.business_rules:
        parts.here[HOUSE_RULES] = Path(settings.reading.business_rules)
    return parts


def _sqlite(address: StoreUrl) -> Path | None:
    return Path(address.reveal().removeprefix("sqlite:///")) if address.scheme == "sqlite" else None


def kept_settings(given: list[Given]) -> tuple[dict[str, Any], list[str]]:
    """Return the settings that a restored home needs, by place, and the places of those that are left out."""
    kept: dict[str, Any] = {}
    left_out: list[str] = []
    for place, _, value in given:
        if place in PLACES_OF_THINGS or _may_hold_passwords(place):
            left_out.append(str(place))
        else:
            kept[str(place)] = value
    return kept, sorted(set(left_out))


def _may_hold_passwords(place: Place) -> bool:
    if place.section not in SECTIONS:
        return False
    return setting_of(dict(section_fields(SECTIONS[place.section]))[place.key]).may_hold_passwords
