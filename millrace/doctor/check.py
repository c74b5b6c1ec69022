"""The result of a check."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """The result of one check. ``remedy`` is empty when nothing is wrong; only required checks fail the command."""

    name: str
    found: str
    remedy: str = ""
    required: bool = True

    @property
    def well(self) -> bool:
        return not self.remedy
