"""``millrace reproduce ANSWER.json``."""

import json
from typing import Any, BinaryIO

import click

from adapters.settings import load_settings
from adapters.terminal.commands import CATEGORY, MOST_ROWS, as_json, echo, print_json, reports_errors
from adapters.terminal.identifiers import ID
from schemas.errors import BadInput

SHOWN = 20  # differences


@click.command()
@click.argument("answer", type=click.File("rb"))
@click.option("-n", type=click.IntRange(1, MOST_ROWS), help="The question's n. Default: the number of the rows.")
@click.option("--offset", type=click.IntRange(0, MOST_ROWS), default=0, help="The question's offset.")
@click.option("--category", type=CATEGORY, multiple=True, help="The question's categories.")
@click.option("--cursor", help="The question's cursor.")
@click.option("--exclude", multiple=True, type=ID, help="The question's items not to list.")
@click.option("--include-seen", is_flag=True, help="The question asked for seen items, too.")
@as_json
@reports_errors
def reproduce(answer: BinaryIO, category: tuple[str, ...], as_json: bool, **beside: Any) -> None:
    """Compute an answer again that was given once (ANSWER: its JSON, - for stdin), and compare it field by field.

    The answer's header names a generation and a prefix of the log. The events of this prefix are read again from lake
    and log and folded by the slow path of `verify`; the generation's models are the kept ones. An answer does not hold
    all of its question: the options give the rest. Exit status 1 when a field differs or something needed is not kept.
    """
    from adapters.broker.opening import open_log
    from millrace.reproduce.comparing import compared
    from millrace.reproduce.questions import Beside, kind_of
    from millrace.reproduce.recomputing import Recomputing, again, experiments_of, header_of, notes_of

    given = _read(answer)
    kind, named = kind_of(given), header_of(given)
    settings, notes = load_settings(), notes_of(named)
    with open_log(settings) as log:
        ask = kind.ask(given, Beside(category=frozenset(category) or None, **beside))
        tried = experiments_of(given, settings)
        snapshot = Recomputing(log, settings, notes, tried).snapshot(named, kind)
        result = compared(given, again(snapshot, given, ask))
    same = not result.differences
    if as_json:
        differences = [vars(difference) for difference in result.differences]
        print_json(
            {"reproduced": same, "kind": kind.name, "generation": named.generation, "offsets": named.offsets,
             "fields": result.fields, "differences": differences, "notes": notes}
        )  # fmt: skip
    else:
        _show(kind.name, result, notes)
    if not same:
        raise click.exceptions.Exit(1)


def _read(file: BinaryIO) -> dict[str, Any]:
    try:
        answer = json.loads(file.read())
    except ValueError as error:
        raise BadInput(f"{file.name} is not JSON ({error})") from error
    if not isinstance(answer, dict):
        raise BadInput(f"{file.name} holds no answer: an answer is one JSON object")
    return answer


def _show(kind: str, result: Any, notes: list[str]) -> None:
    if not result.differences:
        echo(f"reproduced: all {result.fields:,} values of these {kind} are as they were given")
    else:
        echo(f"{len(result.differences):,} of {result.fields:,} values of these {kind} differ")
    for difference in result.differences[:SHOWN]:
        echo(f"  {difference.field}: given {difference.given!r}, recomputed {difference.recomputed!r}")
    if len(result.differences) > SHOWN:
        echo(f"  and {len(result.differences) - SHOWN:,} more")
    for note in notes:
        echo(f"note: {note}", err=True)
