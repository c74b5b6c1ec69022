"""What a person should do, as sentences with the remedy: the ``messages`` of ``status``. Pure.

Each function here looks at one part and returns its messages; ``messages`` puts them in order. What another part has
to say is one more function and one more line there.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.control.changes import needs_new_epoch
from core.control.fingerprints import why_not_configured
from core.events.remedies import advice
from core.rows.codec import Facts
from schemas.control import Control, Generation, Position
from schemas.rules import Rules

MUCH_EXCESS = 100  # events of one user in a week: people have fewer beyond their share
MANY_DUPLICATES = 0.01  # share of all accepted events: beyond it the ids are not unique, rather than sent twice


@dataclass(frozen=True)
class Waiting:
    """Users who are marked and not forgotten yet: how many, and since when the first one (epoch ms)."""

    users: int
    since: int


@dataclass(frozen=True)
class Situation:
    """What ``status`` has read; None if it is unknown.

    ``pending``: why a new epoch of the speed layer must begin.      ``others``: messages made elsewhere.
    ``excess_users``: users with the most events beyond their share in the last week, with the number.
    ``crowded``: dimensions of activity with very many counters in an hour, with the number.
    """

    generation: str | None
    facts: Facts
    rules: Rules
    control: Control | None
    pending: str | None
    waiting: Waiting | None
    speed: dict[str, Any]
    schedule: dict[str, Any] | None
    others: Sequence[str] = field(default_factory=tuple)
    excess_users: Sequence[dict[str, Any]] = field(default_factory=tuple)
    crowded: Sequence[dict[str, Any]] = field(default_factory=tuple)


def messages(situation: Situation) -> list[str]:
    """Return all messages, those about data first."""
    return [
        *advice(situation.facts.rejected or {}, situation.facts.events + situation.facts.duplicates, situation.rules),
        *_duplicates(situation.facts, situation.rules),
        *_excess(situation),
        *_crowded(situation),
        *_published(situation),
        *_other_rules(situation),
        *(about_control(situation.control) if situation.control else []),
        *_forgetting(situation),
        *_running(situation),
        *_scheduled(situation.schedule),
        *situation.others,
    ]


def pending_epoch(control: Control, position: Position | None) -> str | None:
    """Return why a new epoch must begin, or has begun without the speed layer; None before one ever ran."""
    return needs_new_epoch(control, position) if control.epoch else None


def about_control(control: Control) -> list[str]:
    """Return messages about a rollback that holds and generations that the gate refused."""
    out = []
    if control.held:
        out.append(
            f"a rollback holds {control.active or 'the empty generation'}: scheduled batch runs publish without "
            "activating until `millrace rollback --release` or a `millrace batch run` by hand"
        )
    newest = newest_refused(control)
    if control.refused and newest is not None:
        times = f"the last {control.refused} generations" if control.refused > 1 else "the newest generation"
        reasons = "; ".join(newest.measured.gate.reasons)
        out.append(
            f"the gate refused {times}, so {control.active or 'the empty generation'} serves on ({reasons}): mend what "
            f"it names and run `millrace batch run`, or activate it all the same: `millrace rollback {newest.id}`"
        )
    active = control.generation(control.active)
    drifted = active.measured.gate.warnings if active else ()
    return out + [f"generation {control.active}: {warning}" for warning in drifted]


def newest_refused(control: Control) -> Generation | None:
    """Return the newest kept generation that the gate refused."""
    refused = [g for g in control.generations if not g.measured.gate.passed]
    return refused[-1] if refused else None


def _duplicates(facts: Facts, rules: Rules) -> list[str]:
    """Return why many events have no effect, if many have none."""
    accepted = facts.events + facts.duplicates
    if facts.duplicates <= MANY_DUPLICATES * accepted:
        return []
    return [
        f"{facts.duplicates:,} of {accepted:,} accepted events are duplicates without effect: their event_id is among "
        f"the last {rules.remembered_ids} of their user. That is right for events that were sent twice. If "
        "the id is an order number, each order counts with its first line only: give each line an id of its own "
        "(order and line, or `import csv` without --event-id) and send the events again"
    ]


def _excess(situation: Situation) -> list[str]:
    """Return who sends more events on one item than people do, if anybody does."""
    many = [user for user in situation.excess_users if user["events"] >= MUCH_EXCESS]
    if not many:
        return []
    named = ", ".join(f"{user['user_id']} ({user['events']:,})" for user in many)
    return [
        f"{situation.facts.excess:,} events are beyond {situation.rules.counted_per_day} a day by one user on one item "
        f"and do not count in popularity and trends; in the last week most are of {named}. A program should send no "
        "events of its own; `millrace forget USER` takes what it did out of everything else too"
    ]


def _crowded(situation: Situation) -> list[str]:
    """Return which dimensions of the counters seem to hold ids."""
    return [
        f"events are counted by {one['dimension']} under {one['counters']:,} names or more within an hour. If its "
        "values are ids (of sessions, of campaigns), the counters grow without limit and say nothing: leave "
        f"{one['dimension']!r} out of `dimensions` of `[fold]`, stop the speed layer and run "
        "`millrace batch run --full`"
        for one in situation.crowded
    ]


def _published(situation: Situation) -> list[str]:
    return [] if situation.generation else ["no generation is published yet: run `millrace batch run`"]


def _other_rules(situation: Situation) -> list[str]:
    """Return a message if neither layer may add to the current views."""
    why = why_not_configured(situation.control, situation.rules) if situation.control else None
    return [] if why is None else [f"nothing is added to the views any more: {why}"]


def _forgetting(situation: Situation) -> list[str]:
    waiting, control = situation.waiting, situation.control
    if waiting is None or not waiting.users or control is None:
        return []
    who = "1 user waits" if waiting.users == 1 else f"{waiting.users:,} users wait"
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(waiting.since / 1000))
    ready = [generation for generation in control.generations if generation.forgotten > control.forgotten]
    then = "run `millrace batch run --full`, which puts it into effect whatever else the gate finds but wrong sums"
    if ready:
        name, passed = ready[-1].id, ready[-1].measured.gate.passed
        why = "a rollback holds" if passed else "the gate refused it"
        then = f"generation {name} forgets them and is not active, as {why}; {then}"
    return [f"{who} to be forgotten, the first since {since}: {then}"]


def _running(situation: Situation) -> list[str]:
    out = []
    if situation.pending:
        out.append(
            f"a new epoch of the speed layer is pending ({situation.pending}): until it begins answers come from the "
            "generation alone; a speed layer that runs begins it by itself, `millrace speed run` or `millrace up` "
            "starts one"
        )
    if not situation.speed["alive"]:
        out.append("no speed layer runs: `millrace speed run` or `millrace up` starts one")
    return out


def _scheduled(schedule: dict[str, Any] | None) -> list[str]:
    if schedule is None or not schedule["alive"]:
        return []
    if schedule["failures"]:
        times, error = schedule["failures"], schedule["last"]["error"]
        return [f"scheduled batch runs failed {times} time(s) in a row, last: {error}"]
    return []
