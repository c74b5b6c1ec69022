"""Fetches what others wrote for the page and its tests, as the lists beside those files name it, by `npm pack`.

Run as ``python .ci/packages/vendored.py``: writes the files, their licences and their checksums. A file is as it was
published but for its name and, where the list says so, for the name of a module that it imports. A test holds the
files to the checksums; nothing is fetched to build or to run.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LISTS = (ROOT / "serving_layer/page/vendored.json", ROOT / "tests/browser/axe/vendored.json")
LICENCE = "LICENSE"


def main() -> int:
    """Bring all files of all lists up to date."""
    for path in LISTS:
        listed = json.loads(path.read_text(encoding="utf-8"))
        folder = path.parent / listed["folder"]
        folder.mkdir(parents=True, exist_ok=True)
        for package in listed["packages"]:
            _fetch(package, folder)
        path.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
    return 0


def _fetch(package: dict[str, object], folder: Path) -> None:
    named = f"{package['package']}@{package['version']}"
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(["npm", "pack", "--silent", named], cwd=scratch, check=True, capture_output=True)  # noqa: S607
        with tarfile.open(Path(scratch) / done.stdout.decode().strip().splitlines()[-1]) as packed:
            for entry in package["files"]:
                body = _read(packed, entry["from"])
                for old, new in entry.get("replaced", {}).items():
                    assert old.encode() in body, f"{named}: {entry['from']} has no {old}"
                    body = body.replace(old.encode(), new.encode())
                (folder / entry["name"]).write_bytes(body)
                entry["sha256"] = sha256(body).hexdigest()
            (folder / str(package["licence_file"])).write_bytes(_read(packed, LICENCE))
    print(f"{named}: {package['licence']}")


def _read(packed: tarfile.TarFile, name: str) -> bytes:
    file = packed.extractfile(f"package/{name}")
    assert file is not None
    return file.read()


if __name__ == "__main__":
    sys.exit(main())
