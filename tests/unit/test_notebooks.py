"""The notebooks run from top to bottom, hold no outputs, import everything and define nothing."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LONG = {"04_quality"}  # half a minute of processor time
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

every = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
by_length = pytest.mark.parametrize(
    "notebook",
    [pytest.param(path, id=path.stem, marks=[pytest.mark.deep] if path.stem in LONG else []) for path in NOTEBOOKS],
)


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    document: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["metadata"]["kernelspec"]["name"]) == (4, "python3")
    return [cell for cell in document["cells"] if cell["cell_type"] == kind]


def code(notebook: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(notebook, "code")]


def test_there_is_a_notebook_of_each_subject() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "01_events", "02_merge", "03_trending", "04_quality", "05_simplest_lambda",
    ]  # fmt: skip


@every
def test_it_holds_no_outputs(notebook: Path) -> None:
    assert [cell["outputs"] for cell in cells(notebook, "code") if cell["outputs"]] == []
    assert {cell["execution_count"] for cell in cells(notebook, "code")} == {None}


@every
def test_it_defines_nothing_and_imports_first(notebook: Path) -> None:
    trees = [ast.parse(source) for source in code(notebook)]
    assert [ast.unparse(node) for tree in trees for node in ast.walk(tree) if isinstance(node, DEFINITIONS)] == []
    later = [node for tree in trees[1:] for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in later] == []


@every
def test_it_says_what_it_shows(notebook: Path) -> None:
    texts = ["".join(cell["source"]) for cell in cells(notebook, "markdown")]
    assert texts[0].startswith("# ")
    assert len(texts) >= 4
    assert any("plt.show()" in source for source in code(notebook))


@by_length
def test_it_runs_from_top_to_bottom(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in its folder, by a fresh interpreter's names; without the real data sets, which not every machine has."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown: list[int] = []

    def show() -> None:
        shown.extend(plt.get_fignums())
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
        plt.close("all")

    monkeypatch.chdir(FOLDER)
    monkeypatch.delenv("MILLRACE_TEST_DATA", raising=False)
    monkeypatch.setattr(plt, "show", show)
    names: dict[str, Any] = {"__name__": "__main__"}
    with plt.rc_context():
        for number, source in enumerate(code(notebook)):
            exec(compile(source, f"{notebook.name}, cell {number}", "exec"), names)
    assert len(shown) == sum(source.count("plt.show()") for source in code(notebook)) > 0
