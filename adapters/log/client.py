"""What every Kafka client here shares: its settings, and errors in terms of what a person must do."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from schemas.errors import BadInput, LogUnavailable, MillraceError, NotReady, SettingsError

TIMEOUT_SECONDS = 10.0
FIRST_WAIT_SECONDS = 0.25  # of a client that may be told to stop waiting; each further wait is twice as long
# Larger than any of our topics takes, so that the topic decides.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_LOG_NOTHING = "0"  # every failure is raised as an error; librdkafka would repeat it on stderr

_REFUSED = {
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError._INVALID_ARG,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.POLICY_VIOLATION,
    KafkaError.INVALID_CONFIG,
    KafkaError.INVALID_REPLICATION_FACTOR,
    KafkaError.INVALID_PARTITIONS,
    KafkaError.INVALID_REQUEST,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.UNSUPPORTED_VERSION,
}
_NO_TOPIC = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
_SILENT = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN}
_TOO_LARGE = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE}


def client_settings(bootstrap: str, options: Mapping[str, str]) -> dict[str, str | int | float | bool]:
    """Return the settings of any client; ``options`` are librdkafka's own (security and such) and win."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "millrace",
        "log_level": _LOG_NOTHING,
        "socket.timeout.ms": int(TIMEOUT_SECONDS * 1000),
        "reconnect.backoff.ms": 20,  # a broker that has just started is found at once
        "reconnect.backoff.max.ms": 1000,
        **options,
    }


def cluster_id(bootstrap: str, options: Mapping[str, str], timeout: float = TIMEOUT_SECONDS) -> str:
    """Return the id of the cluster that answers there. Raises LogUnavailable when none does."""
    with translated(bootstrap):
        admin = AdminClient(client_settings(bootstrap, options))
        return str(admin.describe_cluster(request_timeout=timeout).result(timeout + 1).cluster_id)


def wait_until_reachable(bootstrap: str, options: Mapping[str, str], ended: Event) -> None:
    """Return once a broker answers, whatever it says, or soon after ``ended`` is set.

    Raises: LogUnavailable when none answers within ``TIMEOUT_SECONDS``.
    """
    with translated(bootstrap):
        admin = AdminClient(client_settings(bootstrap, options))
        deadline, wait = time.monotonic() + TIMEOUT_SECONDS, FIRST_WAIT_SECONDS
        while not ended.is_set():
            left = deadline - time.monotonic()
            try:
                admin.list_topics(timeout=min(wait, max(left, FIRST_WAIT_SECONDS)))
                return
            except KafkaException as error:
                if error.args[0].code() not in _SILENT:
                    return  # whoever opens the log reports it
                if left <= wait:
                    raise
            wait *= 2


@contextmanager
def translated(bootstrap: str) -> Iterator[None]:
    """Raise the client's errors as ours."""
    try:
        yield
    except KafkaException as error:
        raise as_ours(error.args[0], bootstrap) from error
    except TimeoutError as error:
        raise _unreachable(bootstrap, "no answer in time") from error


def as_ours(error: KafkaError, bootstrap: str) -> MillraceError:
    """Return the client's error, grouped by what the caller must do."""
    code, text = error.code(), error.str()
    if code in _REFUSED:
        return SettingsError(f"the log at {bootstrap} refuses: {text}; check the settings kafka and kafka_options")
    if code in _NO_TOPIC:
        return NotReady(
            f"the log at {bootstrap} lacks a topic ({text}); `millrace produce` or `millrace up` creates it"
        )
    if code in _TOO_LARGE:
        return BadInput(f"the log at {bootstrap} takes no record this large; raise max.message.bytes of its topic")
    return _unreachable(bootstrap, text)


def _unreachable(bootstrap: str, why: str) -> LogUnavailable:
    return LogUnavailable(
        f"the log at {bootstrap} cannot be reached ({why}); check that the broker runs and the setting kafka names it"
    )
