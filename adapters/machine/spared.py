"""Packages that a process does without, though others load them where they are installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder


@dataclass(frozen=True)
class WholeProcess:
    """Marks a command that is all that its process does, as the object of click's context."""


def spare_pandas() -> None:
    """Have pyarrow do without pandas, which it loads with the first array, only to ask whether a list is a series.

    That takes 0.3 s of processor time and 40 MiB. Whoever imports pandas later has it, but pyarrow takes none of it.
    """
    with _absent("pandas"):
        import pyarrow as pa

        pa.array([0])


def spare_scipy() -> None:
    """Have numba do without SciPy's linear algebra, which it loads to see whether ``np.dot`` can be compiled.

    That takes 0.2 s of processor time. Code that was compiled before stays as it is; none that this process still
    compiles may use ``np.dot`` or ``np.linalg``.
    """
    with _absent("scipy"):
        import numba.np.arraymath  # noqa: F401 - it looks once, when it is imported


@dataclass(frozen=True)
class _Absent(MetaPathFinder):
    """Finds nothing, and says of one package that it is not installed."""

    package: str

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"{fullname} is left out", name=fullname)


@contextmanager
def _absent(package: str) -> Iterator[None]:
    """Let first imports of the package fail in the block."""
    finder = _Absent(package)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
