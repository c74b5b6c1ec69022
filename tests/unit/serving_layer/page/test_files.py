"""The page's files: as they were published by others, without inline code, with every import and link in place."""

import gzip
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from serving_layer.page.files import MEDIA_TYPES, packaged
from tests.kit.places import ROOT

STATIC = ROOT / "serving_layer/page/static"
OWN = sorted(path for path in STATIC.rglob("*.js") if "vendor" not in path.parts)
LISTS = [ROOT / "serving_layer/page/vendored.json", ROOT / "tests/browser/axe/vendored.json"]
IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']|^import\s*["']([^"']+)["']""", re.M)
MOST_LINES = 250


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.parts[-3])
def test_what_others_wrote_is_as_it_was_published_with_version_and_licence(path: Path) -> None:
    listed = json.loads(path.read_text(encoding="utf-8"))
    folder, named = path.parent / listed["folder"], set[str]()
    for package in listed["packages"]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["licence"]
        assert (folder / package["licence_file"]).stat().st_size > 500
        for entry in package["files"]:
            assert sha256((folder / entry["name"]).read_bytes()).hexdigest() == entry["sha256"], entry["name"]
        named |= {package["licence_file"], *(entry["name"] for entry in package["files"])}
    assert {file.name for file in folder.iterdir()} - {"vendored.json"} == named


def test_the_version_of_the_page_is_in_every_path_of_its_start_page() -> None:
    files = packaged()
    text = files.start.body.decode()
    paths = re.findall(r'(?:src|href)="(/page[^"]+)"', text)
    assert len(paths) > 10
    for path in paths:
        assert path.removeprefix(f"/page/{files.version}/") in files.by_name
    assert "{root}" not in text
    assert {f"/page/{files.version}/{name}" for name in files.by_name if name.endswith(".js")} <= set(paths)


def test_a_file_is_kept_compressed_where_that_saves_something() -> None:
    for name, file in packaged().by_name.items():
        assert file.media_type == MEDIA_TYPES[name.rpartition(".")[2]]
        if file.zipped is not None:
            assert gzip.decompress(file.zipped) == file.body
            assert len(file.zipped) < len(file.body)
    assert sum(len(file.zipped or file.body) for file in packaged().by_name.values()) < 250_000


def test_no_markup_holds_code_or_style_and_nothing_is_loaded_from_elsewhere() -> None:
    text = packaged().start.body.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=|\sstyle=", text) == []
    for path in STATIC.rglob("*.*"):
        if path.suffix in (".html", ".css", ".js") and "vendor" not in path.parts:
            addresses = re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\"'\s)]+", path.read_text(encoding="utf-8"))
            assert addresses == [], path


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.relative_to(STATIC)))
def test_a_module_is_small_says_what_it_is_and_makes_no_markup_from_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("// ")
    assert text.count("\n") <= MOST_LINES
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "dangerously",
    ):
        assert forbidden not in text, forbidden
    for groups in IMPORT.findall(text):
        name = groups[0] or groups[1]
        assert name.startswith(("./", "../")), name
        assert (path.parent / name).resolve().is_file(), f"{path.name} imports {name}"
