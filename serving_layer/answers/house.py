"""House rules on a ranking: items are moved, left out or pinned, and each row names the rules that acted on it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from core.codes.item_index import UNKNOWN
from core.house.rules import BOOST, BURY, EXCLUDE, PIN, HouseRule
from serving_layer.merged.catalogue import Described, describe
from serving_layer.reading.snapshot import Snapshot

RULED = 2_000  # rows that rules may move: what comes later keeps its order behind them


class Ranked(NamedTuple):
    """A row of a ranking. ``blended``: its score before the rules, from which its confidence follows."""

    code: int
    score: float
    blended: float
    rules: tuple[str, ...] = ()
    is_blended: bool = True  # False: pinned, and no source names it
    explored: bool = False  # it has its place by chance, as a new item
    pinned: bool = False


Row = tuple[bytes, Ranked]


def ruled(
    snapshot: Snapshot, ranking: Iterator[Row], rules: Sequence[HouseRule], is_excluded: Callable[[int], bool]
) -> Iterator[Row]:
    """Return the ranking under the rules. Args: is_excluded: whether the item of a code may not be listed at all."""
    if not rules:
        return ranking
    head = list(islice(ranking, RULED))
    pinned = _pinned(snapshot, rules, is_excluded)
    about = describe(snapshot, [name for name, _ in head])
    moved = [row for row in (_moved(row, about[row[0]], rules) for row in head) if row is not None]
    moved = [(name, ranked) for name, ranked in moved if name not in pinned]
    moved.sort(key=lambda row: -row[1].score)  # stable: equal ones keep the blend's order
    blended = dict(head)
    for name, (place, rule) in sorted(pinned.items(), key=lambda entry: (entry[1][0], entry[0])):
        known = blended.get(name, Ranked(snapshot.index.find(name), 0.0, 0.0, is_blended=False))
        moved.insert(place - 1, (name, known._replace(rules=(rule,), pinned=True)))
    return chain(moved, _rest(snapshot, ranking, rules, pinned))


def about_item(rules: Sequence[HouseRule], name: bytes, about: Described) -> list[HouseRule]:
    """Return the rules that are about the item, in the file's order."""
    brand, tags = (about.record.brand, about.record.tags) if about.record else (None, ())
    return [rule for rule in rules if rule.meets(name.decode(), brand, about.categories, tags)]


def _moved(row: Row, about: Described, rules: Sequence[HouseRule]) -> Row | None:
    """Return the row with its new score; None for one that a rule leaves out."""
    name, ranked = row
    acting = about_item(rules, name, about)
    if any(rule.does == EXCLUDE for rule in acting):
        return None
    moving = [rule for rule in acting if rule.does in (BOOST, BURY)]
    score = ranked.score
    for rule in moving:
        score *= rule.amount
    return name, ranked._replace(score=score, rules=tuple(rule.name for rule in moving))


def _pinned(
    snapshot: Snapshot, rules: Sequence[HouseRule], is_excluded: Callable[[int], bool]
) -> dict[bytes, tuple[int, str]]:
    """Return the places of pinned items that may be listed, and the rule of each: the file's first one."""
    out: dict[bytes, tuple[int, str]] = {}
    for rule in rules:
        for place, item in enumerate(sorted(rule.item or ()), int(rule.amount)) if rule.does == PIN else ():
            out.setdefault(item.encode(), (place, rule.name))
    about = describe(snapshot, list(out))
    return {
        name: pin
        for name, pin in out.items()
        if about[name].known
        and not any(rule.does == EXCLUDE for rule in about_item(rules, name, about[name]))
        and any(rule.name == pin[1] for rule in about_item(rules, name, about[name]))
        and ((code := snapshot.index.find(name)) == UNKNOWN or not is_excluded(code))
    }


def _rest(
    snapshot: Snapshot, ranking: Iterator[Row], rules: Sequence[HouseRule], pinned: dict[bytes, tuple[int, str]]
) -> Iterator[Row]:
    """Yield what comes behind the moved rows, without what rules leave out."""
    while chunk := [row for row in islice(ranking, RULED) if row[0] not in pinned]:
        about = describe(snapshot, [name for name, _ in chunk])
        for row in chunk:
            if all(rule.does != EXCLUDE for rule in about_item(rules, row[0], about[row[0]])):
                yield row
