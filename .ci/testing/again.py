"""Runs the tests that just failed once more, by themselves: a machine's hiccup is not a defect, and is printed as one.

Wrong answers are never asked for twice: a failure of tests/exact or tests/crash stands, and so do more than a few.
"""

import json
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")
NEVER_AGAIN = ("tests/exact/", "tests/crash/")
MOST_FILES = 3  # whose tests share fixtures, and fail together


def main() -> int:
    """Return the exit status: 0 where each of the few tests that failed passes by itself."""
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    files = {name.partition("::")[0] for name in failed}
    if not 0 < len(files) <= MOST_FILES or any(name.startswith(NEVER_AGAIN) for name in files):
        print(f"not run again: tests of {len(files)} files failed; {MOST_FILES} may, never exactness", file=sys.stderr)
        return 1
    print("these failed beside others and run again by themselves:", *failed, sep="\n  ", flush=True)
    return subprocess.run([sys.executable, "-m", "pytest", *failed], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
