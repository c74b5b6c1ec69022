"""What the engine's failures are reported as."""

import pytest
from py4j.protocol import Py4JError, Py4JNetworkError

from adapters.engine.errors import EngineLost, translated

WORKER = "Job aborted: Lost task 0.0: org.apache.spark.SparkException: Python worker exited unexpectedly"


UNANSWERED = "An error occurred while calling o82.readStream"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(WORKER), ConnectionRefusedError(111, "refused"), EOFError(),
        Py4JNetworkError("Error while sending or receiving"), Py4JError(UNANSWERED),
    ],
)  # fmt: skip
def test_a_process_of_the_engine_that_was_killed_is_reported_in_words(error: BaseException) -> None:
    lost = translated(error)
    assert isinstance(lost, EngineLost)
    assert "run the command again" in str(lost)


def test_what_nobody_knows_stays_as_it_is() -> None:
    for error in (RuntimeError("something else"), Py4JError(f"{UNANSWERED}. Trace:\nat Some.java")):
        assert translated(error) is error
