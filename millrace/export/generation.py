"""One generation as a folder of tables and models, which appears whole or not at all."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from adapters.records.artefacts import read_artefact, read_learned
from adapters.records.books import generation_book
from adapters.records.control import read_control
from adapters.stores.port import ViewStore
from adapters.terminal.progress import progress
from core.rows.views import VIEWS
from datasets.files.output import new_folder
from millrace.export.files import table_file
from millrace.export.sources import VIEW_TABLES, rows_of_view
from recommenders import TABLE
from schemas.control import Generation
from schemas.errors import BadInput, NotReady


def write_generation(store: ViewStore, name: str | None, folder: Path, form: str) -> dict[str, Any]:
    """Write the views, the models and the facts of a generation (None: the active one); returns what was written.

    Raises:
        NotReady: there is none.      BadInput: it is not kept, or was dropped meanwhile, or the folder is there.
    """
    generation = kept_generation(store, name)
    with new_folder(folder) as partial:
        written: dict[str, int] = {}
        for view, table in VIEW_TABLES.items():
            file = partial / f"{view}.{form}"
            with table_file(file, form, table.columns) as rows, progress(f"exporting {view}") as reached:
                for together in rows_of_view(store, generation.id, view):
                    rows.add(together)
                    reached(rows.count)
            written[view] = rows.count
        models = list(_write_models(store, generation.id, partial / "models"))
        described = {**asdict(generation), "models": models}
        (partial / "generation.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
        kept_generation(store, generation.id)  # it was there to the end, so nothing is missing
    return {"generation": generation.id, "rows": written, "models": models}


def kept_generation(store: ViewStore, name: str | None) -> Generation:
    """Return a kept generation, the active one for None.

    Raises:
        NotReady: nothing is published yet.      BadInput: it is not kept.
    """
    control = read_control(store)
    if control is None or (name is None and control.active is None):
        raise NotReady("no generation is published yet: run `millrace batch run` first")
    generation = control.generation(name or control.active)
    if generation is None:
        kept = ", ".join(known.id for known in control.generations) or "none"
        raise BadInput(f"generation {name} is not kept (kept: {kept}); `millrace generations` lists them")
    return generation


def _write_models(store: ViewStore, generation: str, folder: Path) -> Iterator[str]:
    """Write each model as a file of NumPy arrays beside a JSON file of its facts and its items, in their order."""
    folder.mkdir()
    spaces = store.spaces(generation_book(generation)) - VIEWS.keys()
    for name in sorted(spaces & TABLE.keys()):
        artefact = read_artefact(store, generation, name)
        if artefact is not None:
            np.savez(folder / f"{name}.npz", **artefact.arrays)  # type: ignore[arg-type]  # arrays by name
            described = {"facts": artefact.facts, "items": [item.decode() for item in artefact.items]}
            (folder / f"{name}.json").write_text(json.dumps(described), encoding="utf-8")
            yield name
    blends = read_learned(store, generation)
    for file, seen_again in (("blend.json", False), ("blend-again.json", True)):
        if (learned := blends.of(seen_again)) is not None:
            (folder / file).write_bytes(learned.to_json())
