"""Makes a home of an archive, once all of it was read and compared."""

import json
import shutil
from pathlib import Path
from typing import Any

from adapters.machine.home import PRIVATE_UMASK
from adapters.settings.places import RECOMMENDERS
from adapters.terminal.progress import progress
from datasets.files.output import new_folder
from millrace.backup.archive import MANIFEST, Manifest, checked, members
from millrace.backup.parts import HOUSE_RULES

SETTINGS = "millrace.toml"


def restore(archive: Path, home: Path) -> Manifest:
    """Fill a new home; it appears whole or not at all.

    Raises:
        BadInput: the archive is damaged, or the folder is there already; nothing was written.
    """
    home = home.absolute()
    size = archive.stat().st_size if archive.exists() else 0
    with progress("checking the backup", size) as reached:
        manifest = checked(archive, reached)
    with new_folder(home) as folder, progress("restoring", size) as reached:
        for name, content in members(archive, reached):
            if name == MANIFEST:
                break
            path = folder / name
            path.parent.mkdir(mode=0o777 & ~PRIVATE_UMASK, parents=True, exist_ok=True)
            with path.open("xb") as file:
                path.chmod(0o600)
                shutil.copyfileobj(content, file, 1 << 20)
        (folder / SETTINGS).write_text(settings_text(manifest, home), encoding="utf-8")
    return manifest


def settings_text(manifest: Manifest, home: Path) -> str:
    """Return the settings of the restored home as a file: of the original without its addresses, with its own home."""
    sections: dict[str, dict[str, Any]] = {}
    tables: dict[str, dict[str, Any]] = {}
    for place, value in manifest.settings.items():
        section, _, key = place.rpartition(".")
        if place == RECOMMENDERS:
            for name, table in value.items():
                tables.setdefault(name, {}).update(table)
        elif section.startswith(f"{RECOMMENDERS}."):
            tables.setdefault(section.removeprefix(f"{RECOMMENDERS}."), {})[key] = value
        else:
            sections.setdefault(section, {})[key] = value
    sections |= {f"{RECOMMENDERS}.{name}": table for name, table in tables.items()}
    if HOUSE_RULES in manifest.files:
        sections.setdefault("reading", {})["business_rules"] = str(home / HOUSE_RULES)
    lines = [f"# restored from a backup of Millrace {manifest.version}"]
    lines += [f"home = {_toml(str(home))}", *_keys(sections.pop("", {}))]
    for section, keys in sorted(sections.items()):
        lines += ["", f"[{section}]", *_keys(keys)]
    left_out = [f"# left out, as it says where the original keeps its parts: {place}" for place in manifest.left_out]
    return "\n".join([*lines, "", *left_out, ""])


def _keys(keys: dict[str, Any]) -> list[str]:
    return [f"{_toml(key)} = {_toml(value)}" for key, value in keys.items()]


def _toml(value: Any) -> str:
    """Return a value of a settings file in TOML, whose strings are escaped as JSON's are."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
