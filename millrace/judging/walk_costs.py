"""What an answer costs at the end of a walk: of each source, and of the blend as it is served."""

import time
from collections.abc import Sequence
from functools import partial

from batch_layer.learning.costs import ASKED, Clock, median_ms
from core.quality.ranking_quality import LIST
from core.ranking.features import PLACES
from recommenders.port import Question
from schemas.metrics import BLEND
from serving_layer.answers.recommend import recommend
from serving_layer.answers.sources import Wish, sources_of
from serving_layer.merged.catalogue import Page
from serving_layer.merged.sums import MergedSums, standing_of
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views


def answers_ms(
    views: Views, users: Sequence[bytes], seen_again: bool, clock: Clock = time.process_time
) -> dict[str, float]:
    """Return how long each source takes for one user's candidates, at the median, and a whole answer of the blend.

    Servers compute so: by the compiled kernels, from views that are in memory.
    """
    asked, wish = list(dict.fromkeys(users))[:ASKED], Wish(Page(LIST), include_seen=seen_again)

    def of_sources(snapshot: Snapshot) -> dict[str, float]:
        questions = [
            Question(snapshot.history(user), MergedSums(snapshot), standing=standing_of(snapshot, user))
            for user in asked
        ]
        opened = sources_of(snapshot, questions[0], wish).models.opened
        out = dict[str, float]()
        for name, source in opened.items():
            source.scorer.candidates(questions[0], PLACES)  # what users share is computed before
            asking = [partial(source.scorer.candidates, own, PLACES) for own in questions]
            out[name] = median_ms(clock, asking)
        return out

    def of_blend(snapshot: Snapshot) -> float:
        recommend(snapshot, asked[0], wish)
        return median_ms(clock, [partial(recommend, snapshot, user, wish) for user in asked])

    return {**answer(views, of_sources), BLEND: answer(views, of_blend)}


def _question(snapshot: Snapshot, user: bytes) -> Question:
    return Question(snapshot.history(user), MergedSums(snapshot), standing=standing_of(snapshot, user))
