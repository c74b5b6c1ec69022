"""The models of what items' records say: loaded apart from the others, when first asked for beside a blend."""

from adapters.records.artefacts import read_artefact
from recommenders import recommender
from recommenders.opened import Opened
from recommenders.tfidf.scorer import TfidfScorer
from schemas.errors import NotReady
from serving_layer.merged.models import Loading, Models, loaded
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views

TFIDF = "tfidf"
NO_WORDS = (
    "no words are learned yet: describe items (`millrace produce items.jsonl --topic items`), then `millrace batch run`"
)


class LoadingContents(Loading):
    """The words of one generation on their way."""

    def read(self, views: Views, generation: str) -> Models:
        artefact = read_artefact(views.batch, generation, TFIDF)
        if artefact is None:
            return Models({})
        scorer = recommender(TFIDF).open(artefact, views.recommenders[TFIDF])
        return Models({TFIDF: Opened(scorer, 1.0)})


def words_of(snapshot: Snapshot) -> TfidfScorer | None:
    """Return the words of the snapshot's generation; None, noted in the answer, while they are being loaded.

    Raises: NotReady: there is no generation yet, or it learned no words.
    """
    models = None
    if snapshot.generation is not None:
        models = loaded(snapshot, snapshot.memory.kept(LoadingContents))
        if models is None:
            return None
    opened = models.opened.get(TFIDF) if models else None
    if opened is None:
        raise NotReady(NO_WORDS)
    assert isinstance(opened.scorer, TfidfScorer)
    return opened.scorer
