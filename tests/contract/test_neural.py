"""Neural recommenders: the contract, planted rules that each must find, and fits that end, fail and continue."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from batch_layer.learning.asking import InteractionsPast
from core.quality.ranking_quality import Interactions
from recommenders import recommender
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.live import LiveSums
from recommenders.neural import training
from recommenders.neural.examples import Histories, batches, drawn_part
from recommenders.neural.network import NOBODY
from recommenders.past import Standing
from schemas.event import REMOVE
from schemas.rules import Rules
from tests.contract.recommender_contract import RecommenderContract, listed, scores_of, tastes

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")  # compiling takes half as long
pytest.importorskip("jax", reason="jax is not installed: `make setup` brings it, or requirements/neural.txt")

MODELS = ["neumf", "item2vec", "two_tower", "sasrec", "gru4rec"]
ORDERED = ["sasrec", "gru4rec"]  # those that know in which order items were touched


def small(name: str, **more: Any) -> Any:
    """Settings of a model that is trained in a moment."""
    model = recommender(name)
    given = {"factors": 16, "length": 8, "fewest": 1, "rate": 0.01, "patience": 6, "epochs": 20}
    given |= {"blocks": 1} if name == "sasrec" else {}
    given |= {"batch": 32} if name != "item2vec" else {"batch": 256}
    return replace(model.settings(), **{**given, **more})


class NeuralContract(RecommenderContract):
    """Tests that only ask share a fit of the same events; those of the fit itself make their own."""

    on = False
    kept: ClassVar[dict[tuple[str, bytes], Any]] = {}

    def settings(self) -> Any:
        return small(self.name)

    def opened(self, events: Interactions, cohort: Cohort) -> Any:
        key = self.name, events.item.tobytes()
        if key not in self.kept:
            self.kept[key] = super().opened(events, cohort)
        return self.kept[key]


@pytest.mark.deep  # the others show the same of what all share
class TestNeumf(NeuralContract):
    name = "neumf"


class TestItem2Vec(NeuralContract):
    name = "item2vec"


@pytest.mark.deep
class TestTwoTower(NeuralContract):
    name = "two_tower"


class TestSasrec(NeuralContract):
    name = "sasrec"


@pytest.mark.deep
class TestGru4Rec(NeuralContract):
    name = "gru4rec"


@dataclass(frozen=True)
class Past(InteractionsPast):
    """Keeps what is said; its progress raises when an epoch ``stops`` the fit."""

    said: list[str] = field(default_factory=list)
    stops: int | None = None

    def say(self, line: str, /) -> None:
        self.said.append(line)

    @contextmanager
    def progress(self, what: str, total: int, /) -> Iterator[Callable[..., None]]:
        def reached(done: int, /, *, now: str = "") -> None:
            if done == self.stops:
                raise KeyboardInterrupt

        yield reached


def names(events: Interactions) -> list[bytes]:
    return [b"i%04d" % code for code in range(events.items)]


def past(events: Interactions, **more: Any) -> Past:
    return Past(events, names(events), **more)


def ring(users: int = 120, items: int = 60, steps: int = 12) -> Interactions:
    """Users who begin anywhere on a ring of items and go on by one, whatever they began with."""
    begin = np.random.default_rng(5).integers(0, items, users)
    return listed(*((user, int(begin[user] + k) % items, 1000) for user in range(users) for k in range(steps)))


def bags(users: int = 200, items: int = 60) -> Interactions:
    """Users who touch the five items of one bag, in any order."""
    rng = np.random.default_rng(6)
    rows = [(user, 5 * (user % (items // 5)) + int(k), 1000) for user in range(users) for k in rng.permutation(5)[:4]]
    return listed(*rows)


def opened(name: str, events: Interactions, **more: Any) -> Any:
    settings = small(name, **more)
    return recommender(name).open(recommender(name).fit(past(events), settings, None), settings)


@pytest.mark.parametrize("name", ORDERED)
def test_a_planted_rule_of_what_comes_next_is_found(name: str) -> None:
    scorer = opened(name, ring(), epochs=40)
    histories = np.arange(60)[:, None] + np.arange(4)[None, :]
    following = [int(scorer.shares(row % 60).argmax()) for row in histories]
    assert np.mean(following == (histories[:, -1] + 1) % 60) > 0.9


@pytest.mark.parametrize("name", MODELS)
def test_planted_company_is_found(name: str) -> None:
    events = bags()
    scorer, right = opened(name, events), 0
    for item in range(events.items):
        best = np.argsort(-scorer.shares(np.array([item])))[:5]
        right += len({int(code) for code in best if code != item and code // 5 == item // 5})
    assert right / (4 * events.items) > 0.9


@pytest.mark.parametrize("name", MODELS)
def test_serving_computes_what_was_trained(name: str) -> None:
    import jax.numpy as jnp

    from recommenders.neural.network import keep

    scorer = opened(name, tastes())
    touched = np.array([[3, 14, 15, 9, 2], [8, 9, 7, 9, 3]])
    trained = scorer.network.states(jnp, scorer.params, touched, keep)
    assert np.abs(trained).max() > 0.01
    np.testing.assert_allclose(scorer.network.states(np, scorer.params, touched, keep), trained, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ORDERED)
def test_what_comes_later_does_not_change_an_earlier_state_and_the_order_counts(name: str) -> None:
    scorer = opened(name, tastes(), epochs=2)
    states = partial(scorer.network.states, np, scorer.params, drop=lambda x: x)
    long, short = states(inputs=np.array([[1, 2, 3, 4]])), states(inputs=np.array([[1, 2, NOBODY, NOBODY]]))
    np.testing.assert_allclose(long[:, :2], short[:, :2], rtol=1e-5, atol=1e-6)
    assert not np.allclose(long[:, -1], states(inputs=np.array([[3, 1, 2, 4]]))[:, -1], atol=1e-4)


def test_an_event_counts_in_the_next_answer_without_a_new_fit() -> None:
    events = tastes()
    scorer, rules = opened("sasrec", events), Rules(history_items=6)
    sums = LiveSums(events, rules, names(events), len(events) - 1)
    user, item = int(events.user[-1]), int(events.item[-1])
    before = sums.question(user).codes.tolist()
    sums.advance(len(events))
    after = sums.question(user)
    assert after.codes.tolist() == [*(code for code in before if code != item), item][-rules.history_items :]
    shares = scorer.shares(after.codes)
    assert not np.allclose(shares, scorer.shares(np.array(before)), rtol=1e-3)
    answered = scorer.candidates(after, events.items)
    assert dict(zip(answered.columns.codes.tolist(), answered.columns.scores.tolist(), strict=True)) == pytest.approx(
        dict(enumerate(shares.tolist()))
    )
    reasons = [answered.reasons(code) for code in range(events.items)]
    assert set().union(*reasons) == set(after.codes.tolist())
    assert all(gain > 0 for own in reasons for gain in own.values())
    assert answered.reasons(10**6) == {}


def test_an_interrupted_fit_continues_after_its_last_epoch_to_the_same_artefact(tmp_path: Path) -> None:
    fit = partial(recommender("sasrec").fit, settings=small("sasrec", epochs=6), before=None)
    whole = fit(past(tastes()))
    scratch = str(tmp_path / "scratch")
    with pytest.raises(KeyboardInterrupt):
        fit(past(tastes(), scratch=scratch, stops=4))
    other = past(tastes(seed=4), scratch=scratch)
    again = past(tastes(), scratch=scratch)
    continued = fit(again)
    assert again.said[0] == "sasrec: continues after epoch 4, where a fit was interrupted"
    assert whole is not None
    assert continued is not None
    assert dict(whole.rows()) == dict(continued.rows())
    assert not (tmp_path / "scratch").exists()
    with pytest.raises(KeyboardInterrupt):
        fit(past(tastes(), scratch=scratch, stops=4))
    fit(other)
    assert not any("continues" in line for line in other.said)  # a checkpoint of other events


def grown(events: Interactions, users: int) -> tuple[Interactions, Interactions]:
    """The events of the first users, and all of them under other codes of items: one item is new, and sorts first."""
    item = events.item + 1
    item[-1] = 0
    return events.only(events.user < users), replace(events, item=item, items=events.items + 1)


@pytest.mark.parametrize("name", ["sasrec", "item2vec"])
def test_a_fit_begins_with_the_model_before_item_by_item_and_takes_no_more_epochs(name: str) -> None:
    first, more = grown(bags(), 190)
    other_names = [b"a new one", *names(first)]
    settings = small(name, epochs=60, patience=3)
    before = recommender(name).fit(past(first), settings, None)
    asked = Past(more, other_names, from_scratch=False)
    warm = recommender(name).fit(asked, settings, before)
    scratch = recommender(name).fit(Past(more, other_names), settings, before)
    assert before is not None
    assert warm is not None
    assert scratch is not None
    assert f"trained {name}, begun warm: " in asked.said[-1]
    assert (before.facts["warm"], warm.facts["warm"], scratch.facts["warm"]) == (False, True, False)
    assert warm.facts["epochs"] <= scratch.facts["epochs"]
    assert warm.facts["loss"] < scratch.facts["loss"] + 0.2
    rows = recommender(name).fit(asked, replace(settings, rate=1e-6, epochs=1), replaced(before, rate=1e-6, epochs=1))
    assert rows is not None
    at = [rows.items.index(item) for item in before.items]
    np.testing.assert_allclose(rows.arrays["items"][at], before.arrays["items"], atol=1e-4)


def replaced(artefact: Artefact, **settings: Any) -> Artefact:
    """The same numbers, as if learned with other settings."""
    return replace(artefact, facts={**artefact.facts, "settings": {**artefact.facts["settings"], **settings}})


def test_a_model_of_other_settings_or_other_items_is_no_beginning() -> None:
    before = recommender("item2vec").fit(past(bags()), small("item2vec", epochs=1), None)
    others = small("item2vec", epochs=1, factors=8)
    asked = past(bags(), from_scratch=False)
    assert recommender("item2vec").fit(asked, others, before) is not None
    elsewhere = Past(bags(), [b"x%d" % k for k in range(60)], from_scratch=False)
    assert recommender("item2vec").fit(elsewhere, small("item2vec", epochs=1), before) is not None
    assert all("begun from scratch" in own.said[-1] for own in (asked, elsewhere))


def test_an_interrupted_fit_continues_only_from_the_same_beginning(tmp_path: Path) -> None:
    settings = small("item2vec", epochs=4)
    first, second = (recommender("item2vec").fit(past(bags(users)), settings, None) for users in (150, 160))
    fit = partial(recommender("item2vec").fit, settings=settings)
    kept = {"scratch": str(tmp_path / "scratch"), "from_scratch": False}
    with pytest.raises(KeyboardInterrupt):
        fit(past(bags(), stops=2, **kept), before=first)
    other = past(bags(), **kept)
    fit(other, before=second)
    assert not any("continues" in line for line in other.said)
    with pytest.raises(KeyboardInterrupt):
        fit(past(bags(), stops=2, **kept), before=first)
    again = past(bags(), **kept)
    continued, whole = fit(again, before=first), fit(past(bags(), from_scratch=False), before=first)
    assert "continues after epoch 2" in again.said[0]
    assert continued is not None
    assert whole is not None
    assert dict(continued.rows()) == dict(whole.rows())


def test_who_is_held_out_of_a_log_is_held_out_of_what_it_grows_to() -> None:
    def held(users: int) -> set[int]:
        taught, out = Histories.of(past(bags(users)).standing()).held_out(42)
        assert not set(taught.user.tolist()) & set(out.user.tolist())
        assert len(taught) + len(out) == users
        return set(out.user.tolist())

    assert len(held(200)) == 10
    assert held(200) <= held(220) | held(240)
    assert len(held(200) & held(240)) >= 9
    assert held(19) == set()


def test_a_checkpoint_that_cannot_be_read_is_named_and_the_fit_begins_from_scratch(tmp_path: Path) -> None:
    path = tmp_path / "item2vec.checkpoint.npz"
    path.write_bytes(b"PK\x03\x04 cut off")
    asked = past(tastes(), scratch=str(tmp_path))
    assert recommender("item2vec").fit(asked, small("item2vec", epochs=1), None) is not None
    assert asked.said[0].startswith(f"the checkpoint {path} cannot be read and is not used:")
    assert not path.exists()


def test_a_model_without_enough_ratings_is_left_out_with_a_sentence() -> None:
    few = past(listed((0, 0, 1000), (0, 1, 1000)))
    assert recommender("gru4rec").fit(few, small("gru4rec", fewest=3), None) is None
    assert few.said == ["gru4rec is left out: 2 ratings, and fewest of [recommenders.gru4rec] is 3"]


@pytest.mark.parametrize(
    ("broken", "error", "reason"),
    [
        ("optax", ModuleNotFoundError("No module named 'optax'"), "No module named 'optax'"),
        ("jax", ModuleNotFoundError("jax requires jaxlib to be installed.\nSee: the manual"), "jax requires jaxlib to "
         "be installed."),
        ("jax", RuntimeError("jaxlib is version 0.1, but this version of jax needs 0.9"), "jaxlib is version 0.1, but "
         "this version of jax needs 0.9"),
        ("jax", OSError(), "OSError"),
    ],
    ids=["missing", "without jaxlib", "another version", "without words"],
)  # fmt: skip
def test_a_model_whose_packages_cannot_be_imported_is_left_out_with_a_sentence(
    broken: str, error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def imported(name: str) -> None:
        if name == broken:
            raise error

    monkeypatch.setattr(training, "import_module", imported)
    lacking = past(tastes())
    assert recommender("gru4rec").fit(lacking, small("gru4rec"), None) is None
    remedy = "install it with `pip install 'millrace[neural]'`"
    assert lacking.said == [f"gru4rec is left out: {broken} cannot be imported: {reason}; {remedy}"]


def test_a_fit_whose_loss_is_no_number_is_left_out_and_says_what_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    from recommenders.neural import steps

    monkeypatch.setattr(steps, "compiled_loss", lambda *_: float("nan"))
    asked = past(tastes())
    assert recommender("item2vec").fit(asked, small("item2vec", epochs=2), None) is None
    assert asked.said == [
        "item2vec is left out: its loss is no number any longer; lower rate of [recommenders.item2vec]"
    ]


def test_users_of_a_single_item_are_counted_and_teach_nothing() -> None:
    asked = past(listed(*((user, user % 3, 1000) for user in range(9)), (0, 1, 1000)))
    assert recommender("item2vec").fit(asked, small("item2vec", epochs=1), None) is not None
    assert asked.said[0] == "item2vec: 8 of 9 users touched a single item, which teaches no order"


def test_histories_have_the_order_of_the_last_touch_and_nothing_that_was_taken_back() -> None:
    rows = [(0, 0, 1000), (0, 1, 1000), (1, 2, 1000), (0, 2, 1000), (0, 0, 1000), (0, 1, REMOVE), (1, 0, 1000)]
    standing = past(listed(*rows)).standing()
    histories = Histories.of(standing)
    assert [standing.items[code][-1:] for code in histories.item.tolist()] == [b"2", b"0", b"2", b"0"]
    assert histories.starts.tolist() == [0, 2, 4]


def test_windows_ask_for_each_item_but_the_first_once_and_the_newest_window_is_whole() -> None:
    item = np.arange(8)
    inputs, targets = Histories(item, np.array([0, 6, 8]), np.arange(2)).windows(3)
    assert inputs.tolist() == [[2, 3, 4], [0, 1, NOBODY], [6, NOBODY, NOBODY]]
    assert targets.tolist() == [[3, 4, 5], [1, 2, NOBODY], [7, NOBODY, NOBODY]]


def test_an_epoch_learns_from_so_many_touched_items_at_most_and_each_epoch_draws_others() -> None:
    histories = Histories.of(past(ring()).standing())
    whole = histories.windows(8)
    touched = int((whole[1] != NOBODY).sum())
    rng = np.random.default_rng(1)
    everything = drawn_part(whole, touched, rng)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(everything, whole, strict=True))
    first, second = (drawn_part(whole, touched // 3, rng) for _ in range(2))
    for inputs, targets in (first, second):
        assert touched // 3 <= (targets != NOBODY).sum() < touched // 3 + 8
        known = {(tuple(a), tuple(b)) for a, b in zip(*(part.tolist() for part in whole), strict=True)}
        assert {(tuple(a), tuple(b)) for a, b in zip(inputs.tolist(), targets.tolist(), strict=True)} <= known
    assert not np.array_equal(first[0], second[0])


@pytest.mark.parametrize("name", ["sasrec", "item2vec"])
def test_a_long_log_takes_no_more_steps_per_epoch_than_touches_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted rule is found nevertheless: other histories are drawn for each epoch."""
    from recommenders.neural import steps

    own, counted, original = small(name, touches=300), [0], steps.compiled_step

    def counting(*given: Any) -> Any:
        counted[0] += 1
        return original(*given)

    monkeypatch.setattr(steps, "compiled_step", counting)
    artefact = recommender(name).fit(past(ring(300)), own, None)
    assert artefact is not None
    examples = 300 + own.length if name == "sasrec" else 300 * own.draws
    per_epoch = examples // own.batch + 1  # histories have up to eight items: a batch of them holds more
    assert counted[0] <= artefact.facts["epochs"] * per_epoch


def test_neighbours_are_of_the_same_history_within_reach_and_never_the_item_itself() -> None:
    histories = Histories(np.arange(30), np.array([0, 2, 30]), np.arange(2))
    for seed in range(20):
        one, other = (column[:, 0] for column in histories.neighbours(3, np.random.default_rng(seed)))
        assert (one != other).all()
        assert (np.abs(one - other) <= 3).all()
        assert ((one < 2) == (other < 2)).all()


def test_a_batch_is_filled_up_and_drawn_rows_are_distinct_or_all_of_them() -> None:
    pairs = (np.arange(5)[:, None], np.arange(5)[:, None])
    made = list(batches(pairs, 3, 100, 10, np.random.default_rng(1)))
    assert [batch.inputs.shape for batch in made] == [(3, 1), (3, 1)]
    assert sorted(code for batch in made for code in batch.inputs[:, 0].tolist()) == [NOBODY, 0, 1, 2, 3, 4]
    assert all(len(set(batch.drawn.tolist())) == 10 for batch in made)
    assert made[0].corrections == pytest.approx(np.log(10))
    few = next(batches(pairs, 3, 6, 10, np.random.default_rng(1)))
    assert few.drawn[:6].tolist() == list(range(6))
    assert (few.corrections[:6] == 0).all()
    assert (few.corrections[6:] < -1e6).all()


def test_a_past_without_an_order_is_refused_with_a_sentence() -> None:
    @dataclass(frozen=True)
    class Unordered(Past):
        def standing(self) -> Standing:
            return replace(super().standing(), touched=np.zeros(0, np.int64))

    events = tastes()
    asked = Unordered(events, names(events))
    assert recommender("two_tower").fit(asked, small("two_tower"), None) is None
    assert asked.said == ["two_tower is left out: nothing says in which order items were touched"]


def test_answering_imports_no_framework() -> None:
    code = (
        "import sys, numpy as np\n"
        "from recommenders import recommender\n"
        "from recommenders.artefact import Artefact\n"
        "from dataclasses import asdict\n"
        f"for name in {MODELS!r}:\n"
        "    model = recommender(name); own = model.settings(factors=4)\n"
        "    arrays = model.network(own).begun(np.random.default_rng(0), 3)\n"
        "    scorer = model.open(Artefact({'settings': asdict(own)}, [b'a', b'b', b'c'], arrays), own)\n"
        "    assert abs(scorer.shares(np.array([0, 2])).sum() - 1) < 1e-6\n"
        "assert not {'jax', 'optax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_artefact_is_opened_by_the_settings_it_was_trained_with() -> None:
    artefact = recommender("sasrec").fit(past(tastes()), small("sasrec", epochs=1, blocks=1), None)
    assert isinstance(artefact, Artefact)
    assert artefact.arrays["items"].shape == (60, 16)
    larger = small("sasrec", factors=32, blocks=3)  # changed since: the artefact keeps its own
    cohort = Cohort.of(tastes(), Rules(), names(tastes()))
    assert scores_of(recommender("sasrec").open(artefact, larger), cohort.question(1), 10)
