"""User and item ids as arguments of commands, including ids that look like options."""

import re

import click

from adapters.terminal.commands import Converted

_NUMBER = "\0"  # before an id that would look like options; no argument of a program can hold it


class IdCommand(click.Command):
    """A command that takes ids such as -8845298; no option begins with two digits."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [_NUMBER + arg if re.fullmatch(r"-\d{2,}", arg) else arg for arg in args])


def _identifier(text: str) -> bytes:
    from core.events.fields import identifier

    try:
        given = identifier(text.removeprefix(_NUMBER).encode().decode())
    except UnicodeError:
        given = None
    if given is None:
        raise ValueError(f"{text!r} is not an id: 1 to 256 characters of UTF-8, none of them a control character")
    return given.encode()


ID = Converted("id", _identifier)
