"""Compiles what the layers run, once for each version: `make setup` does it, so that no first start waits for it."""

from contextlib import suppress

from adapters.broker.classes import keep_classes
from adapters.machine.compiled import keep_compiled, mark_of
from adapters.terminal.reporting import reporter
from schemas.errors import MillraceError


def main() -> None:
    """Run the steps of the speed layer, answers and a broker once, unless this version has done so on this machine."""
    keep_compiled()
    with suppress(MillraceError):  # no Java here, or no jars: whoever needs the broker gets the reason
        keep_classes()
    whole = mark_of("whole")
    if whole.exists():
        return
    from serving_layer import warm_up
    from serving_layer.reading.views import WARM_UP
    from speed_layer.warm_up import rehearse

    reporter("setup")("compiling, once for this version: about a minute")
    rehearse()
    warm_up.rehearse()
    with suppress(OSError):  # there is no place for a cache: every start compiles
        whole.parent.mkdir(parents=True, exist_ok=True)
        for mark in (whole, mark_of(WARM_UP)):
            mark.touch()


if __name__ == "__main__":
    main()
