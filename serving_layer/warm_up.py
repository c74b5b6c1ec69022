"""Compiles what answers and posts run; as a program, for the cache that other processes load from."""

from adapters.machine.compiled import keep_compiled
from core.ranking.kernels import compiled
from core.rows.codec import History, pack_history, pack_norm, pack_seen, pack_sums
from core.rows.views import HISTORY, NORMS, PAIRS, SEEN
from schemas.rules import Rules
from serving_layer.memory.carried import FEW, joined


def rehearse() -> None:
    """Run the compiled code once on something small."""
    from core.events.posted import load

    compiled()
    row, words = pack_sums([(b"a", 1)]), pack_seen([(b"a", 1, 1)])
    history = pack_history(History())
    for view, change in ((PAIRS, row), (SEEN, words), (NORMS, pack_norm(1)), (HISTORY, history)):
        for few_or_many in (2, FEW + 2):
            joined(view, [[change] * few_or_many])
    load(Rules())


if __name__ == "__main__":
    keep_compiled()
    rehearse()
