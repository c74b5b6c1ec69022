"""Looks for known weaknesses of the locked packages (pip-audit); skipped, with a sentence, where nobody can be asked.

Run as ``python .ci/packages/audit.py``: 0 nothing is known, or it was skipped; 1 a package has a known weakness.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv-audit"
LOCKS = ("runtime", "dev")


def main() -> int:
    """Report what is known of each lock."""
    if not _installed():
        print("pip-audit: skipped, as it cannot be installed here (requirements/audit.txt)")
        return 0
    return max(_audited(ROOT / "requirements" / f"{name}.txt") for name in LOCKS)


def _installed() -> bool:
    tool, uv = HOME / "bin" / "pip-audit", str(Path(sys.executable).with_name("uv"))
    if tool.exists():
        return True
    lock = str(ROOT / "requirements" / "audit.txt")
    steps = (
        [uv, "venv", "--quiet", "--python", sys.executable, str(HOME)],
        [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(HOME / "bin" / "python"), "-r", lock],
    )
    return all(subprocess.run(step, check=False, capture_output=True).returncode == 0 for step in steps)


def _audited(lock: Path) -> int:
    words = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json", "-r", str(lock)]
    try:
        done = subprocess.run(
            [HOME / "bin" / "pip-audit", *words], check=False, capture_output=True, text=True, timeout=300
        )
        packages = json.loads(done.stdout)["dependencies"]
        asked = [package for package in packages if "skip_reason" not in package]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        asked = []
    if not asked:
        print(f"pip-audit: skipped for {lock.name}, as no source of advisories can be reached")
        return 0
    weak = [(package["name"], package["version"], entry) for package in asked for entry in package.get("vulns", ())]
    for name, version, entry in weak:
        fixed = ", ".join(entry["fix_versions"]) or "no version"
        print(f"pip-audit: {name} {version} has {entry['id']}, mended in {fixed}: `make lock`")
    print(f"pip-audit: {len(asked)} packages of {lock.name}, {len(weak)} known weaknesses")
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main())
