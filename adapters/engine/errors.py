"""Errors that come back from an engine's tasks as text: ours as the types they were, the engine's in our words."""

from schemas.errors import LogUnavailable, MillraceError, SettingsError, StoreUnavailable

FULL_DISK = "No space left on device"
# Of Kafka's Java client, as the engine reports them.
_LOST_RANGE = ("KAFKA_DATA_LOSS", "OffsetOutOfRangeException", "Some data may have been lost")
_NO_ANSWER = (
    "kafka.common.errors.TimeoutException", "kafka.common.errors.DisconnectException",
    "kafka.common.errors.NetworkException", "kafka.common.errors.NotLeaderOrFollowerException",
    "kafka.common.errors.LeaderNotAvailableException", "kafka.common.errors.BrokerNotAvailableException",
    "kafka.common.KafkaException: Failed to construct", "Cannot fetch record for offset",
)  # fmt: skip


# What the engine's Python side may raise when Java is gone, whatever was asked.
_NO_ENGINE = (ConnectionError, EOFError)


class EngineLost(MillraceError):
    """A process of the engine was killed while it was in use."""


class RangeLost(MillraceError):
    """Records were removed from the log while the engine was reading them."""


def translated(error: BaseException, *others: type[MillraceError]) -> BaseException:
    """Return what a task raised, as one of our types or of ``others`` where it is or means one; else unchanged."""
    if isinstance(error, MillraceError):
        return error
    text = str(error)
    for kind in (*others, SettingsError, StoreUnavailable, LogUnavailable):
        if f"{kind.__name__}: " in text:
            error_again: BaseException = kind(_sentence(text, f"{kind.__name__}: "))
            return error_again
    if "NewerBase" in text:
        return StoreUnavailable("the views moved on while they were read")
    return _of_a_dead_process(error, text) or _of_the_engine(text) or error


def _of_a_dead_process(error: BaseException, text: str) -> MillraceError | None:
    worker = "Python worker exited unexpectedly" in text
    if worker or isinstance(error, _NO_ENGINE) or _without_answer(error, text):
        which = "a Python worker" if worker else "Java"
        return EngineLost(
            f"a process of Spark ended ({which}), as when the system kills one for its memory; "
            "nothing that readers see has changed: run the command again, with more memory or a smaller "
            "max_events_per_batch if it happens again"
        )
    return None


def _without_answer(error: BaseException, text: str) -> bool:
    """Return whether Java said nothing; what fails in Java comes with its trace."""
    name = type(error).__name__
    return name == "Py4JNetworkError" or (
        name == "Py4JError" and "An error occurred while calling" in text and "Trace:" not in text
    )


def _of_the_engine(text: str) -> MillraceError | None:
    if FULL_DISK in text:
        return SettingsError(
            "a disk is full (No space left on device): free space where the home and the lake are, then run the "
            "command again; nothing that readers see has changed"
        )
    if any(sign in text for sign in _LOST_RANGE):
        return RangeLost(
            "the log no longer holds records that were being read, as when retention removes them: run the command "
            "again, it names what is missing"
        )
    for sign in _NO_ANSWER:
        if sign in text:
            return LogUnavailable(f"the log did not answer the engine: {_sentence(text, sign)[:300] or sign}")
    return None


def _sentence(text: str, name: str) -> str:
    """Return what follows the error's name in a traceback's last line."""
    return next(line.split(name, 1)[-1].strip(" :") for line in text.splitlines() if name in line)
