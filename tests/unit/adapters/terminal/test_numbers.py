"""Numbers of commands."""

import click
import pytest
from click.testing import CliRunner

from adapters.terminal.numbers import Number


@click.command()
@click.option("--rate", type=Number(0, min_open=True))
def command(rate: float) -> None:
    click.echo(rate)


@pytest.mark.parametrize("given", ["nan", "inf", "-inf", "0", "many"])
def test_what_is_no_number_of_the_range_is_refused(given: str) -> None:
    assert CliRunner().invoke(command, ["--rate", given]).exit_code == 2


def test_a_number_of_the_range_is_taken() -> None:
    assert CliRunner().invoke(command, ["--rate", "0.5"]).stdout == "0.5\n"
