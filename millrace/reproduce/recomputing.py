"""Computes an answer again: views of the prefix that it names by the slow twin, models of the generation that it names.

The answer's own code runs over these views; what differs can only come from what the views held, from the models, or
from what is not kept: the catalogue, the settings and the house rules of that time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.lake.in_order import events_in_order
from adapters.lake.tables import Lake
from adapters.log.forgotten import forgotten, marks
from adapters.log.kafka_log import Log
from adapters.records.books import BLEND, generation_book
from adapters.records.control import read_control
from adapters.settings import Settings
from adapters.stores.memory import MemoryStore
from adapters.stores.opened import batch_views, speed_views
from adapters.stores.port import ViewStore
from core.control.changes import check_log
from core.control.fingerprints import why_not_these
from core.experiments.assignment import Experiment
from core.proof.packing import packed
from core.rows.views import VIEWS
from millrace.proof.past import Past
from millrace.reproduce.questions import Answer, Kind
from recommenders import TABLE
from schemas.control import Control, Generation, LogIdentity, Offsets
from schemas.errors import BadInput, MillraceError, NotReady, SettingsError
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import BATCH, MODEL, SPEED_SIDE, Views

PATIENCE_SECONDS = 3_600.0  # for models of any size
EMPTY = "(empty)"  # stands for the empty generation, under whose name rows can be read
CURRENT = (
    "records of items and users, house rules and recommenders' settings are the current ones: of these only the "
    "newest are kept"
)


@dataclass(frozen=True)
class Named:
    """What an answer's header names."""

    generation: str | None
    offsets: Offsets
    degraded: tuple[str, ...]


def header_of(answer: Answer) -> Named:
    """Return what the header names.

    Raises:
        BadInput: there is none.
    """
    try:
        offsets = {int(partition): int(offset) for partition, offset in answer["fresh_to"]["offsets"].items()}
        return Named(answer["generation"], offsets, tuple(answer.get("degraded") or ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            "the answer has no header (generation, fresh_to with offsets), so nothing says what it was computed from"
        ) from error


@dataclass(frozen=True)
class Recomputing:
    """Everything that an answer can be computed from again; ``notes`` says what was not kept.

    ``experiments``: those that were set up when the answer was given.
    """

    log: Log
    settings: Settings
    notes: list[str]
    experiments: Sequence[Experiment] = ()

    def snapshot(self, named: Named, kind: Kind) -> Snapshot:
        """Return the merged views at the prefix that the header names.

        Raises:
            BadInput, MillraceError: it cannot be computed again; the text says what is no longer kept.
        """
        control, identity = self._control(), self.log.identity()
        rules = replace(self.settings.rules, partitions=identity.partitions)
        self._require_ours(named, identity)
        kept = control.generation(named.generation)
        self._require_kept(named, kind, control, kept)
        if why := why_not_these(kept.fingerprint if kept else control.fingerprint, rules):
            raise SettingsError(f"the answer cannot be computed again: {why}")
        in_effect = kept.forgotten if kept else control.forgotten
        self._note_forgotten(in_effect)
        past = Past(
            self.log, Lake(None, self.settings.lake_path), rules, forgotten(self.log, in_effect), events_in_order
        )
        slow = past.prefix(control, named.offsets).slow
        name = named.generation or EMPTY
        store = MemoryStore()
        store.put(generation_book(name), dict(packed(slow)))
        if kept is not None:
            _copy_models(batch_views(self.settings), store, kept.id, with_models=MODEL not in named.degraded)
        return Snapshot(self._views(store), name, named.offsets, None, None, (), ())

    def _control(self) -> Control:
        control = read_control(batch_views(self.settings))
        if control is None:
            raise NotReady("there are no views yet, so no answer was given: run `millrace up` first")
        check_log(control, self.log.identity())
        return control

    def _require_ours(self, named: Named, identity: LogIdentity) -> None:
        if set(named.offsets) != set(range(identity.partitions)):
            raise BadInput(
                f"the answer names partitions {sorted(named.offsets)} and the log has {identity.partitions}: it was "
                "given by another installation"
            )
        if BATCH in named.degraded:
            raise BadInput(
                "the answer was given without the batch view (degraded), from segments of the speed layer that are "
                "not kept: it cannot be computed again"
            )

    def _require_kept(self, named: Named, kind: Kind, control: Control, kept: Generation | None) -> None:
        if named.generation is None or kept is not None:
            return
        ids = ", ".join(generation.id for generation in control.generations) or "none"
        if kind.by_models:
            raise MillraceError(
                f"generation {named.generation} is no longer kept (kept: {ids}), and its models made this answer: "
                "it cannot be computed again"
            )
        self.notes.append(
            f"generation {named.generation} is no longer kept (kept: {ids}); this answer needs none of its models"
        )

    def _note_forgotten(self, in_effect: int) -> None:
        since = {mark.user_id for mark in marks(self.log)[in_effect:]}
        if since:
            self.notes.append(f"{len(since):,} user(s) were forgotten since: their events may be gone from the lake")

    def _views(self, store: ViewStore) -> Views:
        from pathlib import Path

        from adapters.settings.house_file import HouseFile

        settings = self.settings
        views = Views(
            store, speed_views(settings), settings.log.partitioner, settings.reading.shrinkage, PATIENCE_SECONDS,
            settings.recommender_settings, experiments=self.experiments, variety=settings.blend.variety,
        )  # fmt: skip
        if settings.reading.business_rules:
            views.house_rules = HouseFile(Path(settings.reading.business_rules)).rules
        return views


def experiments_of(answer: Answer, settings: Settings) -> Sequence[Experiment]:
    """Return the experiments of the settings where the answer, or one of its users, says which it belongs to."""
    parts = [answer, *answer.get("users", ())]
    return settings.tried if any("experiment" in part for part in parts if isinstance(part, dict)) else ()


def again(snapshot: Snapshot, answer: Answer, ask: Any) -> Answer:
    """Return the recomputed answer, under the generation that the given one names."""
    recomputed: Answer = ask(snapshot)
    return {**recomputed, "generation": answer["generation"]}


def notes_of(named: Named) -> list[str]:
    """Return what a reader of differences should know."""
    notes = [CURRENT]
    if SPEED_SIDE in named.degraded:
        notes.append("the answer was given without the speed view, whose store also holds the records of items")
    return notes


def _copy_models(source: ViewStore, target: ViewStore, generation: str, with_models: bool) -> None:
    """Copy what the generation's blend and models are stored as."""
    book = generation_book(generation)
    wanted = {BLEND, *(TABLE if with_models else ())}
    for space in source.spaces(book) & (wanted - VIEWS.keys()):
        for key, value in source.scan(book, space):
            target.put(book, {(space, key): value})
