"""Reads the events, fits the models and judges them by the protocol that is asked for."""

from pathlib import Path
from typing import Any

from adapters.pictures.index import pictured
from adapters.settings import Settings
from adapters.terminal.progress import progress
from batch_layer.learning.asking import Question
from batch_layer.learning.cold import cold
from batch_layer.learning.evaluation import by_time, coded, evaluate
from batch_layer.learning.splits import COLD, INCLUDED, TIME, WALK
from millrace.judging.asked_for import Asking
from millrace.judging.catalogue import catalogue, records
from millrace.judging.events import in_file, in_lake
from millrace.judging.walk import FROZEN, LATE, LIVE, RETRAINED, Regime, asked, default_period
from millrace.judging.walk_report import heading, missing, report
from millrace.judging.walking import Trainer, walk
from millrace.judging.world import as_log


def judge(settings: Settings, path: Path | None, asking: Asking) -> dict[str, Any]:
    """Return the report on a file's events, or on the lake's."""
    walks = asking.protocol == WALK
    ordered = by_time(in_lake(settings, walks) if path is None else in_file(path, settings.rules))
    question = Question(
        settings.rules, settings.recommender_settings, settings.reading.shrinkage,
        protocol=TIME if walks else asking.protocol, seen=asking.seen, every_source=asking.every_source,
        confidence=True, learns=settings.blend_sources,
    )  # fmt: skip
    rows = catalogue(settings, path is None, asking.items)
    events, names = coded(ordered, records(rows), pictured(settings.pictures_path))
    if not walks:
        return cold(events, question) if asking.protocol == COLD else evaluate(events, question)
    ask = asked(events, asking.seen == INCLUDED, asking.most)
    head = heading(events, ask, asking.seen)
    if why := missing(events, ask):
        return head | {"missing": why}
    trainer, log = Trainer(events, names, question), as_log(ordered)
    reports: dict[str, Any] = {}
    for regime in regimes(asking, default_period(events, ask.begin)):
        with progress(f"walking {regime.name}", len(ask.event)) as reached:
            reports[regime.name] = report(trainer, ask, regime, walk(trainer, log, ask, regime, reached, rows))
    first: dict[str, Any] = next(iter(reports.values()))
    return head | first | {"regimes": reports}


def regimes(asking: Asking, period: int) -> list[Regime]:
    """Return the regimes to walk in, the first of which the report is headed by."""
    every = (period if asking.every is None else asking.every) or None
    known = [
        Regime(LIVE, True, every),
        Regime(RETRAINED, False, every),
        Regime(FROZEN, False, None),
    ]
    chosen = [regime for regime in known if regime.name in asking.regimes or not asking.regimes]
    late = [] if asking.late is None else [Regime(LATE, True, every, asking.late)]
    return [*chosen, *late]
