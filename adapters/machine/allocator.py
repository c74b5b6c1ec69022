"""How this process's allocator treats large blocks."""

import ctypes
from contextlib import suppress

LARGE_BYTES = 256 * 1024
M_MMAP_THRESHOLD = -3  # of glibc's mallopt


def give_large_blocks_back() -> None:
    """Have the system take back every block of ``LARGE_BYTES`` and more as soon as it is freed; glibc alone needs it.

    By default glibc raises that bound to the size of the largest block that was freed. Blocks of 15 MB then lie among
    small ones, and a process that took ten such bodies kept 300 MB and more.
    """
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
