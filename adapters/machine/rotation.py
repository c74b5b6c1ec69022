"""Keeps logs of children from filling the disk: their writers append, so a log can be emptied under them."""

import os
import shutil
from pathlib import Path

MAX_LOG_BYTES = 16 << 20


def begin_again(log: Path, most: int = MAX_LOG_BYTES) -> bool:
    """Move the content of a log of more than ``most`` bytes to ``NAME.1``, replacing that; returns whether it did."""
    try:
        if log.stat().st_size <= most:
            return False
    except FileNotFoundError:
        return False
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)
    return True
