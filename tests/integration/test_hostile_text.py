"""What a stored text holds is shown, by every command that prints one, and never acts on the screen or as markup."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.records.books import CATALOGUE, CONTROL
from adapters.records.catalogue import ITEMS, Applied
from adapters.records.schedule import write_schedule
from adapters.stores import open_store
from core.control.schedule import Outcome, State
from core.rows.catalogue_rows import pack_entry
from millrace.__main__ import main
from schemas.catalogue import Item
from schemas.control import Run
from schemas.rules import Rules
from tests.kit.serving import event
from tests.kit.small_lambda import SmallLambda, placed

EVIL = "[/red]\x1b[31m\x1b]0;owned\x07\u202e\x9b2J\r"
ESCAPED = "[/red]\\x1b[31m"
NAME = "[/red][bold]\u202eitem"  # of an id, which holds no control characters
RULES = Rules(partitions=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose every stored text is hostile."""
    home = tmp_path_factory.mktemp("home")
    batch, speed = (open_store(f"sqlite:///{home / name}.sqlite") for name in ("batch", "speed"))
    events = [event(k, f"u{k % 5}", NAME if k % 2 else "plain", category=EVIL) for k in range(60)]
    world = SmallLambda(batch, speed, RULES, placed(events, RULES))
    world.begin()
    world.run_batch(30)
    world.run_speed(60)
    applied = Applied().to_json()
    assert speed.swap(CATALOGUE, None, applied)
    entry = Item(NAME, title=EVIL, category=EVIL, brand=EVIL)
    speed.put(CATALOGUE, {(ITEMS, NAME.encode()): pack_entry(entry)}, guard=applied)
    state = State(1000, 0).begun(0, 0).ended(Outcome("failed", EVIL, EVIL), 0)
    write_schedule(batch, state)
    before, control = world.control.to_json(), world.control
    generations = tuple(
        replace(generation, reason=EVIL, metrics={"mode": EVIL, "gate": {"reasons": [EVIL]}, "events": 1})
        for generation in control.generations
    )
    run = Run(EVIL, control.active_boundary, "", 0, 0, EVIL, metrics={"mode": EVIL})
    assert batch.swap(CONTROL, before, replace(control, generations=generations, runs=(run,)).to_json())
    batch.close()
    speed.close()
    return home


COMMANDS = {
    ("recommend", "u1", "--include-seen"): ESCAPED,
    ("similar", NAME): ESCAPED,
    ("trending", "--window", "1h"): ESCAPED,
    ("history", "u1"): ESCAPED,
    ("explain", "u1", NAME): "[/red][bold]\\u202eitem",
    ("bucket-changes", "--window", "3h"): ESCAPED,
    ("status",): "generation",
    ("generations",): ESCAPED,
    ("similar", "no\u202ething"): "no\\u202ething",
    ("rollback", "[/red]\x1b[2J"): "[/red]\\x1b[2J",
    ("config", "show"): "[/red]\\x1b[2J",
    ("doctor",): "python",
}


@pytest.mark.parametrize("words", COMMANDS)
def test_hostile_text_is_shown_escaped(home: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HOME": str(home), "TOPIC_PREFIX": "[/red]\x1b[2J", "PARTITIONS": "1"}.items():
        monkeypatch.setenv(f"MILLRACE_{name}", value)
    monkeypatch.setenv("COLUMNS", "400")
    done = CliRunner().invoke(main, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert COMMANDS[words] in done.output
    assert not set(done.output) & set("\x1b\x07\x9b\r\u202e")
