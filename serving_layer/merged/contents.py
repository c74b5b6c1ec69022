"""The models of what items' records say: loaded apart from the others, when first asked for beside a blend."""

from typing import Any, NamedTuple

from adapters.records.artefacts import read_artefact
from recommenders import recommender
from recommenders.contents import ContentScorer
from recommenders.opened import Opened
from schemas.errors import NotReady
from serving_layer.merged.models import Loading, Models, loaded
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views

AnyContents = ContentScorer[Any, Any]
OF_WORDS = ("words", "tfidf")  # the first that a generation has learned answers: what words mean comes before the words
NO_WORDS = (
    "no words are learned yet: describe items (`millrace produce items.jsonl --topic items`), then `millrace batch run`"
)


class ByWords(NamedTuple):
    """A model of words, and its name."""

    model: str
    scorer: AnyContents


class LoadingContents(Loading):
    """The words of one generation on their way."""

    def read(self, views: Views, generation: str) -> Models:
        for name in OF_WORDS:
            if (artefact := read_artefact(views.batch, generation, name)) is not None:
                return Models({name: Opened(recommender(name).open(artefact, views.recommenders[name]), 1.0)})
        return Models({})


def words_of(snapshot: Snapshot) -> ByWords | None:
    """Return the words of the snapshot's generation; None, noted in the answer, while they are being loaded.

    Raises: NotReady: there is no generation yet, or it learned no words.
    """
    models = None
    if snapshot.generation is not None:
        source = snapshot.memory.kept(Loading).loaded()
        opened = source.opened.get(OF_WORDS[0]) if source else None
        if opened is not None and isinstance(opened.scorer, ContentScorer) and opened.scorer.items:
            return ByWords(OF_WORDS[0], opened.scorer)  # it is there as a source: one copy is enough
        models = loaded(snapshot, snapshot.memory.kept(LoadingContents))
        if models is None:
            return None
    for name, opened in models.opened.items() if models else ():
        assert isinstance(opened.scorer, ContentScorer)
        return ByWords(name, opened.scorer)
    raise NotReady(NO_WORDS)
