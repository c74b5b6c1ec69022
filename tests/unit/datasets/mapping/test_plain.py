"""The events that skip cleaning are those which cleaning leaves as they are."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from datasets.fields.acceptance import Dropped, ImportOptions
from datasets.files.tally import Tally
from datasets.mapping.document import parsed
from datasets.mapping.engine import Engine
from datasets.mapping.plain import PlainTexts

TIME = 1_760_000_000_000
FIELDS = {name: name for name in ("event_id", "user_id", "item_id", "event_time", "kind", "category", "value", "more")}
ODD = st.sampled_from(
    ["NULL", "nan", " a", "a ", '"a"', '"', "", " ", "\u200ba", "a\u00a0", "\x00", "ü", "a/b", "x" * 257, "x" * 129]
)
TEXTS = ODD | st.text(max_size=3) | st.sampled_from("ab")
ANYTHING = TEXTS | st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.just([]) | st.just({})
RECORDS = st.fixed_dictionaries(
    {name: ANYTHING for name in FIELDS if name not in ("kind", "event_time")}
    | {
        "event_time": st.just(TIME) | ANYTHING,
        "kind": st.sampled_from(["view", "rating", "purchase", "x", " view", ""]),
    }
)


def outcome(engine: Engine, record: dict[str, Any]) -> Any:
    try:
        return engine.event(record, record, {}, "")
    except Dropped as dropped:
        return str(dropped), dropped.example


class Never(PlainTexts):
    """Takes no event for plain."""

    def are_plain(self, event: dict[str, Any], own_id: bool) -> bool:
        return False


@given(st.lists(RECORDS, max_size=4), st.booleans())
def test_an_event_that_skips_cleaning_is_what_cleaning_makes_of_it(records: list[Any], keep_blanks: bool) -> None:
    quick, slow = (
        Engine(parsed({"event": FIELDS}, "m"), ImportOptions(latest_ms=TIME, keep_blanks=keep_blanks), Tally())
        for _ in range(2)
    )
    slow._texts = Never(slow.options, [])
    for record in records:
        assert repr(outcome(quick, record)) == repr(outcome(slow, record))
    assert quick.tally.notes == slow.tally.notes
