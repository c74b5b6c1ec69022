"""Each of ten common sources comes in by the lines that docs/bring-your-data.md shows for it."""

import gzip
import json
import re
import shlex
from contextlib import chdir
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from datasets.formats import NAMES, format_named
from datasets.importing.cli import import_
from tests.kit.places import ROOT
from tests.kit.sources import SOURCES

PAGE = (ROOT / "docs/bring-your-data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def recipe(name: str) -> list[list[str]]:
    """The words of each `millrace import` that the page has for a format."""
    lines = [line for block in BLOCKS for line in block.splitlines()]
    return [words[2:] for line in lines if (words := shlex.split(line))[:3] == ["millrace", "import", name]]


def run(folder: Path, *words: object) -> Result:
    with chdir(folder):
        return CliRunner().invoke(import_, [*map(str, words)], catch_exceptions=False)


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_comes_in_by_the_lines_of_the_page(name: str, tmp_path: Path) -> None:
    source, [*looks, words] = SOURCES[name], recipe(name)
    place = tmp_path / words[1]
    source.written(place if not place.suffix else tmp_path)
    for look in looks:
        assert look == [*words, "--dry-run"]
        assert "nothing is written" in run(tmp_path, *look).stdout
    result = run(tmp_path, *words, "--out", "out/events.jsonl", "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    events = written(tmp_path / "out/events.jsonl")
    rows = [(event["kind"], event["user_id"], event["item_id"], event.get("value")) for event in events]
    assert (rows, summary["dropped"]) == (source.events, source.dropped)
    items = {item["item_id"]: item.get("title") for item in written(tmp_path / "out/items.jsonl")}
    assert items == source.items or not items == source.items == {}
    assert summary["lines"] == summary["kept"] + sum(summary["dropped"].values()) + sum(summary["explained"].values())
    assert len({event["event_id"] for event in events}) == len(events)


def test_the_page_has_ten_sources_and_the_folder_a_mapping_for_each() -> None:
    assert len(SOURCES) == 10
    assert all(f"millrace import {name} " in PAGE and name in NAMES for name in SOURCES)
    assert all(format_named(name).about for name in NAMES)


@pytest.mark.parametrize("packing", ["gz", "zst", "parquet", "folder"])
def test_a_source_packed_or_as_parquet_gives_the_same_events(packing: str, tmp_path: Path) -> None:
    source = SOURCES["steam"].written(tmp_path / "plain") / "recommendations.csv"
    packed = tmp_path / "packed"
    packed.mkdir()
    if packing == "gz":
        (packed / "recommendations.csv.gz").write_bytes(gzip.compress(source.read_bytes()))
    elif packing == "zst":
        with pa.CompressedOutputStream(str(packed / "recommendations.csv.zst"), "zstd") as out:
            out.write(source.read_bytes())
    elif packing == "parquet":
        rows = [line.split(",") for line in source.read_text().splitlines()]
        columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
        hours = pa.array([float(cell) for cell in columns.pop("hours")])
        days = pa.array(["2022-12-12", "2023-02-17"]).cast(pa.timestamp("ns"))
        table = pa.table({**columns, "app_id": [int(cell) for cell in columns["app_id"]], "date": days, "hours": hours})
        pq.write_table(table, packed / "recommendations.parquet")
    else:
        (packed / "recommendations.csv").write_bytes(source.read_bytes())
        (packed / "notes.md").write_text("x")
    result = run(tmp_path, "steam", packed, "--out", "out.jsonl")
    assert result.exit_code == 0, result.output
    rows = [
        (event["kind"], event["user_id"], event["item_id"], event["value"])
        for event in written(Path(tmp_path / "out.jsonl"))
    ]
    assert rows == SOURCES["steam"].events


def test_a_dry_run_shows_events_and_reasons_and_writes_nothing(tmp_path: Path) -> None:
    SOURCES["ga4"].written(tmp_path)
    result = run(tmp_path, "ga4", "events.json", "--dry-run", "--json", "--out", "out.jsonl")
    summary = json.loads(result.stdout)
    assert (summary["dry_run"], summary["events"], summary["items"], len(summary["first"])) == (True, 3, 2, 3)
    assert summary["dropped"] == {"no entry in items": 1}
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("name", ["ga4", "shopify", "retailrocket", "steam", "amazon-reviews"])
def test_guess_knows_a_format_by_its_columns(name: str, tmp_path: Path) -> None:
    folder = SOURCES[name].written(tmp_path)
    first = next(iter(SOURCES[name].files))
    guessed = json.loads(run(tmp_path, "guess", folder / first, "--json").stdout)
    assert guessed["format"] == name or (name == "amazon-reviews" and guessed["mapping"])


def test_guess_proposes_a_mapping_that_is_saved_and_imports_the_file(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "home"))
    header = "Kundennr;Artikelnr;Bestelldatum;Menge;Einzelpreis;Aktion"
    rows = [f"K{n};A{n};27.11.2025 18:{n:02};{n},5;1.249,90 €;{'buy' if n % 2 else 'ansehen'}" for n in range(1, 6)]
    (tmp_path / "orders.csv").write_text("\n".join([header.replace("Aktion", "Action"), *rows]) + "\n")
    result = run(tmp_path, "guess", "orders.csv", "--save", "my-shop")
    assert result.exit_code == 0, result.output
    assert 'delimiter = "semicolon"' in result.stdout
    assert "3 of the first 5 rows make events" in result.stderr  # nobody told what ansehen is
    result = run(tmp_path, "my-shop", "orders.csv", "--out", "out.jsonl", "--kind-map", "ansehen=view", "--json")
    assert json.loads(result.stdout)["kept"] == 5
    event = written(tmp_path / "out.jsonl")[0]
    assert (event["kind"], event["user_id"], event["value"]) == ("purchase", "K1", 1.5)


def test_guess_says_that_a_first_line_may_be_no_header_and_knows_german_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ann,a1,2025-01-01\nbob,b1,2025-01-02\n")
    assert "if that is no header, its columns are #1" in run(tmp_path, "guess", "a.csv").stderr
    (tmp_path / "b.csv").write_text("Kunde;Artikel;Datum;Preis\nann;a1;01.02.2025 10:00;1,50\n")
    guessed = json.loads(run(tmp_path, "guess", "b.csv", "--json").stdout)
    assert (guessed["kept"], guessed["mapping"]["decimal"]) == (1, ",")


def test_guess_finds_the_array_of_a_json_order(tmp_path: Path) -> None:
    order = {"id": 1, "created_at": "2025-10-07T09:50:25Z", "customer": {"id": 9}, "lines": [{"sku": "A", "qty": 2}]}
    (tmp_path / "orders.jsonl").write_text(json.dumps(order) + "\n")
    guessed = json.loads(run(tmp_path, "guess", "orders.jsonl", "--json").stdout)
    assert (guessed["kept"], guessed["mapping"]["each"]) == (1, "lines")
    assert guessed["mapping"]["event"]["user_id"] == "customer.id"


def test_columns_of_csv_are_saved_under_a_name_and_a_formats_name_is_taken(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path / "home"))
    (tmp_path / "a.tsv").write_text("u\ti\tt\n1\tx\t1760000000\n")
    columns = ("--user", "u", "--item", "i", "--time", "t", "--time-format", "epoch-s", "--delimiter", "tab")
    assert run(tmp_path, "csv", "a.tsv", *columns, "--save", "mine", "--out", "1.jsonl").exit_code == 0
    assert run(tmp_path, "mine", "a.tsv", "--out", "2.jsonl").exit_code == 0
    first, second = (written(tmp_path / name)[0] for name in ("1.jsonl", "2.jsonl"))
    assert {**first, "event_id": ""} == {**second, "event_id": ""}
    for name, problem in (("ga4", "name of a format"), ("../x", "no name for a mapping")):
        result = run(tmp_path, "csv", "a.tsv", *columns, "--save", name, "--out", "3.jsonl")
        assert (result.exit_code, problem in result.stderr) == (1, True)


def test_an_unknown_format_names_the_nearest_and_a_broken_document_its_part(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n")
    result = run(tmp_path, "shopfy", "a.csv")
    assert (result.exit_code, "did you mean shopify" in result.stderr) == (1, True)
    (tmp_path / "m.toml").write_text("[event]\nuser = 'x'\n")
    result = run(tmp_path, "m.toml", "a.csv")
    assert (result.exit_code, "[event] needs user_id" in result.stderr) == (1, True)
    assert "there is no mapping n.toml" in run(tmp_path, "n.toml", "a.csv").stderr
