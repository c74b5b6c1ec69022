"""What the cells of a delimited file mean: numbers, times, words for nothing, orders, the catalogue, repeated ids."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from datasets.fields.acceptance import ImportOptions
from datasets.fields.numbers import number
from datasets.files.tally import Tally
from datasets.formats.delimited import Columns, Delimited
from datasets.formats.repeats import OTHER_ITEMS, SAME_ITEM
from datasets.importing.cli import import_
from tests.kit.delimited_files import events_of

DAY = "2025-01-01T00:00:00Z"
NOW = 1_766_000_000_000
COLUMNS = ("--user", "user", "--item", "item", "--time", "time")


def file(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "a.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def read(path: Path, columns: Columns, **options: Any) -> tuple[list[dict[str, Any]], Delimited]:
    importer = Delimited(path, ImportOptions("user", latest_ms=NOW, **options), Tally(), columns)
    return events_of(importer), importer


def run(path: Path, *options: object) -> tuple[Result, list[dict[str, Any]], list[dict[str, Any]]]:
    """The command's result, the events and the items it wrote."""
    out = path.parent / "out" / "events.jsonl"
    result = CliRunner().invoke(import_, ["csv", *map(str, [path, *options]), "--out", str(out)])
    written = [
        target.read_text().splitlines() if target.exists() else [] for target in (out, out.parent / "items.jsonl")
    ]
    events, items = ([json.loads(line) for line in lines] for lines in written)
    return result, events, items


@pytest.mark.parametrize(
    ("text", "decimal", "expected"),
    [
        ("9.99", ".", 9.99), ("1,234.50", ".", 1234.5), ("€ 12.99", ".", 12.99), ("12,50", ".", None),
        ("-£5.00", ".", -5), ("R$ 5", ".", 5), ("12 USD", ".", 12), ("1'234.50", ".", 1234.5), ("1e3", ".", 1_000),
        ("12,50", ",", 12.5), ("1.234,50 €", ",", 1234.5), ("12.50", ",", None), ("1 234,5", ",", 1234.5),
        ("1.234", ",", 1234), ("5 pcs", ".", None), ("1,23,4", ".", None), ("nan", ".", None), ("1e999", ".", None),
        ("", ".", None), (",", ",", None), ("1" + "," * 100_000, ".", None),
    ],
)  # fmt: skip
def test_a_number_is_read_as_shops_write_it(text: str, decimal: str, expected: float | None) -> None:
    assert number(text, decimal) == expected


def test_a_purchase_is_kept_without_a_value_that_is_no_number_and_a_rating_is_not(tmp_path: Path) -> None:
    path = file(tmp_path, "user,item,time,price", f'u1,a,{DAY},"12,50"', f"u2,a,{DAY},NULL", f"u3,a,{DAY},3")
    events, importer = read(path, Columns("item", "time", kind_value="purchase", value="price"))
    assert [event.get("value") for event in events] == [None, None, 3]
    assert importer.tally.notes == {"value left out: not a number": 1}
    for kind, weights in (("rating", None), ("score", {"score": "value"})):
        options = {"kinds": weights} if weights else {}
        events, importer = read(path, Columns("item", "time", kind_value=kind, value="price"), **options)
        assert ([event["value"] for event in events], importer.tally.dropped) == ([3], {"value is not a number": 2})


def test_words_for_nothing_are_nothing_and_a_user_may_name_others(tmp_path: Path) -> None:
    words = ("NULL", "nan", "None", "\\N", "", "ghost")
    path = file(tmp_path, "user,item,time", *(f"{word},a,{DAY}" for word in words))
    events, importer = read(path, Columns("item", "time"))
    assert [event["user_id"] for event in events] == ["ghost"]
    assert importer.tally.notes == {"user_id taken as empty (--null)": 4}
    result, events, _ = run(path, *COLUMNS, "--null", "ghost", "--null", "nan")
    assert {event["user_id"] for event in events} == {"NULL", "None", "\\N"}
    assert "counts as empty" in result.stderr


@pytest.mark.parametrize(
    ("style", "text", "reason"),
    [
        ("epoch-ms", "1764230400123456", "time too far ahead, right as --time-format epoch-us"),
        ("epoch-ms", "1764230400123456789", "time too far ahead, right as --time-format epoch-ns"),
        ("epoch-ms", "1764230400", "time before 1990, right as --time-format epoch-s"),
        ("epoch-s", "1764230400123", "time too far ahead, right as --time-format epoch-ms"),
        ("epoch-ms", str(NOW + 1), "time too far ahead"),
        ("epoch-s", "1e999999999", "unreadable time"),
        ("epoch-s", "NaN", "unreadable time"),
        ("iso", "2999-01-01T00:00:00Z", "time too far ahead"),
        ("iso", "01.02.2025", "unreadable time"),
    ],
)
def test_a_time_that_no_event_may_have_is_dropped_with_the_likely_unit(
    tmp_path: Path, style: str, text: str, reason: str
) -> None:
    path = file(tmp_path, "user,item,time", f"u,a,{text}")
    _, importer = read(path, Columns("item", "time", time_format=style))
    assert importer.tally.dropped == {reason: 1}


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        ("epoch-us", "1764230400123999", 1_764_230_400_123),
        ("epoch-ns", "1764230400123999999", 1_764_230_400_123),
        ("epoch-us", "1764230400123999.9", 1_764_230_400_123),
        ("iso", "2025-11-27 09:00:00 +0100", 1_764_230_400_000),
        ("iso", "2025-11-27 08:00:00 UTC", 1_764_230_400_000),
    ],
)
def test_times_are_read_in_every_unit(tmp_path: Path, style: str, text: str, expected: int) -> None:
    path = file(tmp_path, "user,item,time", f"u,a,{text}")
    assert read(path, Columns("item", "time", time_format=style))[0][0]["event_time"] == expected


def test_an_order_whose_first_line_alone_names_the_customer_is_filled_down(tmp_path: Path) -> None:
    lines = [f"#1,u1,a,{DAY}", f"#1,,b,{DAY}", f"#2,,c,{DAY}", f"#3,u3,a,{DAY}", f"#3,,c,"]  # noqa: F541
    path = file(tmp_path, "order,user,item,time", *lines)
    columns = Columns("item", "time", fill_down=("user", "time"), fill_within="order")
    events, importer = read(path, columns)
    expected = [("u1", "a"), ("u1", "b"), ("u3", "a"), ("u3", "c")]
    assert [(event["user_id"], event["item_id"]) for event in events] == expected
    assert importer.tally.notes == {"user filled down": 2, "time filled down": 1}
    assert importer.tally.dropped == {"no user_id": 1}
    everywhere, _ = read(path, Columns("item", "time", fill_down=("user", "time")))
    assert [event["user_id"] for event in everywhere] == ["u1", "u1", "u1", "u3", "u3"]


def test_an_event_id_that_repeats_for_one_user_is_warned_about(tmp_path: Path) -> None:
    lines = [f"O1,u1,A,{DAY}", f"O1,u1,B,{DAY}", f"O1,u1,C,{DAY}", f"O2,u2,A,{DAY}", f"O1,u2,A,{DAY}", f"O2,u2,A,{DAY}"]
    path = file(tmp_path, "order,user,item,time", *lines)
    result, events, _ = run(path, *COLUMNS, "--event-id", "order", "--json")
    assert (result.exit_code, len(events)) == (0, 6)
    assert json.loads(result.stdout)["notes"] == {OTHER_ITEMS: 2, SAME_ITEM: 1}
    assert "'O1' names more than one event" in result.stderr
    result, events, _ = run(path, *COLUMNS, "--event-id", "order", "--event-id", "item", "--json")
    assert json.loads(result.stdout)["notes"] == {SAME_ITEM: 1}
    assert events[0]["event_id"] == "O1-A"


def test_columns_of_a_csv_describe_its_items(tmp_path: Path) -> None:
    lines = [
        f'u1, a,{DAY},Lamp,acme,"9,50 €"',
        f"u2,a ,{DAY},,,NULL",
        f"u2,b,{DAY},,,-1",
        f"u3,c,{DAY},Desk,{257 * 'x'},1",
    ]
    path = file(tmp_path, "user,item,time,name,brand,price", *lines)
    shown = ("--title", "name", "--brand", "brand", "--price", "price", "--decimal", ",")
    result, events, items = run(path, *COLUMNS, *shown, "--json")
    assert len(events) == 4
    assert items == [{"item_id": "a", "title": "Lamp", "brand": "acme", "price": 9.5}, {"item_id": "b"}]
    assert json.loads(result.stdout)["notes"] == {
        "price left out: not a number": 1,
        "item left out: invalid:brand": 1,
    }


def test_a_share_that_holds_no_event_fails_and_writes_nothing(tmp_path: Path) -> None:
    path, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    path.write_text("u,i,t\n" + "".join(f"u{n},a,2025-01-01T00:00:00Z\n" for n in range(3)))
    options = ["csv", str(path), "--user", "u", "--item", "i", "--time", "t", "--out", str(out)]
    for share in (["--from-fraction", "0.5", "--until-fraction", "0.6"], ["--until-fraction", "0.1"]):
        result = CliRunner().invoke(import_, [*options, *share])
        assert result.exit_code == 1
        assert "none of the 3 events lies between" in result.stderr
        assert "widen the share" in result.stderr
        assert not out.exists()
    assert CliRunner().invoke(import_, [*options, "--limit", "0"]).exit_code == 0  # asks for the catalogue alone


def test_an_import_of_which_nothing_is_kept_fails_and_writes_nothing(tmp_path: Path) -> None:
    path = file(tmp_path, "kind,user,item,time", f"favori,1,2,{DAY}", f"favori,2,2,{DAY}")
    result, events, _ = run(path, *COLUMNS, "--kind", "kind", "--json")
    assert (result.exit_code, events) == (1, [])
    assert json.loads(result.stdout)["dropped"] == {"no kind for 'favori'": 2}
    assert "--kind-map" in result.stderr
    assert "nothing is kept" in result.stderr
    assert not (tmp_path / "out").exists()
    assert run(file(tmp_path, "user,item,time"), *COLUMNS)[0].exit_code == 1


def test_rejects_go_to_a_file_and_the_lines_add_up(tmp_path: Path) -> None:
    path = file(tmp_path, "user,item,time", f"u1,a,{DAY}", "", "u2,b", f",c,{DAY}")
    result, _, _ = run(path, *COLUMNS, "--rejects", tmp_path / "rejects.jsonl", "--json")
    summary = json.loads(result.stdout)
    assert (
        summary["lines"] == summary["kept"] + sum(summary["dropped"].values()) + sum(summary["explained"].values()) == 5
    )
    rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    rows = [(reject["row"], reject["line"], reject["reason"]) for reject in rejects]
    assert rows == [(2, 3, "blank line"), (3, 4, "cut row"), (4, 5, "no user_id")]
    assert "5 lines: 1 rows kept, 3 dropped, header 1" in run(path, *COLUMNS)[0].stdout


def test_a_million_different_reasons_are_not_held_in_memory(tmp_path: Path) -> None:
    path = file(tmp_path, "kind,user,item,time", *(f"word-{place},u,a,{DAY}" for place in range(500)))
    _, importer = read(path, Columns("item", "time", kind="kind"))
    assert importer.tally.dropped.total() == 500
    assert len(importer.tally.dropped) <= 101


def test_a_german_export_is_imported_by_one_command(tmp_path: Path) -> None:
    header = "Bestellnr;Kundennr;Artikelnr;Bezeichnung;Bestelldatum;Menge;Einzelpreis"
    lines = ["sep=;", header, 'B-1;007;"K-1";"Kaffeemühle, groß";27.11.2025 18:30;2;1.249,90 €',
             "B-1;007;K-2;Tasse;27.11.2025 18:30;1,5;4,50 €"]  # fmt: skip
    path = file(tmp_path, *lines, encoding="cp1252")
    result, events, items = run(
        path, "--delimiter", "semicolon", "--decimal", ",", "--encoding", "cp1252", "--user", "Kundennr",
        "--item", "Artikelnr", "--time", "Bestelldatum", "--time-format", "%d.%m.%Y %H:%M", "--timezone",
        "Europe/Berlin", "--kind-value", "purchase", "--value", "Menge", "--event-id", "Bestellnr", "--event-id",
        "Artikelnr", "--title", "Bezeichnung", "--price", "Einzelpreis",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert [(event["event_id"], event["user_id"], event["value"]) for event in events] == [
        ("B-1-K-1", "007", 2), ("B-1-K-2", "007", 1.5),
    ]  # fmt: skip
    assert events[0]["event_time"] == 1_764_264_600_000
    assert items[0] == {"item_id": "K-1", "title": "Kaffeemühle, groß", "price": 1249.9}


def test_a_wrong_encoding_is_refused_by_name(tmp_path: Path) -> None:
    result, _, _ = run(file(tmp_path, "user,item,time"), *COLUMNS, "--encoding", "klingon")
    assert (result.exit_code, "'klingon' is no encoding" in result.stderr) == (1, True)
