"""Finds the Java that runs the broker and Spark."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from schemas.errors import SettingsError

OLDEST_JAVA = 17
REMEDY = (
    f"Install Java {OLDEST_JAVA} or later (Debian, Ubuntu: apt-get install openjdk-{OLDEST_JAVA}-jre-headless; "
    f"macOS: brew install openjdk@{OLDEST_JAVA}), or set JAVA_HOME to one."
)


def find_java(env: Mapping[str, str] = os.environ) -> Path:
    """Return the ``java`` of JAVA_HOME, else the one on PATH.

    Raises: SettingsError when there is none, it does not run or it is too old; the text names the remedy.
    """
    if home := env.get("JAVA_HOME"):
        java = Path(home).expanduser() / "bin" / "java"
        if not java.is_file():
            raise SettingsError(f"JAVA_HOME is {home}, but there is no bin/java in it. {REMEDY}")
    else:
        on_path = shutil.which("java", path=env.get("PATH"))
        if on_path is None:
            raise SettingsError(f"Millrace needs Java for its Kafka broker and for Spark, and found none. {REMEDY}")
        java = Path(on_path)
    version = java_version(java)
    if version is None:
        raise SettingsError(f"{java} does not run. {REMEDY}")
    if version < OLDEST_JAVA:
        raise SettingsError(f"{java} is Java {version}, too old for Spark 4. {REMEDY}")
    return java


def java_version(java: Path) -> int | None:
    """Return the major version that this ``java`` reports, e.g. 17 (8 for 1.8); None when it does not run."""
    try:
        output = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(match[1]) if match else None
