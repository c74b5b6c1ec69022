"""Judges how topics are set on the cluster: others may have made them, and some settings lose records in silence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

UNLIMITED = -1
# The client sends up to 1,000,000 bytes at once, and a topic must take such a batch whole.
LEAST_MESSAGE_BYTES = 1_000_000
HEADER_BYTES = 64 * 1024  # a dead letter is larger than its record by some headers
_UNITS = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1_000}
COMPACT, BATCHES = "cleanup.policy=compact", "max.message.bytes=1048588"


@dataclass(frozen=True)
class TopicState:
    """One topic's settings on the cluster; ``policy`` holds the parts of ``cleanup.policy``."""

    name: str
    policy: frozenset[str]
    retention_ms: int
    retention_bytes: int
    max_message_bytes: int
    replication: int


@dataclass(frozen=True)
class Finding:
    """What is wrong with a topic, and the remedy; a ``fatal`` one stops both layers."""

    topic: str
    found: str
    remedy: str
    fatal: bool = False

    @property
    def text(self) -> str:
        """One sentence for what is found, one for the remedy."""
        return f"topic {self.topic} {self.found}. {self.remedy}"


def judge(states: Mapping[str, TopicState], retention_ms: int, brokers: int) -> list[Finding]:
    """Return all that is wrong, fatal findings first.

    Args:
        states: the topics that exist and can be read, by role (``events``, ``items``, ``users``, ``dead_letters``,
            ``forgotten``).
        retention_ms: the setting: how long ``events`` shall keep records; -1: without limit.
        brokers: how many the cluster has.
    """
    out: list[Finding] = []
    for role, state in states.items():
        out += _compacted(state) if role in ("items", "users") else _appended(role, state, retention_ms)
        out += _copies(state, brokers)
    out += _sizes(states)
    return sorted(out, key=lambda finding: not finding.fatal)


def _appended(role: str, state: TopicState, retention_ms: int) -> Iterator[Finding]:
    """Yield the findings on topics whose every record counts."""
    if "compact" in state.policy:
        fault = (
            f"is compacted ({_policy(state)}): Kafka removes all but the newest record of each key, so events are lost"
        )
        remedy = f"{_alter(state, 'cleanup.policy=delete')}, and send again what was lost"
        yield Finding(state.name, fault, remedy, fatal=True)
        return
    wanted = retention_ms if role == "events" else UNLIMITED
    if state.retention_ms != UNLIMITED and (wanted == UNLIMITED or state.retention_ms < wanted):
        asked = "no limit" if wanted == UNLIMITED else _span(wanted)
        fault = (
            f"keeps records for {_span(state.retention_ms)} (retention.ms={state.retention_ms}), Millrace asks for "
            f"{asked}: older ones are removed, and what needs them stops"
        )
        meant = ", or set retention_ms of Millrace to it if that is meant" if role == "events" else ""
        yield Finding(state.name, fault, _alter(state, f"retention.ms={wanted}") + meant)
    if state.retention_bytes != UNLIMITED:
        fault = (
            f"keeps {state.retention_bytes:,} bytes a partition (retention.bytes): older records are removed, and what "
            "needs them stops"
        )
        yield Finding(state.name, fault, _alter(state, "retention.bytes=-1"))


def _compacted(state: TopicState) -> Iterator[Finding]:
    """Yield the findings on topics of which the newest record of each key must stay."""
    limited = state.retention_ms != UNLIMITED or state.retention_bytes != UNLIMITED
    if state.policy == {"compact"} or (state.policy == {"compact", "delete"} and not limited):
        return
    lost = f"after {_span(state.retention_ms)}" if state.retention_ms != UNLIMITED else "beyond retention.bytes"
    why = f"descriptions are removed {lost}" if limited else "every earlier description is kept"
    yield Finding(state.name, f"has not {COMPACT} alone ({_policy(state)}): {why}", _alter(state, COMPACT))


def _copies(state: TopicState, brokers: int) -> Iterator[Finding]:
    if state.replication == 1 and brokers > 1:
        fault = f"has one copy (replication factor 1) on {brokers} brokers: losing one broker loses records"
        remedy = "Add replicas with kafka-reassign-partitions.sh; set default.replication.factor for new topics"
        yield Finding(state.name, fault, remedy)


def _sizes(states: Mapping[str, TopicState]) -> Iterator[Finding]:
    for state in states.values():
        if state.max_message_bytes < LEAST_MESSAGE_BYTES:
            yield Finding(state.name, f"{_takes(state)}: batches of records are refused", _alter(state, BATCHES))
    events, letters = states.get("events"), states.get("dead_letters")
    if events and letters and letters.max_message_bytes < events.max_message_bytes + HEADER_BYTES:
        fault = (
            f"{_takes(letters)}, {events.name} {events.max_message_bytes:,}: a large record that is rejected could not "
            "be kept and would stop both layers"
        )
        wanted = events.max_message_bytes + HEADER_BYTES
        yield Finding(letters.name, fault, _alter(letters, f"max.message.bytes={wanted}"))


def _policy(state: TopicState) -> str:
    return f"cleanup.policy={','.join(sorted(state.policy))}"


def _takes(state: TopicState) -> str:
    return f"takes {state.max_message_bytes:,} bytes at once (max.message.bytes)"


def _alter(state: TopicState, change: str) -> str:
    return f"Set it: kafka-configs.sh --alter --topic {state.name} --add-config {change}"


def _span(milliseconds: int) -> str:
    """Return a duration in the largest unit of which it holds at least one."""
    for name, length in _UNITS.items():
        if milliseconds >= length:
            number = f"{milliseconds / length:,.4g}"
            return f"{number} {name}{'' if number == '1' else 's'}"
    return f"{milliseconds} ms"
