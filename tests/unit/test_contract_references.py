"""Every reference into docs/contract.md names a section, and a rule, that is there."""

import re
from pathlib import Path

import pytest

from tests.kit.places import ROOT

REFERENCE = re.compile(r"contract §(\d+)(?: rules? (\d+(?:(?:, | and |–)\d+)*))?")
ROOMS = ("schemas", "core", "recommenders", "adapters", "datasets", "millrace")
FOLDERS = (*ROOMS, "batch_layer", "speed_layer", "serving_layer")


def referring_files() -> list[Path]:
    return sorted(
        path
        for folder in (*FOLDERS, "dags", "bench", "docs", "tests")
        for ending in ("*.py", "*.md", "*.json")
        for path in (ROOT / folder).rglob(ending)
        if REFERENCE.search(path.read_text(encoding="utf-8"))
    )


def sections(contract: str) -> dict[int, set[int]]:
    """The numbers of the contract's sections, each with the numbers of its list's rules."""
    numbers: dict[int, set[int]] = {}
    for heading in re.finditer(r"^## (\d+)\. .*?(?=^## |\Z)", contract, re.MULTILINE | re.DOTALL):
        rules = re.findall(r"^(\d+)\. ", heading[0].split("\n", 1)[1], re.MULTILINE)
        numbers[int(heading[1])] = set(map(int, rules))
    return numbers


def unresolved(text: str, known: dict[int, set[int]]) -> list[str]:
    """The references of ``text`` whose section or rule is not among ``known``."""
    out = []
    for reference in REFERENCE.finditer(text):
        rules = set(map(int, re.findall(r"\d+", reference[2] or "")))
        if int(reference[1]) not in known or not rules <= known[int(reference[1])]:
            out.append(reference[0])
    return out


KNOWN = sections((ROOT / "docs/contract.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", referring_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_reference_into_the_contract_resolves(path: Path) -> None:
    if path != Path(__file__).resolve():
        assert unresolved(path.read_text(encoding="utf-8"), KNOWN) == []


def test_no_page_outside_the_repository_is_cited() -> None:
    cited = [path for path in referring_files() if re.search(r"\bdesign §", path.read_text(encoding="utf-8"))]
    assert [path for path in cited if path != Path(__file__).resolve()] == []


def test_the_contract_has_its_sections_and_rules() -> None:
    assert set(KNOWN) == set(range(1, 10))
    assert KNOWN[3] == set(range(1, 9))
    assert KNOWN[5] == set(range(1, 17))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("contract §10", ["contract §10"]),
        ("contract §5 rule 17", ["contract §5 rule 17"]),
        ("contract §5 rules 6 and 99", ["contract §5 rules 6 and 99"]),
        ("contract §5 rules 6 and 7, §4", []),
        ("contract §3", []),
    ],
)
def test_a_reference_that_leads_nowhere_is_seen(text: str, wrong: list[str]) -> None:
    assert unresolved(text, KNOWN) == wrong
