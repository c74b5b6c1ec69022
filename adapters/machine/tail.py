"""What a child writes to its log, passed on as it grows."""

import sys
from pathlib import Path

from adapters.machine.rotation import begin_again
from core.text.visible import visible


class Tail:
    """The lines of a log that were not shown yet, from its end at first on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._shown = log.stat().st_size if log.exists() else 0

    def show(self) -> None:
        """Print new whole lines to stderr; a log that grew large begins again."""
        if not self._log.exists():
            return
        with self._log.open("rb") as lines:
            lines.seek(self._shown)
            fresh = lines.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._shown += len(whole)
        sys.stderr.write(visible(whole.decode(errors="replace"), lines=True))
        sys.stderr.flush()
        if begin_again(self._log):
            self._shown = 0
