"""Certificates that tests make themselves."""

import shutil
import subprocess
from pathlib import Path

import pytest


def certificate(folder: Path) -> tuple[Path, Path]:
    """Return a certificate of this machine and its key, as PEM files in that folder."""
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("openssl makes the certificate")
    made, key = folder / "cert.pem", folder / "key.pem"
    names = "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 {names} -keyout {key} -out {made}"
    subprocess.run([tool, *words.split()], check=True, capture_output=True)
    return made, key
