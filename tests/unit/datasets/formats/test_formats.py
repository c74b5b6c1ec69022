"""Importers take files as they really are: what is kept, what is dropped and why."""

import gzip
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from datasets.files.tally import Tally
from datasets.formats import IMPORTERS
from datasets.formats.base import Importer, ImportOptions
from datasets.formats.delimited import Columns, Delimited
from schemas.errors import BadInput
from tests.kit.delimited_files import events_of

REES46_HEADER = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
REES46_ROW = "2019-10-01 00:00:01 UTC,view,0042,9,furniture.sofa,acme,5.50,007,s1"
RETAIL_HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
RETAIL_ROW = "536365,85123A,WHITE HEART ,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom"


def imported(name: str, path: Path, **options: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Tally]:
    importer = IMPORTERS[name](path, ImportOptions(**options), Tally())
    return events_of(importer), list(importer.items()), importer.tally


def written(path: Path, *lines: str, end: str = "\n") -> Path:
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def delimited(path: Path, columns: Columns, **options: Any) -> Importer:
    return Delimited(path, ImportOptions(**options), Tally(), columns)


def test_a_row_becomes_an_event_of_the_contract_and_ids_stay_text(tmp_path: Path) -> None:
    events, items, tally = imported("rees46", written(tmp_path / "a.csv", REES46_HEADER, REES46_ROW))
    [event] = events
    assert event.pop("event_id").startswith("rees46-1-")
    assert event == {
        "event_time": 1_569_888_001_000,
        "kind": "view",
        "user_id": "007",
        "item_id": "0042",
        "category": "furniture.sofa",
        "session_id": "s1",
    }
    assert items == [{"item_id": "0042", "category": "furniture.sofa", "brand": "acme", "price": 5.5}]
    assert tally.sentence() == "kept 1, dropped 0"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (REES46_ROW[:-5], "cut row"),
        (REES46_ROW + ",more", "row with too many fields"),
        ("", "blank line"),
        (REES46_HEADER, "repeated header"),
        (REES46_ROW.replace("007", ""), "no user_id"),
        (REES46_ROW.replace("0042", ""), "no item_id"),
        (REES46_ROW.replace("0042", "x" * 257), "item_id longer than 256"),
        (REES46_ROW.replace("007", "0\x007"), "control character in user_id"),
        (REES46_ROW.replace("view", "stare"), "no kind for 'stare'"),
        (REES46_ROW.replace("2019-10-01", "2019-13-01"), "unreadable time"),
        (REES46_ROW.replace("2019", "1989"), "time before 1990"),
    ],
)
def test_a_row_that_is_dropped_is_counted_under_its_reason(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path / "a.csv", REES46_HEADER, REES46_ROW, line, REES46_ROW)
    events, _, tally = imported("rees46", path)
    assert len(events) == tally.kept == 2
    assert dict(tally.dropped) == {reason: 1}


def test_a_last_row_cut_inside_quotes_is_one_cut_row(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", REES46_HEADER, REES46_ROW)
    path.write_bytes(path.read_bytes() + b'2019-10-01 00:00:02 UTC,view,"43')
    assert imported("rees46", path)[2].sentence() == "kept 1, dropped 1: cut row 1"


def test_byte_order_mark_and_carriage_returns_are_no_part_of_the_data(tmp_path: Path) -> None:
    plain = imported("rees46", written(tmp_path / "a.csv", REES46_HEADER, REES46_ROW))
    dos = imported("rees46", written(tmp_path / "b.csv", "\ufeff" + REES46_HEADER, REES46_ROW, end="\r\n"))
    assert plain == dos


def test_lines_in_another_encoding_are_read_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{RETAIL_HEADER}\n{RETAIL_ROW}\n".replace("HEART", "£ HEART").encode("cp1252"))
    _, items, tally = imported("online-retail", path)
    assert items == [{"item_id": "85123A", "title": "WHITE £ HEART", "price": 2.55}]
    assert tally.sentence() == "kept 1, dropped 0; note: line not UTF-8, read as Windows-1252 1"


def test_a_spreadsheets_utf_16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{RETAIL_HEADER}\r\n{RETAIL_ROW}\r\n".encode("utf-16"))
    assert len(imported("online-retail", path)[0]) == 1


def test_a_file_an_archive_and_a_folder_yield_the_same(tmp_path: Path) -> None:
    plain = written(tmp_path / "2019-Oct.csv", REES46_HEADER, REES46_ROW)
    expected = imported("rees46", plain)
    (tmp_path / "2019-Oct.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    disguised = tmp_path / "gzipped"
    disguised.write_bytes(gzip.compress(plain.read_bytes()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(plain, "inner/2019-Oct.csv")
        archive.write(tmp_path / "2019-Oct.csv.gz", "__MACOSX/2019-Oct.csv.gz")
    assert imported("rees46", tmp_path / "2019-Oct.csv.gz") == expected
    assert imported("rees46", disguised) == expected
    assert imported("rees46", tmp_path / "a.zip") == expected
    *same, tally = imported("rees46", tmp_path)
    assert same == list(expected[:-1])
    assert tally.notes == {"2019-Oct.csv is there more than once, the first is read": 1}  # beside 2019-Oct.csv.gz


def test_a_truncated_archive_is_read_up_to_its_damage(tmp_path: Path) -> None:
    lines = [REES46_HEADER, *(REES46_ROW.replace("0042", os.urandom(8).hex()) for _ in range(5_000))]
    whole = gzip.compress("\n".join(lines).encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    events, _, tally = imported("rees46", tmp_path / "a.csv.gz")
    assert 1_000 < len(events) < 4_000
    assert tally.notes == {"a.csv is damaged, read up to there": 1}


def test_what_is_missing_is_named_together_with_what_is_there(tmp_path: Path) -> None:
    written(tmp_path / "notes.csv", "a,b", "1,2")
    with pytest.raises(BadInput, match=r"holds no ratings.csv; it holds: notes.csv"):
        imported("movielens", tmp_path)
    with pytest.raises(BadInput, match=r"no column 'user_id', 'product_id', 'event_time'.*its columns: a, b"):
        imported("rees46", tmp_path / "notes.csv")
    with pytest.raises(BadInput, match="does not exist"):
        imported("rees46", tmp_path / "gone.csv")


def test_importing_twice_yields_the_same_ids_and_equal_rows_stay_apart(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", RETAIL_HEADER, RETAIL_ROW, RETAIL_ROW, RETAIL_ROW.replace("6,", "7,"))
    first, second = imported("online-retail", path)[0], imported("online-retail", path)[0]
    assert first == second
    assert len({event["event_id"] for event in first}) == 3


def test_row_numbers_go_on_from_file_to_file(tmp_path: Path) -> None:
    for name in ("1.csv", "2.csv"):
        written(tmp_path / name, RETAIL_HEADER, RETAIL_ROW)
    numbers = [event["event_id"].split("-")[2] for event in imported("online-retail", tmp_path)[0]]
    assert numbers == ["1", "2"]


def test_retail_drops_guests_and_cancellations_and_mends_customer_numbers(tmp_path: Path) -> None:
    rows = [RETAIL_ROW, RETAIL_ROW.replace("17850.0", ""), "C" + RETAIL_ROW.replace(",6,", ",-6,")]
    rows.append(RETAIL_ROW.replace("17850.0", "A.0"))
    events, _, tally = imported("online-retail", written(tmp_path / "a.csv", RETAIL_HEADER, *rows))
    assert [(event["user_id"], event["value"]) for event in events] == [("17850", 6), ("A.0", 6)]
    assert tally.dropped == {"no customer": 1, "cancelled invoice": 1}


def test_retail_takes_its_second_edition_and_spreadsheet_times(tmp_path: Path) -> None:
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
    [event], _, _ = imported("online-retail", written(tmp_path / "a.csv", header, RETAIL_ROW.replace(
        "2010-12-01 08:26:00", "12/1/2010 8:26")))  # fmt: skip
    assert (event["event_time"], event["user_id"]) == (1_291_191_960_000, "17850")


def test_movielens_takes_ratings_and_the_films_beside_them(tmp_path: Path) -> None:
    ratings = written(tmp_path / "ratings.csv", "userId,movieId,rating,timestamp", "1,31,2.5,1260759144", "1,32,0,1")
    genres = ["Drama", "War"]
    films = ('31,"Women, \'69",Drama|War', "32,Nothing,(no genres listed)", "33,cut")
    written(tmp_path / "movies.csv", "movieId,title,genres", *films)
    events, items, tally = imported("movielens", ratings)
    assert [(event["kind"], event["value"]) for event in events] == [("rating", 2.5)]
    assert items == [
        {"item_id": "31", "title": "Women, '69", "category": "Drama", "categories": genres, "tags": genres},
        {"item_id": "32", "title": "Nothing"},
    ]
    assert tally.dropped == {"time before 1990": 1}
    assert tally.notes == {"movies.csv: cut row": 1}


def test_deskdrop_kinds_are_translated_and_articles_read(tmp_path: Path) -> None:
    words = ("VIEW", "LIKE", "BOOKMARK", "FOLLOW", "COMMENT CREATED")
    rows = [f"145796367{place},{word},-80,-99,5" for place, word in enumerate(words)]
    header = "timestamp,eventType,contentId,personId,sessionId"
    path = written(tmp_path / "users_interactions.csv", header, *rows)
    written(tmp_path / "shared_articles.csv", "eventType,contentId,title,text", "CONTENT REMOVED,-80,T,text")
    events, items, _ = imported("deskdrop", path)
    assert [event["kind"] for event in events] == ["view", "like", "save", "follow", "comment"]
    assert {(event["user_id"], event["item_id"]) for event in events} == {("-99", "-80")}
    assert items == [{"item_id": "-80", "title": "T", "description": "text", "hidden": True}]


def test_a_kind_can_be_mapped_or_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", REES46_HEADER, REES46_ROW.replace("view", "remove_from_cart"), REES46_ROW)
    assert [event["kind"] for event in imported("rees46", path)[0]] == ["remove", "view"]
    events, _, tally = imported("rees46", path, kind_map={"remove_from_cart": "", "view": "click"})
    assert [event["kind"] for event in events] == ["click"]
    assert tally.dropped == {"'remove_from_cart' left out": 1}


def test_a_session_can_stand_for_the_user(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", REES46_HEADER, REES46_ROW)
    assert imported("rees46", path, user_column="user_session")[0][0]["user_id"] == "s1"


@pytest.mark.parametrize(
    ("style", "zone", "text", "expected"),
    [
        ("epoch-s", "UTC", "1457963676", 1_457_963_676_000),
        ("epoch-s", "UTC", "1457963676.0019", 1_457_963_676_001),
        ("epoch-ms", "UTC", "1457963676123", 1_457_963_676_123),
        ("iso", "UTC", "2016-03-14T13:54:36.9999Z", 1_457_963_676_999),
        ("iso", "UTC", "2016-03-14 14:54:36+01:00", 1_457_963_676_000),
        ("iso", "America/New_York", "2016-03-14 09:54:36", 1_457_963_676_000),
        ("%d.%m.%y %H.%M", "Europe/Berlin", "14.03.16 14.54", 1_457_963_640_000),
    ],
)
def test_csv_reads_times_in_every_style(tmp_path: Path, style: str, zone: str, text: str, expected: int) -> None:
    path = written(tmp_path / "a.csv", "u|i|t", f"7|8|{text}")
    columns = Columns(item="i", time="t", time_format=style, timezone=zone, delimiter="pipe")
    [event] = events_of(delimited(path, columns, user_column="u"))
    assert event["event_time"] == expected


def test_csv_takes_every_mapped_column(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "u\ti\tt\tk\tv\tc\ts\te", "1\t02\t1457963676\tBOUGHT\t1.50\tfood\ts9\tid-1")
    columns = Columns("i", "t", "k", value="v", category="c", session="s", event_id=("e",), time_format="epoch-s",
                      delimiter="tab")  # fmt: skip
    [event] = events_of(delimited(path, columns, user_column="u", kind_map={"BOUGHT": "purchase"}))
    expected = {"event_id": "id-1", "event_time": 1_457_963_676_000, "kind": "purchase", "user_id": "1"}
    assert event == {**expected, "item_id": "02", "value": 1.5, "category": "food", "session_id": "s9"}


def test_csv_drops_values_that_are_no_numbers_and_ratings_out_of_range(tmp_path: Path) -> None:
    rows = [f"1,2,1457963676,{value}" for value in ("4.5", "", "nan", "many", "0", "1000001")]
    path = written(tmp_path / "a.csv", "u,i,t,v", *rows)
    columns = Columns("i", "t", kind_value="rating", value="v", time_format="epoch-s")
    importer = delimited(path, columns, user_column="u")
    assert [event["value"] for event in events_of(importer)] == [4.5]
    assert importer.tally.dropped == {"value is not a number": 2, "rating outside 0.001 to 1,000,000": 3}


def test_csv_refuses_an_unknown_time_format_zone_or_delimiter(tmp_path: Path) -> None:
    for wrong in (
        {"time_format": "seconds"},
        {"time_format": "%Q"},
        {"timezone": "Mars/Olympus"},
        {"delimiter": ""},
        {"delimiter": '"'},
    ):
        with pytest.raises(BadInput):
            delimited(tmp_path, Columns("i", "t", **wrong))
