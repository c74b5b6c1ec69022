"""Certificates that tests make themselves."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

STORE_PASSWORD = "secret1"


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


def key_store(home: Path) -> tuple[Path, Path]:
    """Return a key store with a certificate for 127.0.0.1, and that certificate as PEM."""
    store, authority = home / "server.p12", home / "ca.pem"
    tool = shutil.which("keytool", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ['PATH']}") or "keytool"
    own = ["-keystore", str(store), "-storetype", "PKCS12", "-storepass", STORE_PASSWORD, "-alias", "own"]
    made = ["-genkeypair", "-keyalg", "RSA", "-dname", "CN=127.0.0.1", "-ext", "san=ip:127.0.0.1"]
    subprocess.run([tool, *made, *own], check=True, capture_output=True)
    authority.write_bytes(subprocess.run([tool, "-exportcert", "-rfc", *own], check=True, capture_output=True).stdout)
    return store, authority
