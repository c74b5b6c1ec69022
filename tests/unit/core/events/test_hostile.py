"""Both parsers on thousands of records that are broken at random, each in one known way."""

import pytest

from core.events.parse import parse_event
from schemas.event import Rejected
from schemas.rules import Rules
from tests.kit.hostile_at_random import hostile_at_random
from tests.kit.parsers import assert_agreement

RULES = Rules()


@pytest.mark.parametrize("seed", range(8))
def test_a_record_broken_at_random_gets_its_reason_from_both_parsers(seed: int) -> None:
    cases = hostile_at_random(seed, 500)
    records = [case.record(RULES, offset) for offset, case in enumerate(cases)]
    for case, record in zip(cases, records, strict=True):
        answer = parse_event(record, RULES)
        assert (answer.reason if isinstance(answer, Rejected) else None) == case.reason, (case.name, case.value)
    assert_agreement(records, RULES)
