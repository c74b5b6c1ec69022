"""Remedies for dropped rows and for notes, one sentence each."""

from datasets.fields.acceptance import ImportOptions
from datasets.files.records import STRAY_QUOTE
from datasets.files.tally import Tally
from datasets.files.text import NOT_UTF8
from datasets.formats.repeats import OTHER_ITEMS

# Beginning of a reason or note -> the remedy; {example} is the first cell that was counted.
_REMEDIES = {
    "no kind for": "--kind-map WORD=KIND translates a word, WORD= leaves it out; the kinds are {kinds}",
    "unreadable time": "--time-format names how times are written ({example!r} is not one): epoch-s, epoch-ms, "
    "epoch-us, epoch-ns, iso or a pattern such as '%d.%m.%Y %H:%M'",
    "no user_id": "where only an order's first line names the customer: --fill-down COLUMN, --fill-within ORDER_COLUMN",
    "value is not a number": "{example!r} is no number with --decimal {decimal}",
    "value left out": "{example!r} is no number with --decimal {decimal}; the events are kept without a value",
    "price left out": "{example!r} is no price with --decimal {decimal}; the items are kept without one",
    OTHER_ITEMS: "{example!r} names more than one event: name further columns with --event-id, or none",
    "user_id taken as empty": "{example!r} counts as empty; --null WORD names the words that do",
    "item_id taken as empty": "{example!r} counts as empty; --null WORD names the words that do",
    "user_id in quotes": "the file quotes its cells: --quoting minimal",
    "item_id in quotes": "the file quotes its cells: --quoting minimal",
    NOT_UTF8: "if letters look wrong, name the encoding with --encoding, e.g. cp1251",
    STRAY_QUOTE: "if the file quotes nothing: --quoting none",
}


def hints(tally: Tally, options: ImportOptions) -> list[str]:
    """Return the remedies for what was counted, each once."""
    remedies: dict[str, None] = {}
    for what in (*tally.dropped, *tally.notes):
        for beginning, remedy in _REMEDIES.items():
            if what.startswith(beginning):
                example, kinds = tally.examples.get(what, ""), ", ".join(options.kinds)
                remedies[remedy.format(example=example, kinds=kinds, decimal=options.decimal)] = None
    return list(remedies)
