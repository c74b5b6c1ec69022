"""Every operation of the API, asked by its own description with all checks of schemathesis, over a real log."""

import subprocess
import sys
from pathlib import Path

import pytest
from httpx import Client

from tests.kit.serving import client, settings

__all__ = ["client", "settings"]
pytestmark = [pytest.mark.kafka, pytest.mark.deep]

# 503 has a reason and means later; a rule beyond JSON Schema (a time in range, a partition that exists) is a 422; and
# what a check takes for wrong may be right: a list of one once it stands in a URL, a list in a body with a right entry.
EXPECTED = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "422", "429", "503"]
[checks.negative_data_rejection]
expected-statuses = ["200", "202", "400", "401", "403", "404", "405", "409", "415", "422", "429", "503"]
"""


def test_every_operation_answers_as_its_description_says(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "asked"
    folder.mkdir()
    (folder / "schemathesis.toml").write_text(EXPECTED)
    where = str(client.base_url).removesuffix("/api/v1/") + "/openapi.json"
    options = [
        "--checks",
        "all",
        "--max-examples",
        "8",
        "--request-timeout",
        "120",
        "--max-response-time",
        "60",
        "--seed",
        "1",
        "--no-color",
    ]
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run([program, "run", where, *options], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
