"""Compiles what answers and posts run; as a program, for the cache that other processes load from."""

from adapters.machine.compiled import keep_compiled
from core.ranking.kernels import compiled
from core.rows.codec import pack_seen, pack_sums
from core.rows.views import merge_seen, merge_sums
from schemas.rules import Rules


def rehearse() -> None:
    """Run the compiled code once on something small."""
    from core.events.posted import load

    compiled()
    merge_sums(pack_sums([(b"a", 1)]), pack_sums([(b"b", 1)]))
    merge_seen(pack_seen([(b"a", 1, 1)]), pack_seen([(b"b", 1, 1)]))
    load(Rules())


if __name__ == "__main__":
    keep_compiled()
    rehearse()
