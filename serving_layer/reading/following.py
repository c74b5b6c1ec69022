"""Views that this process follows."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from serving_layer.reading.follower import Follower
from serving_layer.reading.views import Views


@contextmanager
def followed(views: Views) -> Iterator[Views]:
    """Provide the views, and those of experiments, with a follower each, as long as the block lasts."""
    with ExitStack() as stack:
        for shown in (views, *views.variants.values()):
            stack.enter_context(Follower(shown).running())
        yield views
