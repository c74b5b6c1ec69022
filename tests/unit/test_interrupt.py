"""Ctrl-C and SIGTERM end a command that does not handle them itself."""

import os
import signal
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from adapters.commands import INTERRUPTED, reports_errors


@pytest.fixture
def handlers() -> Iterator[None]:
    """Those of the test run come back."""
    kept = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in kept.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_what_was_begun_is_ended_and_one_sentence_tells(which: signal.Signals) -> None:
    released = []

    @click.command()
    @reports_errors
    def command() -> None:
        try:
            os.kill(os.getpid(), which)
            signal.pause()
        finally:
            released.append(True)

    result = CliRunner().invoke(command)
    assert (result.exit_code, result.output) == (INTERRUPTED, "millrace: interrupted\n")
    assert released
