"""House rules: what a file may say, and which items a rule is about."""

from pathlib import Path
from typing import Any

import pytest

from adapters.settings.house_file import HouseFile
from core.house.rules import HouseRule, for_device, house_rules
from schemas.errors import SettingsError
from tests.kit.waiting import until


def test_a_rule_is_about_items_that_meet_each_condition_by_any_value() -> None:
    (rule,) = house_rules({"rule": [{"boost": 2, "brand": ["acme", "other"], "category": "books", "name": "r"}]})
    assert rule == HouseRule("r", "boost", 2.0, brand=frozenset({"acme", "other"}), category=frozenset({"books"}))
    assert rule.meets("i", "acme", ("toys", "books"), ())
    assert not rule.meets("i", "acme", ("toys",), ())
    assert not rule.meets("i", None, ("books",), ())


def test_a_rule_of_a_device_holds_there_alone() -> None:
    rules = house_rules({"rule": [{"exclude": True, "item": "a"}, {"exclude": True, "item": "b", "device": ["tv"]}]})
    assert [rule.name for rule in for_device(rules, "")] == ["rule 1"]
    assert [rule.name for rule in for_device(rules, "tv")] == ["rule 1", "rule 2"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"boost": 2}, "which items"), ({"boost": 2, "device": "tv"}, "which items"), ({"brand": "a"}, "exactly one"),
        ({"boost": 2, "bury": 0.1, "item": "a"}, "exactly one"), ({"boost": 0.5, "item": "a"}, "boost must be"),
        ({"bury": 2, "item": "a"}, "bury must be"), ({"boost": True, "item": "a"}, "boost must be"),
        ({"pin": 0, "item": "a"}, "pin must be"), ({"pin": 1.5, "item": "a"}, "pin must be"),
        ({"pin": 1, "brand": "a"}, "by item"),
        ({"exclude": False, "item": "a"}, "exclude = true"), ({"boost": 2, "brnad": "a"}, "did you mean brand"),
        ({"boost": 2, "item": []}, "item must be"), ({"boost": 2, "item": [5]}, "item must be"),
        ({"name": 5}, "name must be"), ({"boost": 10**400, "item": "a"}, "boost must be"),
        ({"boost": float("nan"), "item": "a"}, "boost must be"), ({"pin": 10**400, "item": "a"}, "pin must be"),
    ],
)  # fmt: skip
def test_an_impossible_rule_is_refused_with_its_name_and_the_remedy(table: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        house_rules({"rule": [table]})


@pytest.mark.parametrize("tables", [{"rules": []}, {"rule": {}}, {"rule": ["x"]}])
def test_a_file_of_another_form_is_refused(tables: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"\[\[rule\]\]"):
        house_rules(tables)


def test_a_changed_file_is_read_again_and_a_broken_one_leaves_the_rules_in_force(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\nname = "one"\nboost = 2\nbrand = "a"\n')
    file = HouseFile(path)
    assert [rule.name for rule in file.rules()] == ["one"]
    path.write_text("[[rule]]\nboost = ")
    file._looked = 0
    assert [rule.name for rule in file.rules()] == ["one"]
    path.write_text('[[rule]]\nname = "two"\nexclude = true\nbrand = "a"\n')
    until(lambda: [rule.name for rule in file.rules()] == ["two"], 10)
    for text in ("x", "[[rule]]\nboost = 2\n", f"a = {'9' * 5_000}", f"a = {'[' * 5_000}"):
        path.write_text(text)
        with pytest.raises(SettingsError, match="business_rules"):
            HouseFile(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        HouseFile(tmp_path / "nothing")


def test_a_process_that_starts_while_the_file_is_broken_has_the_last_good_rules(tmp_path: Path) -> None:
    path, copy = tmp_path / "rules.toml", tmp_path / "kept"
    path.write_text("[[rule]]\nboost = ")
    with pytest.raises(SettingsError, match="business_rules"):
        HouseFile(path, copy)
    for name in ("one", "two"):
        path.write_text(f'[[rule]]\nname = "{name}"\nboost = 2\nbrand = "a"\n')
        HouseFile(path, copy)
        for text in ("[[rule]]\nboost = ", "x"):
            path.write_text(text)
            assert [rule.name for rule in HouseFile(path, copy).rules()] == [name]
    assert sorted(tmp_path.iterdir()) == [copy, path]
