"""A user's experiment is decided by a hash: the same everywhere, of the share asked for, and stable under changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.experiments.assignment import Experiment, experiment_of, experiments_of, place, source_with
from schemas.errors import SettingsError

USERS = [f"user-{k}".encode() for k in range(20_000)]
SOURCES = ["als", "similar", "popular"]
users, shares = st.binary(min_size=1, max_size=300), st.floats(0.001, 1)


def tried(name: str, share: float) -> Experiment:
    return Experiment(name, share, {"als": 2.0})


def test_the_place_of_a_user_never_changes() -> None:
    assert [round(place(name, b"ann"), 6) for name in ("warm", "cold")] == [0.128469, 0.927208]


def test_a_share_of_the_users_is_in_it_and_two_experiments_share_users_by_chance_alone() -> None:
    own = [{user for user in USERS if place(name, user) < 0.2} for name in ("warm", "cold")]
    assert [0.19 < len(group) / len(USERS) < 0.21 for group in own] == [True, True]
    assert 0.03 < len(own[0] & own[1]) / len(USERS) < 0.05


@given(users, shares, shares)
def test_a_user_stays_in_an_experiment_whose_share_grows(user: bytes, one: float, two: float) -> None:
    if experiment_of([tried("warm", min(one, two))], user):
        assert experiment_of([tried("warm", max(one, two))], user)


@given(users, shares, shares)
def test_one_that_is_added_at_the_end_takes_no_user_from_another(user: bytes, one: float, two: float) -> None:
    before = experiment_of([tried("warm", one)], user)
    after = experiment_of([tried("warm", one), tried("cold", two)], user)
    assert before is None or after == before


def test_an_event_names_source_and_experiment() -> None:
    assert [source_with("als", name) for name in ("warm", None)] == ["als@warm", "als"]


def test_tables_become_experiments_in_their_order() -> None:
    tables = {"warm": {"share": 1, "weights": {"als": 0, "popular": 2}}, "a": {"share": 0.1, "generation": "g1"}}
    assert experiments_of(tables, SOURCES) == (
        Experiment("warm", 1.0, {"als": 0.0, "popular": 2.0}),
        Experiment("a", 0.1, {}, "g1"),
    )


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("a b", {"share": 0.1, "generation": "g"}, "1 to 40 letters, digits, '_' or '-'"),
        ("a", 0.1, "experiments.a must be a table"),
        ("a", {"shar": 0.1}, "unknown setting 'shar' of experiments.a: did you mean share"),
        ("a", {"generation": "g"}, "experiments.a.share must be a number above 0, at most 1"),
        ("a", {"share": 0, "generation": "g"}, "experiments.a.share must be"),
        ("a", {"share": 1.5, "generation": "g"}, "experiments.a.share must be"),
        ("a", {"share": True, "generation": "g"}, "experiments.a.share must be"),
        ("a", {"share": float("nan"), "generation": "g"}, "experiments.a.share must be"),
        ("a", {"share": 0.1, "generation": 7}, "experiments.a.generation must be a text"),
        ("a", {"share": 0.1}, "experiments.a changes nothing"),
        ("a", {"share": 0.1, "weights": 2}, "experiments.a.weights must be a table"),
        ("a", {"share": 0.1, "weights": {"alss": 2}}, "unknown source 'alss' of experiments.a.weights: did you mean"),
        ("a", {"share": 0.1, "weights": {"als": -1}}, "experiments.a.weights.als must be a number that is not neg"),
        ("a", {"share": 0.1, "weights": {"als": "2"}}, "experiments.a.weights.als must be a number"),
    ],
)
def test_a_wrong_table_is_one_sentence_that_names_key_and_rule(name: str, table: object, said: str) -> None:
    with pytest.raises(SettingsError, match=r"experiment") as refused:
        experiments_of({name: table}, SOURCES)
    assert said in str(refused.value)
