"""What our packages import is declared, and what they declare about their types is shipped with them."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = [name.removesuffix("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
EXTRAS = PROJECT["project"]["optional-dependencies"]
OPTIONAL = [given for extra, names in EXTRAS.items() if extra != "dev" for given in names]
DECLARED = {
    re.split(r"[^A-Za-z0-9._-]", given)[0].lower() for given in [*PROJECT["project"]["dependencies"], *OPTIONAL]
}

PROVIDERS = packages_distributions()


def top_level_imports(source: str) -> Iterator[str]:
    """The first part of every absolute import of a module, those inside functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def undeclared(source: str) -> set[str]:
    """Third-party modules that the source imports and no declared dependency provides."""
    return {
        name
        for name in top_level_imports(source)
        if name not in sys.stdlib_module_names
        and name != "_typeshed"  # the type checker's own, imported for it alone
        and name not in PACKAGES
        and not {given.lower().replace("_", "-") for given in PROVIDERS.get(name, [])} & DECLARED
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_third_party_import_is_a_declared_dependency(package: str) -> None:
    missing = {path: undeclared(path.read_text(encoding="utf-8")) for path in (ROOT / package).rglob("*.py")}
    assert missing
    assert {str(path.relative_to(ROOT)): names for path, names in missing.items() if names} == {}


def test_an_undeclared_import_is_seen_wherever_it_stands() -> None:
    source = "import json\nfrom core.rows import ids\n\ndef f():\n    import numpy.linalg\n    from pytest import main"
    assert undeclared(source) == {"pytest"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
