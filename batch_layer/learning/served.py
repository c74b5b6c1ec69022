"""Rankings as they serve, of a part of the events and for many users: each source by itself, and their blend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from batch_layer.learning.asking import InteractionsPast, Question, all_on, in_process
from batch_layer.learning.costs import Costs, answer_ms, ranked_ms, timed_fits
from batch_layer.learning.lessons import context_of
from batch_layer.learning.splits import Split
from batch_layer.learning.teaching import FIXED, from_splits, ranked_by
from core.quality.ranking_quality import Interactions, Judged, Scorer
from core.ranking.blend import Knots
from core.ranking.kernels import compiled
from core.ranking.learned import Learned
from recommenders.cohort import Cohort, scored
from recommenders.opened import asked_for, blended, open_all
from recommenders.signals import open_signals
from schemas.metrics import BLEND


@dataclass(frozen=True)
class Served:
    """What serves: each source ``alone``, in the order of the table, and the ``blend``.

    ``fixed``: the blend by the weights of the tables, which serves where nothing was learned or seen items are listed.
    ``knots_of``: how a learned blend's scores go together with hits of a user. ``left_out``: why recommenders learned
    nothing, by name.
    """

    alone: dict[str, Scorer]
    blend: Scorer
    fixed: Scorer
    costs: Costs = field(default_factory=Costs)
    knots_of: Callable[[int], Knots] = lambda _: ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def blend_of(splits: Sequence[Split], question: Question) -> Learned | str:
    """Return the blend that an evaluation ranks by, learned from splits of its earlier part; a sentence if fixed.

    The stored coefficients have learned from the newest events, so they know what an evaluation asks. The same fit on
    the earlier part does not.
    """
    return from_splits(splits, question) if question.learns else FIXED


def served(train: Interactions, asked: Judged, question: Question, blend: Learned | str = FIXED) -> Served:
    """Return the rankings that the training part alone teaches.

    Args: blend: the learned one; a sentence where the weights are fixed.
    """
    cohort = Cohort.of(train, question.rules, shrinkage=question.shrinkage, kernels=compiled())
    settings, learns = in_process(question.settings), () if isinstance(blend, str) else blend.sources
    awake = all_on(settings, None if question.every_source else learns)
    costs = Costs(blended=asked_for(settings) if isinstance(blend, str) else blend.sources)
    past = InteractionsPast(train, cohort.names)
    artefacts = timed_fits(past, awake, costs)
    opened = open_all(artefacts, awake)
    alone: dict[str, Scorer] = {name: partial(scored, source.scorer, cohort) for name, source in opened.items()}
    fixed = blended({name: own for name, own in opened.items() if settings[name].weight > 0}, cohort, asked)
    if isinstance(blend, str):
        own = Served(alone, fixed, fixed, costs, left_out=past.left_out)
    else:
        scorers = open_signals(blend.signals, artefacts, settings)
        as_of = int(train.time.max())
        ranked = ranked_by(blend, scorers, cohort, as_of, question.seen_again)
        own = Served(alone, ranked, fixed, costs, partial(_knots_of, blend, cohort, as_of), past.left_out)
    if question.every_source:
        costs.answers.update({name: answer_ms(source.scorer, cohort, asked.users) for name, source in opened.items()})
        costs.answers[BLEND] = ranked_ms(own.blend, asked.users)
    return own


def _knots_of(blend: Learned, cohort: Cohort, as_of: int, user: int) -> Knots:
    return blend.knots_for(context_of(cohort.question(user), as_of))
