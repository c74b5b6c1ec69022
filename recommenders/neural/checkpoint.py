"""A fit's checkpoint: one file per model in the run's scratch folder, replaced after each epoch, deleted at the end."""

import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from recommenders.neural.training import Reached

ABOUT = "about"


def place_of(scratch: str, name: str) -> Path | None:
    """Return the model's file; None where the run has no folder on this machine's disk."""
    return Path(scratch) / f"{name}.checkpoint.npz" if scratch and "://" not in scratch else None


@dataclass(frozen=True)
class Checkpoint:
    """``digest``: of all that decides the fit; a file of another one is of no use."""

    path: Path
    digest: str

    def save(self, reached: "Reached") -> None:
        """Replace the file, all of it or nothing."""
        facts = {"digest": self.digest, "epoch": reached.epoch, "loss": reached.loss, "worse": reached.worse,
                 "losses": reached.losses, "memory": len(reached.memory)}  # fmt: skip
        arrays = {f"params/{key}": np.asarray(own) for key, own in reached.params.items()}
        arrays |= {f"best/{key}": np.asarray(own) for key, own in reached.best.items()}
        arrays |= {f"memory/{k}": np.asarray(own) for k, own in enumerate(reached.memory)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        with new.open("wb") as file:
            np.savez(file, **{ABOUT: np.array(json.dumps(facts))}, **arrays)  # type: ignore[arg-type]
        new.replace(self.path)

    def load(self, say: Callable[[str], None]) -> "Reached | None":
        """Return how far the same fit came; None, with a sentence if the file cannot be read, to begin from scratch."""
        from recommenders.neural.training import Reached

        if not self.path.is_file():
            return None
        try:
            with self.path.open("rb") as stored, np.load(stored, allow_pickle=False) as file:
                facts = json.loads(str(file[ABOUT]))
                if facts["digest"] != self.digest:
                    return None
                params, best = (
                    {key.partition("/")[2]: file[key] for key in file.files if key.startswith(part)}
                    for part in ("params/", "best/")
                )
                memory = [file[f"memory/{k}"] for k in range(facts["memory"])]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            say(f"the checkpoint {self.path} cannot be read and is not used: {error}")
            return None
        return Reached(params, memory, best, facts["epoch"], facts["loss"], facts["worse"], facts["losses"])

    def delete(self) -> None:
        """Delete the file, and its folder if nothing else is in it."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.parent.rmdir()
