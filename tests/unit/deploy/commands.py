"""Command lines of ours in files that other programs read."""

import click

from millrace.__main__ import main


def parsed(arguments: list[str]) -> None:
    """Have click read a command line without running it; raises for what no command takes."""
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        name, *arguments = arguments
        inner = command.get_command(context, name)
        assert inner is not None, name
        command = inner
    command.make_context(command.name, arguments)
