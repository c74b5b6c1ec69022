"""Keys: found by their id, proved by their digest, ordered by their role, revoked for good."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.records.keys import create_key, read_keys, revoke_key
from adapters.stores import open_store
from adapters.stores.memory import MemoryStore
from core.access.keys import ADMIN, READ, ROLES, WRITE, Key, Keys, digest, id_of, token_of
from schemas.errors import BadInput, MillraceError

SECRET = "s" * 43
TOKEN = token_of("0123abcd", SECRET)
KEY = Key("0123abcd", "shop", READ, digest(TOKEN), 1)


def test_a_text_names_its_key_and_proves_it() -> None:
    assert id_of(TOKEN) == KEY.id
    assert KEY.proves(TOKEN)


@given(st.text(max_size=60) | st.sampled_from([TOKEN[:-1], TOKEN + "s", TOKEN.upper(), f" {TOKEN}", TOKEN + "\n"]))
def test_no_other_text_does(text: str) -> None:
    assert text == TOKEN or not KEY.proves(text)
    assert id_of(text) is None or text == TOKEN


def test_what_is_stored_does_not_hold_the_text() -> None:
    assert SECRET not in repr(KEY)
    assert SECRET not in Keys(keys=(KEY,)).to_json().decode()


@pytest.mark.parametrize(("role", "admitted"), [(READ, [READ]), (WRITE, [READ, WRITE]), (ADMIN, list(ROLES))])
def test_a_role_includes_those_before_it(role: str, admitted: list[str]) -> None:
    assert [needed for needed in ROLES if replace(KEY, role=role).admits(needed)] == admitted


def test_a_key_is_revoked_by_its_id_or_its_name_once() -> None:
    other = replace(KEY, id="00000000", name="tills")
    keys = Keys(keys=(KEY, other))
    assert set(keys.without("shop", 5).valid) == {other.id}
    assert set(keys.without(KEY.id, 5).valid) == {other.id}
    with pytest.raises(BadInput, match="no valid key"):
        keys.without("shop", 5).without("shop", 6)
    with pytest.raises(BadInput, match="2 valid keys"):
        Keys(keys=(KEY, replace(other, name="shop"))).without("shop", 5)


def test_keys_are_kept_in_the_control_store_and_are_all_read_by_everybody(tmp_path: object) -> None:
    store, other = (open_store(f"sqlite:///{tmp_path}/batch.sqlite") for _ in range(2))
    assert read_keys(store) == Keys()
    key, token = create_key(store, "shop", WRITE, "10/s", 1)
    assert read_keys(other).valid == {key.id: key}
    assert key.proves(token)
    assert revoke_key(other, "shop", 2).id == key.id
    assert read_keys(store).valid == {}
    assert read_keys(store).keys[0].revoked_at == 2
    for opened in (store, other):
        opened.close()


@pytest.mark.parametrize(
    ("name", "role", "rate"),
    [("", READ, ""), ("a\nb", READ, ""), ("a", "owner", ""), ("a", READ, "10"), ("shop", READ, "")],
)
def test_an_impossible_key_is_refused_and_nothing_is_stored(name: str, role: str, rate: str) -> None:
    store = MemoryStore()
    create_key(store, "shop", READ, "", 1)
    before = read_keys(store)
    with pytest.raises(MillraceError):
        create_key(store, name, role, rate, 2)
    assert read_keys(store) == before
