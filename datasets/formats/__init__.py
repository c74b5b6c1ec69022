"""The formats of public data sets and shops: a mapping each, in a document that is named after it."""

from functools import partial
from importlib.resources import files
from pathlib import Path

from datasets.fields.acceptance import ImportOptions
from datasets.files.tally import Tally
from datasets.formats.base import Importer
from datasets.mapping.document import Mapping, text_mapping

NAMES = tuple(
    sorted(entry.name.removesuffix(".toml") for entry in files(__package__).iterdir() if entry.name.endswith(".toml"))
)


def format_named(name: str) -> Mapping:
    """Return the mapping that comes with Millrace under this name."""
    return text_mapping((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"), name)


def _importer(name: str, path: Path, options: ImportOptions, tally: Tally) -> Importer:
    return Importer(path, options, tally, format_named(name))


IMPORTERS = {name: partial(_importer, name) for name in NAMES}
