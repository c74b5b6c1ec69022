"""What the engine's failures are reported as."""

import pytest

from adapters.engine.errors import EngineLost, translated

WORKER = "Job aborted: Lost task 0.0: org.apache.spark.SparkException: Python worker exited unexpectedly"


@pytest.mark.parametrize("error", [RuntimeError(WORKER), ConnectionRefusedError(111, "refused"), EOFError()])
def test_a_process_of_the_engine_that_was_killed_is_reported_in_words(error: BaseException) -> None:
    lost = translated(error)
    assert isinstance(lost, EngineLost)
    assert "run the command again" in str(lost)


def test_what_nobody_knows_stays_as_it_is() -> None:
    error = RuntimeError("something else")
    assert translated(error) is error
