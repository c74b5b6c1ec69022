"""Tables in narrow windows: what is copied from them stays whole, the rest is cut, folded or named as left out."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.terminal.console import PlainConsole
from adapters.terminal.fitted_table import GAP, Field, fit, print_table

LONG = "SKU-00000000000000000017-red-xl"
ROWS = [
    {"id": LONG, "n": "1.234", "title": "a title that nobody needs to read to its very end", "m": "7"},
    {"id": "SKU-1", "n": "0.100", "title": "short", "m": "11"},
]
FIELDS = [
    Field("item", lambda row: row["id"]),
    Field("number", lambda row: row["n"], right=True, leaves=1),
    Field("more", lambda row: row["m"], right=True, leaves=2),
    Field("title", lambda row: row["title"], least=10),
]


def printed(width: int, fields: list[Field] = FIELDS, rows: list[dict[str, str]] = ROWS) -> str:
    screen = PlainConsole(file=io.StringIO(), width=width, highlight=False)
    print_table(screen, fields, rows)
    out = screen.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


@pytest.mark.parametrize("width", [200, 80, 60, 50, 42])
def test_an_id_is_whole_and_no_line_is_longer_than_the_window(width: int) -> None:
    text = printed(width)
    assert LONG in text
    assert max(map(len, text.splitlines())) <= width


def test_what_is_left_out_is_named_and_what_is_cut_ends_with_an_ellipsis() -> None:
    assert "…" not in printed(200)
    assert "not shown" not in printed(200)
    assert "a title that nobody needs to rea…" in printed(80)
    assert "not shown at this width: more" in printed(52)
    assert "not shown at this width: number, more" in printed(46)
    assert "1.234" in printed(54)


def test_an_id_wider_than_the_window_is_folded_and_loses_nothing() -> None:
    lines = printed(14, FIELDS[:1]).splitlines()
    assert LONG in "".join(line.strip() for line in lines[2:])


def test_a_folded_column_loses_nothing_either() -> None:
    because = Field("because", lambda row: row["title"], least=12, folds=True)
    words = " ".join(printed(46, [FIELDS[0], because]).replace(LONG, "").split())
    assert "…" not in words
    assert set(ROWS[0]["title"].split()) <= set(words.split())


@given(
    st.lists(st.tuples(st.integers(1, 60), st.none() | st.integers(1, 20), st.integers(0, 5)), min_size=1, max_size=9),
    st.integers(1, 140),
)
def test_columns_fit_or_only_those_that_never_go_are_there(
    given: list[tuple[int, int | None, int]], width: int
) -> None:
    fields = [Field("", str, least=least, leaves=leaves) for _, least, leaves in given]
    natural = [n for n, _, _ in given]
    kept, widths = fit(natural, fields, width)
    total = sum(widths) + GAP * (len(widths) - 1)
    assert total <= width or all(not fields[k].leaves for k in kept)
    assert all(w <= natural[k] for k, w in zip(kept, widths, strict=True))
    if sum(natural) + GAP * (len(natural) - 1) <= width:
        assert (kept, widths) == (list(range(len(fields))), natural)
