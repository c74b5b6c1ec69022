"""The members of a relay: what they are started with, how they end, and what they counted together."""

import json
from collections import Counter
from pathlib import Path

import pytest

from adapters.machine.children import ChildFailed
from adapters.telemetry import counting
from datasets.relaying.cli import FROM_OPTIONS, _members, source_options
from datasets.relaying.members import Members, counts_in, total, write_counts
from datasets.relaying.transform import Counts
from schemas.errors import BadInput, SettingsError


def test_counts_are_read_as_they_were_written(tmp_path: Path) -> None:
    counts = Counts(5, 3, 1, Counter({"no user": 1}), Counter({"no kind for 'x'": 2}))
    write_counts(counts, tmp_path / "counts.json")
    assert counts_in(tmp_path / "counts.json") == counts


def test_a_total_adds_up_reasons_too() -> None:
    first, second = Counts(5, 3, 1, Counter(a=1)), Counts(2, 2, 0, Counter(a=1, b=2), Counter(c=1))
    assert total([first, second]) == Counts(7, 5, 1, Counter(a=2, b=2), Counter(c=1))


def test_no_option_of_the_source_is_an_argument_of_a_member_as_all_users_of_a_machine_read_those(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "share_in", lambda folder: None)  # this process keeps its own numbers
    options = {"mapping": "m.toml", "source": "kafka-eu:9092", "group": "", "member": "1", "available_now": True}
    login = {"sasl.username": "ann", "sasl.password": "hush = hush"}
    with _members(["orders"], 2, {**options, "from_option": login}) as members:
        assert members
        assert not {word for word in members.arguments if "hush" in word or "ann" in word}
        assert source_options((), "kafka-eu:9092", members.environment) == login


def test_options_of_the_source_come_from_the_environment_and_those_of_the_command_replace_them() -> None:
    environment = {FROM_OPTIONS: json.dumps({"sasl.password": "hush", "client.id": "a"})}
    assert source_options([("client.id", "b")], "host:9092", environment) == {"sasl.password": "hush", "client.id": "b"}
    assert source_options([], "", {}) == {}
    for wrong in ("x", "[1]", "3"):
        with pytest.raises(SettingsError, match=FROM_OPTIONS):
            source_options([], "host:9092", {FROM_OPTIONS: wrong})
    with pytest.raises(BadInput, match="--from names"):
        source_options([("client.id", "b")], "", {})


def test_members_that_are_stopped_before_they_begin_end_without_an_error(tmp_path: Path) -> None:
    members = Members(["orders", "--mapping", "steam"], ["a", "b"], tmp_path)
    members.stop()
    assert members.run() == Counts()


def test_a_member_that_ends_with_an_error_is_named_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match=r"relay member a ended with status 2(.|\n)*--nonsense"):
        Members(["--nonsense"], ["a"], tmp_path).run()
