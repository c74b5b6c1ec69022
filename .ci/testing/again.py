"""Runs the tests that just failed once more, by themselves: a machine's hiccup is not a defect, and is printed as one.

Wrong answers are never asked for twice: a failure of tests/exact or tests/crash stands, and so do more than a few.
"""

import json
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")
NEVER_AGAIN = ("tests/exact/", "tests/crash/")
MOST = 3


def main() -> int:
    """Return the exit status: 0 where each of the few tests that failed passes by itself."""
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not 0 < len(failed) <= MOST or any(name.startswith(NEVER_AGAIN) for name in failed):
        print(f"not run again: {len(failed)} failed; at most {MOST} may, and none of exactness", file=sys.stderr)
        return 1
    print("these failed beside others and run again by themselves:", *failed, sep="\n  ", flush=True)
    return subprocess.run([sys.executable, "-m", "pytest", *failed], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
