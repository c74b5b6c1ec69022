"""Cold starts: how well items without any event are found, and users of whom the first events alone are known.

New items: some items lose all of their events, and each user's list is ranked among them alone. A source that learned
what items are answers twice: with their records in the run, and with records that came after it. New users: some users
lose all events but the first few, and lists are judged on what they touched after those.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from adapters.terminal.progress import watched
from batch_layer.learning.asking import InteractionsPast, Question, all_on, in_process
from batch_layer.learning.evaluation import gaps, without_list
from batch_layer.learning.held_out import FIRST, SEED, Held, with_first, without_items, without_users
from batch_layer.learning.served import blend_of
from batch_layer.learning.splits import TIME, split
from batch_layer.learning.teaching import ranked_by
from core.quality.ranking_quality import Floats, Interactions, Ints, Quality, Scorer, constant, quality, votes
from core.ranking.kernels import compiled
from core.ranking.learned import Learned
from recommenders import recommender
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort, scored
from recommenders.opened import blended, fit_all, of_contents, open_all
from recommenders.signals import open_signals
from schemas.metrics import BLEND

POPULARITY, RANDOM, AFTERWARDS = "popularity", "random", "popularity afterwards"
AT_ONCE = " at once"  # of a source whose run did not know the records yet
PICTURE = "picture"  # the source that needs no record, and knows nothing by one


def cold(events: Interactions, question: Question) -> dict[str, Any]:
    """Return the figures of new items and of new users; ``missing`` says why a part has none."""
    return {
        "protocol": question.protocol, "seen": question.seen, "events": len(events), "models": {},
        "new_items": _of_items(events, question), "new_users": _of_users(events, question),
    }  # fmt: skip


def _of_items(events: Interactions, question: Question) -> dict[str, Any]:
    held, names = without_items(events, question.users), of_contents()
    if not len(held.asked.users):
        return {"missing": "nothing to judge: no user who touched others touched one of the new items"}
    settings, cohort = all_on(in_process(question.settings), names), Cohort.of(held.train, question.rules)
    rankings: dict[str, Scorer] = {
        RANDOM: partial(_random, events.items),
        POPULARITY: partial(scored, open_all({}, settings)["popular"].scorer, cohort),
        AFTERWARDS: constant(votes(held.test)),
    }
    left_out: dict[str, str] = {}
    for name in watched("learning what items are", names, len(names), every=1):
        rankings |= dict(_by_contents(held, name, settings[name], cohort, left_out))
    figures = _shown({name: quality(held.asked, ranking) for name, ranking in rankings.items()}, RANDOM, left_out)
    figures["without_list"] |= {name: left_out.get(name) for name in names if name not in rankings}
    return {"items": int(held.asked.candidates.sum()), "users": len(held.asked.users), **figures}


def _by_contents(
    held: Held, name: str, settings: Any, cohort: Cohort, left_out: dict[str, str]
) -> Iterator[tuple[str, Scorer]]:
    """Yield the ranking of a run that knew the new items, and of one that did not, if it learned anything.

    Args: left_out: takes the reason why it did not.
    """
    train, model, new = held.train, recommender(name), held.asked.candidates
    learned = model.fit(InteractionsPast(train, cohort.names, left_out=left_out), settings, None)
    if learned is None:
        return
    yield name, partial(scored, model.open(learned, settings), cohort)
    known = [None if new[code] else record for code, record in enumerate(train.records)]
    before = model.fit(InteractionsPast(replace(train, records=known), cohort.names), settings, None)
    if name != PICTURE and before is not None:
        own = zip(cohort.names, cohort.records_of, new.tolist(), strict=True)
        late = [replace(record, item_id=item.decode()) for item, record, is_new in own if is_new and record]
        yield name + AT_ONCE, partial(scored, model.open(before, settings), replace(cohort, late=late, _kept={}))


def _of_users(events: Interactions, question: Question) -> dict[str, Any]:
    held = without_users(events, question.users)
    if not len(held.asked.users):
        return {"missing": f"nothing to judge: no user touches something new and known after {FIRST[-1]} events"}
    blend = blend_of([split(held.train, TIME)], question)
    settings, learns = in_process(question.settings), () if isinstance(blend, str) else blend.sources
    awake = all_on(settings, None if question.every_source else learns)
    past = InteractionsPast(held.train, Cohort.of(held.train, question.rules).names)
    artefacts = fit_all(past, awake)
    rows = {}
    for first in watched("judging by the first events", list(FIRST), len(FIRST), every=1):
        known = with_first(held, first)
        cohort = Cohort.of(known, question.rules, shrinkage=question.shrinkage, kernels=compiled())
        rankings = {
            POPULARITY: constant(votes(held.train)),
            **_serving(held, cohort, artefacts, awake, question, blend),
        }
        rows[str(first)] = _shown(
            {name: quality(held.asked, own) for name, own in rankings.items()}, POPULARITY, past.left_out
        )
    return {"users": len(held.asked.users), "by_first_events": rows}


def _serving(
    held: Held, cohort: Cohort, artefacts: dict[str, Artefact | None], awake: dict[str, Any], question: Question,
    blend: Learned | str,
) -> dict[str, Scorer]:  # fmt: skip
    """Return the ranking of each source and of the blend, by what the cohort knows of its users."""
    opened, settings = open_all(artefacts, awake), question.settings
    alone: dict[str, Scorer] = {name: partial(scored, own.scorer, cohort) for name, own in opened.items()}
    fixed = blended({name: own for name, own in opened.items() if settings[name].weight > 0}, cohort, held.asked)
    if isinstance(blend, str):
        return {**alone, BLEND: fixed}
    scorers = open_signals(blend.signals, artefacts, in_process(settings))
    learned = ranked_by(blend, scorers, cohort, int(cohort.time.max()), seen_again=False)
    return {**alone, BLEND: partial(_first_that_lists, learned, fixed)}


def _first_that_lists(learned: Scorer, fixed: Scorer, users: Ints) -> Floats:
    """Return the learned blend's scores, and for users of whom it lists nothing those of fixed weights, as serving."""
    scores = learned(users)
    lists: Floats = np.where(scores.any(axis=1, keepdims=True), scores, fixed(users))
    return lists


def _shown(qualities: dict[str, Quality], beside: str, left_out: Mapping[str, str]) -> dict[str, Any]:
    """Return each ranking's figures, its lead over one of them, user by user, and the sources that listed nothing."""
    plain = qualities[beside].by_name()
    leads = {name: gaps(own.by_name(), plain) for name, own in qualities.items() if name != beside}
    return {
        "beside": beside, "models": {name: own.summary() for name, own in qualities.items()}, "leads": leads,
        "without_list": without_list({name: own.coverage for name, own in qualities.items()}, left_out),
    }  # fmt: skip


def _random(items: int, users: Ints) -> Floats:
    """Return scores by chance, the same for the same user."""
    return np.stack([np.random.default_rng([SEED, user]).random(items) for user in users.tolist()])
