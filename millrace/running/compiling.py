"""Compiles what the layers run, once for each version: `make setup` does it, so that no first start waits for it."""

from contextlib import suppress

from adapters.broker.classes import keep_classes
from adapters.machine.compiled import keep_compiled
from adapters.terminal.reporting import reporter
from schemas.errors import MillraceError


def main() -> None:
    """Run the steps of the speed layer and a broker once, unless this version has done so on this machine."""
    keep_compiled()
    with suppress(MillraceError):  # no Java here, or no jars: whoever needs the broker gets the reason
        keep_classes()
    from adapters.machine.numba_cache import cache_root, digest

    whole = cache_root() / f"core-{digest()}" / "whole"
    if whole.exists():
        return
    from speed_layer.warm_up import rehearse

    reporter("setup")("compiling, once for this version: about half a minute")
    rehearse()
    with suppress(OSError):  # there is no place for a cache: every start compiles
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.touch()


if __name__ == "__main__":
    main()
