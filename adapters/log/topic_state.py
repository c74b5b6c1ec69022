"""Reads how the topics are set on the cluster; what that means is ``core.partitions.topic_settings``'s to say."""

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]

from adapters.log.client import TIMEOUT_SECONDS, translated
from adapters.log.kafka_log import Log
from core.partitions.topic_settings import Finding, TopicState, judge
from schemas.errors import SettingsError

_FORBIDDEN = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}


def findings(log: Log, retention_ms: int, seconds: float = TIMEOUT_SECONDS) -> list[Finding]:
    """Return what is wrong with the topics that exist, fatal findings first.

    Args:
        retention_ms: the setting of that name.      seconds: how long an answer may take.
    Raises: LogUnavailable; SettingsError when the cluster refuses this client altogether.
    """
    with translated(log.bootstrap):
        cluster = log.admin.list_topics(timeout=seconds)
        named = {role: name for role, name in vars(log.topics).items() if name in cluster.topics}
        copies = {
            name: min((len(partition.replicas) for partition in cluster.topics[name].partitions.values()), default=0)
            for name in named.values()
        }
        states, hidden = _states(log.admin, named, copies)
    unread = [
        Finding(name, "cannot be checked, as its settings cannot be read", "Permit DescribeConfigs on it")
        for name in hidden
    ]
    return judge(states, retention_ms, len(cluster.brokers)) + unread


def require_sound_topics(log: Log, retention_ms: int) -> None:
    """Refuse topics that lose records, as a compacted topic of events does.

    Raises: SettingsError, which names the remedy.
    """
    for finding in findings(log, retention_ms):
        if finding.fatal:
            raise SettingsError(finding.text)


def say_warnings(log: Log, retention_ms: int, say: Callable[[str], None]) -> None:
    """Tell a person what is wrong but stops nothing."""
    for finding in findings(log, retention_ms):
        say(f"warning: {finding.text}")


def _states(
    admin: AdminClient, named: Mapping[str, str], copies: Mapping[str, int]
) -> tuple[dict[str, TopicState], list[str]]:
    """Return the states by role, and the names of topics whose settings this client may not read."""
    asked = {role: ConfigResource(ConfigResource.Type.TOPIC, name) for role, name in named.items()}
    if not asked:
        return {}, []
    answers = admin.describe_configs(list(asked.values()), request_timeout=TIMEOUT_SECONDS)
    states, hidden = dict[str, TopicState](), list[str]()
    for role, resource in asked.items():
        try:
            states[role] = _state(named[role], answers[resource].result(TIMEOUT_SECONDS + 1), copies[named[role]])
        except KafkaException as error:
            if error.args[0].code() not in _FORBIDDEN:
                raise
            hidden.append(named[role])
    return states, hidden


def _state(name: str, entries: Mapping[str, Any], copies: int) -> TopicState:
    values = {key: entry.value for key, entry in entries.items()}
    return TopicState(
        name,
        frozenset(policy.strip() for policy in values["cleanup.policy"].split(",")),
        int(values["retention.ms"]),
        int(values["retention.bytes"]),
        int(values["max.message.bytes"]),
        copies,
    )
