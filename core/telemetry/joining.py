"""The numbers of several processes as one: counters and histograms add up, gauges join as their family says. Pure."""

from collections.abc import Iterable, Mapping

from core.telemetry.families import FAMILIES

Key = tuple[str, tuple[str, ...]]  # family, values of its labels
Numbers = Mapping[Key, tuple[float, ...]]


def joined(processes: Iterable[Numbers]) -> dict[Key, tuple[float, ...]]:
    """Return the sums of all processes' numbers, and for gauges what their families ask for.

    What this version does not know, or has with other buckets, is left out: another version wrote it.
    """
    whole: dict[Key, tuple[float, ...]] = {}
    for numbers in processes:
        for key, cells in numbers.items():
            family = FAMILIES.get(key[0])
            if family is None or len(cells) != family.cells or len(key[1]) != len(family.labels):
                continue
            before = whole.get(key)
            if before is None:
                whole[key] = cells
            elif family.kind == "gauge" and family.joins == "max":
                whole[key] = (max(before[0], cells[0]),)
            else:
                whole[key] = tuple(a + b for a, b in zip(before, cells, strict=True))
    return whole


def lasting(numbers: Numbers) -> dict[Key, tuple[float, ...]]:
    """Return what still counts once the process has ended: a gauge describes only a living one."""
    return {key: cells for key, cells in numbers.items() if key[0] in FAMILIES and FAMILIES[key[0]].kind != "gauge"}
