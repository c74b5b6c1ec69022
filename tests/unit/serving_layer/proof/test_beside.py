"""The proof beside the API: one at a time for each home, and an end that nobody wrote is a failure, not a success."""

import json
import sys
from pathlib import Path

import pytest

from serving_layer.proof import beside
from serving_layer.proof.beside import Proofs
from tests.kit.waiting import until

WAITS = """
import sys, time
from pathlib import Path
go = Path(sys.argv[-1] + ".go")
while not go.exists():
    time.sleep(0.01)
"""


@pytest.fixture
def proofs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proofs:
    """Begins a program that ends when told to, in the place of the command."""
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\n{WAITS}")
    script.chmod(0o700)
    monkeypatch.setattr(beside.sys, "executable", str(script))
    return Proofs(tmp_path / "home")


def test_one_proof_runs_at_a_time_and_the_next_begins_afresh(proofs: Proofs, tmp_path: Path) -> None:
    state = tmp_path / "home" / "verify.json"
    go = Path(f"{state}.go")
    assert proofs.state()["outcome"] == "never"
    assert proofs.begin(5)
    assert proofs.state()["outcome"] == "running"
    assert not proofs.begin(5)
    state.write_text(json.dumps({"outcome": "running", "sums": 7}))
    assert proofs.state() == {"outcome": "running", "sums": 7}
    go.touch()
    until(lambda: proofs.state()["outcome"] == "failed")
    assert "without a result" in proofs.state()["error"]
    state.write_text(json.dumps({"outcome": "proved", "sums": 9}))
    assert proofs.state()["outcome"] == "proved"
    assert proofs.begin(5)
    until(lambda: proofs.state()["outcome"] == "never")
