"""How many cores this process may use."""

import math
import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of the container, as "microseconds period"; "max …" where there is none


def cores(quota: Path = QUOTA) -> int:
    """Return how many processes can compute at once here: by this process's cores and its container's quota."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text().split()
        return max(1, min(available, math.ceil(int(allowed) / int(period))))
    except (OSError, ValueError):
        return available
