"""What the command ``import`` reports: JSON on stdout for programs, or sentences; hints on stderr."""

from collections.abc import Sequence
from typing import Any

from adapters.terminal.commands import echo, print_json
from schemas.errors import BadInput

MOST_NAMES = 30  # of a row's members, in a message


def report(outcome: dict[str, Any], importer: Any, as_json: bool, wrote: str) -> None:
    """Report the outcome and where every line went."""
    from datasets.importing.hints import hints

    tally, remedies = importer.tally, hints(importer.tally, importer.options)
    beside = {name: _counted(side) for name, side in tally.beside.items()}
    if as_json:
        print_json({**outcome, **_counted(tally), "beside": beside, "examples": tally.examples, "hints": remedies})
    else:
        for sentence in (tally.lines_sentence(), tally.sentence(), wrote):
            echo(sentence)
    for hint in remedies:
        echo(f"hint: {hint}", err=True)


def report_trial(first: Sequence[Any], count: int, items: int, importer: Any, as_json: bool) -> None:
    """Report what an import would do, with the first events."""
    import msgspec

    if not as_json:
        for event in first:
            echo(msgspec.json.encode(event).decode())
    outcome = {"dry_run": True, "events": count, "items": items, "first": list(first)}
    report(outcome, importer, as_json, f"nothing is written: {count:,} events and {items:,} items would be")


def nothing_kept(importer: Any, as_json: bool) -> BadInput:
    """Return the error of an import of which nothing is left, after its counts have been reported."""
    tally = importer.tally
    report({"events": 0, "items": 0}, importer, as_json, "wrote nothing")
    why = ", ".join(reason for reason, _ in tally.dropped.most_common(3)) or "there are no rows"
    has = ", ".join(importer.first_names[:MOST_NAMES]) if any(map(_says_missing, tally.dropped)) else ""
    return BadInput(f"nothing is kept of {importer.path}: {why}" + (f"; its first row has {has}" if has else ""))


def _says_missing(reason: str) -> bool:
    return reason.startswith(("no user_id", "no item_id", "no event_time", "no kind", "no entry"))


def empty_share(importer: Any, as_json: bool, share: Any) -> BadInput:
    """Return the error of a share that holds no event, after the counts have been reported."""
    report({"events": 0, "items": 0}, importer, as_json, "wrote nothing")
    fractions = f"--from-fraction {share.from_fraction:g} and --until-fraction {share.until_fraction:g}"
    return BadInput(f"none of the {importer.tally.kept:,} events lies between {fractions}: widen the share")


def _counted(tally: Any) -> dict[str, Any]:
    counts = {name: dict(getattr(tally, name)) for name in ("dropped", "notes", "explained")}
    return {"kept": tally.kept, **counts, "lines": tally.lines}
