"""A share of the users is served otherwise: by other weights or from another generation, each answer by one of them."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapters.settings import Settings
from core.experiments.assignment import place
from millrace.reproduce.recomputing import experiments_of
from serving_layer.answers.recommend import Wish, explain, recommend, recommend_to_many
from serving_layer.reading.answering import answer
from serving_layer.reading.following import followed
from serving_layer.reading.views import Views, open_views
from tests.kit.commands import CommandsHere
from tests.kit.serving import fill, model_rows, serving
from tests.kit.small_lambda import SmallLambda
from tests.kit.waiting import until

USERS = [f"u{k}" for k in range(20)]
WARM = {"warm": {"share": 0.5, "weights": {"als": 0, "popular": 3.0, "latest": 1.0}}}
OTHERWISE = {"als": {"weight": 0}, "popular": {"weight": 3.0}, "latest": {"weight": 1.0}}
IN_WARM = {user for user in USERS if place("warm", user.encode()) < 0.5}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SmallLambda]:
    filled = fill(tmp_path / "home")
    with closing(filled.batch), closing(filled.speed):
        yield filled


@pytest.fixture
def two_generations(world: SmallLambda) -> SmallLambda:
    """The first is the predecessor of the second, whose model prefers the other taste."""
    rows = model_rows([f"y{k}" for k in range(6)])
    world.run_batch(190, rows)
    return world


def settings(world: SmallLambda, tmp_path: Path, **more: Any) -> Settings:
    return Settings.of(home=tmp_path / "home", kafka="127.0.0.1:1", **more)


def lists(views: Views, user: str) -> dict[str, Any]:
    return answer(views.of_user(user.encode()), partial(recommend, user=user.encode(), wish=Wish()))


def without(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "experiment"}


def test_users_of_an_experiment_get_lists_by_its_weights_and_all_others_what_they_got(
    world: SmallLambda, tmp_path: Path
) -> None:
    assert 3 < len(IN_WARM) < 17
    plain, otherwise = settings(world, tmp_path), settings(world, tmp_path, recommenders=OTHERWISE, blend_learns="")
    with (
        open_views(settings(world, tmp_path, experiments=WARM)) as views, open_views(plain) as before,
        open_views(otherwise) as after,
    ):  # fmt: skip
        for user in USERS:
            body, expected = lists(views, user), lists(after if user in IN_WARM else before, user)
            assert body["experiment"] == ("warm" if user in IN_WARM else None)
            assert without(body) == expected
            why = answer(views, partial(explain, user=user.encode(), item=b"y1"))
            assert why["experiment"] == body["experiment"]
            assert ("als" in why["sources"]) <= (user not in IN_WARM)
        assert "experiment" not in lists(before, "u1")


def test_a_list_that_may_have_seen_items_keeps_its_blend_unless_the_weights_are_about_such_items(
    world: SmallLambda, tmp_path: Path
) -> None:
    def again(views: Views, user: str) -> dict[str, Any]:
        return answer(views, partial(recommend, user=user.encode(), wish=Wish(include_seen=True)))

    about_seen = {"again": {"share": 1, "weights": {"repeat": 5.0}}}
    with (
        open_views(settings(world, tmp_path)) as before,
        open_views(settings(world, tmp_path, experiments=WARM)) as warm,
        open_views(settings(world, tmp_path, experiments=about_seen)) as seen,
    ):
        for user in USERS:
            assert again(warm, user) == {**again(before, user), "experiment": None}
            assert again(seen, user)["experiment"] == "again"
        assert any(again(seen, user)["items"] != again(before, user)["items"] for user in USERS)


def test_a_kept_generation_serves_its_users_as_after_a_rollback(two_generations: SmallLambda, tmp_path: Path) -> None:
    control = two_generations.control
    older, newer = control.predecessor, control.active
    everyone = {"old": {"share": 1, "generation": older}}
    with open_views(settings(two_generations, tmp_path, experiments=everyone)) as views:
        served = {user: lists(views, user) for user in USERS}
        with followed(views):
            until(lambda: views.of_user(b"u1").current())
            assert {user: lists(views, user) for user in USERS} == served
        many = answer(views, partial(recommend_to_many, users=[b"u1", b"u2"], wish=Wish()))
    assert {body["generation"] for body in served.values()} == {older}
    assert {body["experiment"] for body in served.values()} == {"old"}
    assert (many["generation"], {user["experiment"] for user in many["users"]}) == (newer, {None})
    with open_views(settings(two_generations, tmp_path)) as views:
        assert lists(views, "u1")["generation"] == newer
    from core.control.changes import rollback

    two_generations._control(rollback(control, older))
    with open_views(settings(two_generations, tmp_path)) as views:
        for user in USERS:
            assert without(served[user]) == lists(views, user)


def test_a_generation_that_is_not_kept_changes_nothing_and_the_command_says_so(
    two_generations: SmallLambda, tmp_path: Path
) -> None:
    gone = {"gone": {"share": 1, "generation": "20200101T000000-0000"}, "warm": {"share": 1, "weights": {"ease": 1}}}
    with open_views(settings(two_generations, tmp_path, experiments=gone)) as views:
        body = lists(views, "u1")
    assert (body["generation"], body["experiment"]) == (two_generations.control.active, None)
    (tmp_path / "millrace.toml").write_text(
        f'home = "{tmp_path}/home"\n[experiments.gone]\nshare = 0.25\ngeneration = "20200101T000000-0000"\n'
        "[experiments.warm]\nshare = 0.5\nweights = { ease = 1, popular = 2 }\n"
    )
    commands = CommandsHere(tmp_path)
    first, second = commands.json("experiments", "list")["experiments"]
    assert (first["name"], first["share"], second["weights"]) == ("gone", 0.25, {"ease": 1.0, "popular": 2.0})
    assert "generation 20200101T000000-0000 is not kept" in first["without_effect"][0]
    assert [why.split(" in ")[0] for why in second["without_effect"]] == ["ease has learned nothing"]
    shown = commands.run("experiments", "list").stdout
    assert "without effect: ease has learned nothing" in shown
    assert "there are no experiments" in CommandsHere(tmp_path / "home").run("experiments", "list").stdout


def test_an_answer_that_names_no_experiment_is_computed_again_without_any(world: SmallLambda, tmp_path: Path) -> None:
    own = settings(world, tmp_path, experiments=WARM)
    for named in ({"experiment": None}, {"users": [{"experiment": "warm"}]}):
        assert [tried.name for tried in experiments_of(named, own)] == ["warm"]
    for plain in ({"items": []}, {"users": []}, {"users": [{"user_id": "u"}]}):
        assert experiments_of(plain, own) == ()


def test_over_http_each_user_has_the_generation_of_the_own_experiment(
    two_generations: SmallLambda, tmp_path: Path
) -> None:
    older, newer = two_generations.control.predecessor, two_generations.control.active
    tried = {"warm": {"share": 0.5, "generation": older}}
    with serving(settings(two_generations, tmp_path, experiments=tried)) as client:
        for _ in range(2):  # the second time from memory
            for user in USERS:
                response = client.get(f"/recommendations/{user}")
                body = response.json()
                expected = (older, "warm") if user in IN_WARM else (newer, None)
                assert (body["generation"], body["experiment"]) == expected
                assert response.headers["millrace-generation"] == body["generation"]
                assert client.post(f"/recommendations/{user}", json={}).json() == body
