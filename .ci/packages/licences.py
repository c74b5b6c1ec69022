"""Lists the licences of the packages that Millrace runs with, and refuses those that a user could not accept.

Run as ``python .ci/packages/licences.py``: prints one line per licence. 1: one is unknown or not acceptable.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, metadata
from pathlib import Path

LOCKS = Path(__file__).resolve().parents[2] / "requirements"
# What Millrace runs with, and its optional parts.
RUN_WITH = ("runtime.txt", "pictures.txt", "neural.txt", "weights.txt")
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
    locks = "\n".join((LOCKS / name).read_text() for name in RUN_WITH)
    for name in sorted(set(re.findall(r"^([A-Za-z0-9._-]+)==", locks, re.MULTILINE))):
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
    given = (about.get("License") or "unknown").strip().splitlines()[0]
    return given[:60] if given.lower() != "unknown" else _first_line_of_file(package)


def _first_line_of_file(package: str) -> str:
    """Return how the licence begins that a package carries as a file: its title, where it names none elsewhere."""
    for file in distribution(package).files or ():
        if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
            return (file.read_text().strip().splitlines() or ["unknown"])[0][:60]
    return "unknown"


if __name__ == "__main__":
    sys.exit(main())
