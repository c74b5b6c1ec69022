"""Synthetic events of a ``World``: sessions of people with tastes, in order of arrival.

The span is cut into slices, each with a random generator of its own, so that any number of events needs the memory
of one slice. Events after the end (``live_events``) continue the same world.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from datasets.files.output import write_lines
from datasets.synthetic.pinboard import PinBoard
from datasets.synthetic.world import DAY_MS, HOUR_MS, Floats, GeneratorSettings, Ints, World

__all__ = ["GeneratorSettings", "World", "generate_events", "live_events", "write_board", "write_dataset"]

SLICE_EVENTS = 50_000
REPORTED_EVERY = 10_000
_ARCHIVE, _LIVE = 1, 2  # streams of random numbers
_KINDS = ("view", "impression", "click", "like", "save", "cart", "purchase", "rating", "remove")
_SHARES = (0.62, 0.10, 0.09, 0.04, 0.02, 0.06, 0.04, 0.025, 0.005)
_PURCHASE, _RATING, _REMOVE = (_KINDS.index(kind) for kind in ("purchase", "rating", "remove"))
_DEVICES = ("web", "ios", "android")
_DAY_SWING = 0.6  # the busiest hour has (1 + 0.6)/(1 - 0.6) times the quietest's events
Json = dict[str, Any]


@dataclass(frozen=True)
class Burst:
    """A planted rush: the items get this share of the events."""

    items: Sequence[str]
    share: float = 0.5


class _Span(NamedTuple):
    """One slice: ``size`` events that arrive from ``start`` to ``end`` (epoch ms), their ids begun by ``prefix``.

    With ``days_end`` the hours of the days that end then are not equally busy.
    """

    size: int
    start: int
    end: int
    prefix: str
    days_end: int | None = None


def generate_events(settings: GeneratorSettings, world: World | None = None) -> Iterator[Json]:
    """Yield exactly ``settings.events`` events of the contract, in order of arrival, none after the end."""
    world = world or World(settings)
    slices = -(-settings.events // SLICE_EVENTS)
    length = settings.end_ms - settings.start_ms
    for number in range(slices):
        first, last = number * settings.events // slices, (number + 1) * settings.events // slices
        bounds = [settings.start_ms + length * place // settings.events for place in (first, last)]
        rng = np.random.default_rng([settings.seed, _ARCHIVE, number])
        span = _Span(last - first, bounds[0], bounds[1], f"g{settings.seed}-{number}", settings.end_ms)
        yield from _slice(world, rng, span)


def live_events(
    world: World, part: int, count: int, span_ms: tuple[int, int], burst: Burst | None = None
) -> Iterator[Json]:
    """Return more events of the same world that arrive in ``span_ms`` (from, to; epoch ms), in that order.

    Args:
        part: the number of the continuation; equal numbers yield equal events.
        count: at least 1.
        burst: items of this world that are suddenly in demand.
    """
    rng = np.random.default_rng([world.settings.seed, _LIVE, part])
    span = _Span(count, *span_ms, f"g{world.settings.seed}-live{part}")
    return _slice(world, rng, span, burst)


def _slice(world: World, rng: np.random.Generator, span: _Span, burst: Burst | None = None) -> Iterator[Json]:
    settings = world.settings
    resent = int(span.size * settings.resent_share)
    n = span.size - resent
    session, arrival = _sessions(rng, n, span)
    late = rng.random(n) < settings.late_share
    delay = np.where(late, rng.uniform(HOUR_MS / 12, 6 * HOUR_MS, n), 0).astype(np.int64)
    time = np.maximum(arrival - delay, settings.start_ms)
    users = world.draw_users(rng.random(n))[session]
    items = _items(world, rng, users, time)
    if burst:
        chosen = np.array([world.place_of[item_id] for item_id in burst.items])
        items = np.where(rng.random(n) < burst.share, chosen[rng.integers(0, len(chosen), n)], items)
    kinds = rng.choice(len(_KINDS), n, p=_SHARES)
    _pair_up(world, rng, session, items, kinds)
    order = np.argsort(arrival, kind="stable")
    if resent:  # up to 10 events later: a history still remembers the id
        at = np.sort(rng.choice(n, resent, replace=False))
        order = np.insert(order, np.minimum(at + rng.integers(1, 11, resent), n), order[at])
    values = _values(rng, kinds, world.item_cluster[items] == world.user_cluster[users])
    yield from _spelled(world, span, order, np.stack([time, kinds, users, items, session]), values)


def _sessions(rng: np.random.Generator, n: int, span: _Span) -> tuple[Ints, Ints]:
    """Return each event's session number and time of arrival; a session's events are neighbours, about five each."""
    starts = rng.random(n) < 0.2
    starts[0] = True
    first, session = np.flatnonzero(starts), np.cumsum(starts) - 1
    elapsed = np.cumsum(rng.exponential(40_000, n))
    within = elapsed - elapsed[first][session]
    span_ms = span.end - span.start
    within *= np.minimum(1.0, span_ms / np.maximum(1.0, np.maximum.reduceat(within, first)))[session]
    room = span_ms - np.maximum.reduceat(within, first)
    arrival = span.start + (rng.random(len(first)) * room)[session] + within
    if span.days_end is not None:
        phase = 2 * np.pi / DAY_MS  # a monotone warp that leaves whole days before the end where they are
        arrival += _DAY_SWING / phase * np.sin(phase * (arrival - span.days_end))
    return session, arrival.astype(np.int64)


def _items(world: World, rng: np.random.Generator, users: Ints, time: Ints) -> Ints:
    """Return items by taste and popularity, or the item that is trending when the event happens."""
    n = len(users)
    stray = rng.random(n) >= world.settings.loyalty
    cluster = np.where(stray, rng.integers(0, world.clusters, n), world.user_cluster[users])
    items = world.draw_items(cluster, rng.random(n))
    for item, onset in world.trends:
        items[(rng.random(n) < world.settings.trend_share) & (time >= onset)] = item
    return items


def _pair_up(world: World, rng: np.random.Generator, session: Ints, items: Ints, kinds: Ints) -> None:
    """Turn events on paired items into two purchases in a row, and let a remove undo what came before it, in place."""
    same = session[1:] == session[:-1]
    tempted = rng.random(len(same)) < world.settings.companionship
    first = np.flatnonzero(same & (world.partner[items[:-1]] >= 0) & tempted)
    first = first[np.diff(first, prepend=-2) > 1]
    items[first + 1] = world.partner[items[first]]
    kinds[first] = kinds[first + 1] = _PURCHASE
    undo = np.flatnonzero(same & (kinds[1:] == _REMOVE)) + 1
    items[undo] = items[undo - 1]


def _values(rng: np.random.Generator, kinds: Ints, liked: NDArray[np.bool_]) -> Floats:
    """Return the stars (0.5 to 5) of a rating, the pieces of a purchase."""
    stars = np.clip(np.round(2 * rng.normal(np.where(liked, 4.0, 2.5), 0.7)) / 2, 0.5, 5.0)
    pieces = 1 + rng.poisson(0.3, len(kinds))
    return np.where(kinds == _RATING, stars, pieces)


def _spelled(world: World, span: _Span, order: Ints, columns: Ints, values: Floats) -> Iterator[Json]:
    categories = [world.category(place) for place in range(world.settings.items)]
    numbers, amounts = columns[:, order].T.tolist(), values[order].tolist()
    for place, (time, kind, user, item, session), amount in zip(order.tolist(), numbers, amounts, strict=True):
        event = {
            "event_id": f"{span.prefix}-{place}",
            "event_time": time,
            "kind": _KINDS[kind],
            "user_id": f"user-{user}",
            "item_id": world.item_ids[item],
            "session_id": f"{span.prefix}-s{session}",
            "device": _DEVICES[user % len(_DEVICES)],
            "category": categories[item],
        }
        if kind in (_PURCHASE, _RATING):
            event["value"] = amount if kind == _RATING else int(amount)
        yield event


def write_dataset(settings: GeneratorSettings, out: Path, progress: Callable[[int], None]) -> World:
    """Write events to ``out``, and ``items.jsonl`` and ``truth.json`` beside it; ``progress`` takes lines written."""
    world = World(settings)
    _write(
        out, generate_events(settings, world), world.items(), {"settings": asdict(settings), **world.truth()}, progress
    )
    return world


def write_board(board: PinBoard, out: Path, progress: Callable[[int], None]) -> None:
    """Write the same files of a pin board."""
    _write(out, board.generate(), board.items_records(), {"settings": asdict(board), **board.truth()}, progress)


def _write(out: Path, events: Iterator[Json], items: list[Json], truth: Json, progress: Callable[[int], None]) -> None:
    encode = msgspec.json.Encoder().encode

    def counted() -> Iterator[bytes]:
        for number, event in enumerate(events, 1):
            yield encode(event)
            if number % REPORTED_EVERY == 0:
                progress(number)

    write_lines(out, counted())
    write_lines(out.parent / "items.jsonl", map(encode, items))
    write_lines(out.parent / "truth.json", [json.dumps(truth, indent=1).encode()])
