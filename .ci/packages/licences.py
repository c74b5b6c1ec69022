"""Lists the licences of the packages that Millrace runs with, and refuses those that a user could not accept.

Run as ``python .ci/packages/licences.py``: prints one line per licence. 1: one is unknown or not acceptable.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

LOCK = Path(__file__).resolve().parents[2] / "requirements" / "runtime.txt"
# What a name must contain to be accepted: permissive licences, and weak copyleft of whole files or libraries.
ACCEPTED = (
    "apache",
    "mit",
    "bsd",
    "isc",
    "psf",
    "python software foundation",
    "mpl",
    "mozilla",
    "unlicense",
    "lgpl",
    "zlib",
    "0bsd",
)
REFUSED = ("agpl", "gpl", "sspl", "busl", "business source", "commons clause", "proprietary")


def main() -> int:
    """Print the list."""
    by_licence: dict[str, list[str]] = {}
    wrong = []
    for name in re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(), re.MULTILINE):
        licence = _licence(name)
        if licence is None:
            continue  # of another system or Python than this one
        by_licence.setdefault(licence, []).append(name)
        words = licence.lower()
        if any(word in words.replace("lgpl", "") for word in REFUSED) or not any(word in words for word in ACCEPTED):
            wrong.append(f"{name}: {licence}")
    for licence, names in sorted(by_licence.items()):
        print(f"{licence}: {', '.join(sorted(names))}")
    for entry in wrong:
        print(f"licences: not accepted, {entry}", file=sys.stderr)
    return 1 if wrong else 0


def _licence(package: str) -> str | None:
    """Return the licence's name; None where the package is not installed."""
    try:
        about = metadata(package)
    except PackageNotFoundError:
        return None
    if about.get("License-Expression"):
        return about["License-Expression"]
    named = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier") or () if c.startswith("License :: ")]
    named = [name for name in named if name != "OSI Approved"]
    if named:
        return " or ".join(sorted(named))
    text = (about.get("License") or "unknown").strip().splitlines()[0]
    return text[:60]


if __name__ == "__main__":
    sys.exit(main())
