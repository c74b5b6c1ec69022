"""Views that other rules made: an update of Millrace is distinguished from changed settings."""

from dataclasses import replace

import pytest

from adapters.records.control import require_rules
from core.control.changes import first_control
from core.rows.codec import Facts
from schemas.control import Control, LogIdentity
from schemas.errors import SettingsError
from schemas.rules import FOLD_VERSION, PARSER_VERSION, Rules
from serving_layer.answers.advice import Situation, messages

RULES = Rules(history_items=7, partitions=2)
LOG = LogIdentity("cluster", "topic", 2)


def made_by(fingerprint: str) -> Control:
    return first_control(LOG, {0: 0, 1: 0}, fingerprint)


def rule_messages(control: Control, rules: Rules) -> list[str]:
    """What status says of the rules."""
    situation = Situation("g", Facts(), rules, control, None, None, {"alive": True}, None)
    return [message for message in messages(situation) if "nothing is added" in message]


def test_the_fingerprint_of_an_earlier_version_is_known_by_the_same_settings_alone() -> None:
    """The literal is what the version before this one stored for the default settings."""
    assert "b84cd9fd2c3c999b" in Rules().earlier_fingerprints()
    assert len(RULES.earlier_fingerprints()) == PARSER_VERSION * FOLD_VERSION - 1
    assert RULES.fingerprint() not in RULES.earlier_fingerprints()
    assert not RULES.earlier_fingerprints() & replace(RULES, history_items=8).earlier_fingerprints()


def test_after_an_update_the_update_is_named_and_not_the_settings() -> None:
    for fingerprint in RULES.earlier_fingerprints():
        with pytest.raises(SettingsError, match=r"earlier version of Millrace.*batch run --full") as refused:
            require_rules(made_by(fingerprint), RULES)
        assert "settings" not in str(refused.value)
        (message,) = rule_messages(made_by(fingerprint), replace(RULES, partitions=9))  # the log's number counts
        assert "earlier version of Millrace" in message


def test_changed_settings_are_named_with_both_remedies() -> None:
    other = made_by(replace(RULES, window_ms=1).fingerprint())
    with pytest.raises(SettingsError, match=r"settings .* differ .* set them back, or .*batch run --full"):
        require_rules(other, RULES)
    assert len(rule_messages(other, RULES)) == 1
    assert rule_messages(made_by(RULES.fingerprint()), RULES) == []
