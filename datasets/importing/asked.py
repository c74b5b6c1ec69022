"""The importer that the command's options ask for."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import BadInput
from schemas.event import LATEST_AHEAD_MS

CSV = "csv"


def importer_of(path: Path, settings: Any, options: Mapping[str, Any]) -> Any:
    """Return the importer of the format or mapping that was asked for, with its options.

    Raises: BadInput.
    """
    from datasets.files.tally import Tally
    from datasets.formats.base import Importer
    from datasets.formats.delimited import Columns, Delimited
    from datasets.formats.known import mapping_named

    chosen = import_options(settings.fold.kinds, options)
    if options["format"] != CSV:
        return Importer(path, chosen, Tally(), mapping_named(options["format"], settings.home))
    given = {name: options[name] for name in Columns.__dataclass_fields__ if options[name]}
    return Delimited(path, chosen, Tally(), Columns(**given))


def import_options(kinds: Any, options: Mapping[str, Any]) -> Any:
    """Return the options that all formats share."""
    from datasets.fields.acceptance import NULL_WORDS, ImportOptions
    from datasets.files.text import require_encoding

    require_encoding(options["encoding"])
    words = dict(options["kind_map"])
    for kind in {*words.values()} - {"", *kinds}:
        raise BadInput(f"--kind-map: {kind!r} is no kind; the kinds are {', '.join(kinds)}")
    shared = {name: options[name] for name in ("table", "encoding", "decimal", "keep_blanks")}
    null, latest = frozenset(options["null"]) or NULL_WORDS, time.time_ns() // 1_000_000 + LATEST_AHEAD_MS
    return ImportOptions(options["user_column"] or "", kinds, words, latest, null=null, **shared)
