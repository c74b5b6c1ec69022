"""The pages keep up with the code: settings and commands are there, links lead somewhere, the front page is short."""

import re
from pathlib import Path

import pytest

from adapters.settings.page import PAGE, written
from adapters.settings.places import PLACES
from millrace.__main__ import COMMANDS
from tests.kit.places import ROOT

PAGES = sorted(path for path in ROOT.rglob("*.md") if ".venv" not in str(path) and ".git" not in path.parts)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
ROOMS = "|".join(sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))) + "|dags|tests"
NAMED_PATH = re.compile(rf"`((?:{ROOMS})/[\w./-]+)`")


def anchors(text: str) -> set[str]:
    """The names by which headings are linked to."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_inside_the_repository_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if not link.startswith(("http:", "https:", "mailto:")):
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def test_a_page_names_only_paths_that_are_there() -> None:
    """Those of the changelog are of their time."""
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]
    gone = [
        f"{page.relative_to(ROOT)}: {path}"
        for page in pages
        for path in NAMED_PATH.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / path).exists()
    ]
    assert gone == []
    assert NAMED_PATH.findall("see `core/rows/codec.py` and `core/rows`, not `a/b.py`") == [
        "core/rows/codec.py",
        "core/rows",
    ]


def test_the_tables_of_settings_are_as_the_code_has_them() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page, "run `make format`"
    assert [name for name in PLACES if f"`MILLRACE_{name.upper()}`" not in page] == []


def test_the_page_of_commands_has_every_command() -> None:
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`{name}" not in page] == []


def test_the_front_page_has_at_most_900_words() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900
