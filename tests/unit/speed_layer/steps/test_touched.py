"""What an attempt says of the rows that it wrote, and how long that is kept."""

from adapters.records.books import SPEED, touched_space
from core.rows.touched import KEPT_ATTEMPTS, unpack_touched
from schemas.control import Position
from speed_layer.clean_up import old_lists
from tests.kit.exact.story import ALL, Story


def test_every_row_that_an_attempt_wrote_is_listed() -> None:
    with Story.begun() as story:
        story.past_a_boundary()
        position, speed = story.world.position, story.world.speed.real
        assert position is not None
        lists = [unpack_touched(value) for _, value in speed.scan(SPEED, touched_space(position, position.attempt))]
        listed = {(touched.view, key) for touched in lists for key in touched.keys}
        written = {
            (space.split("/")[1].removesuffix("-older"), key)
            for space in speed.spaces(SPEED)
            if "touched" not in space
            for key, row in speed.scan(SPEED, space)
            if int.from_bytes(row[8:16], "little") == position.attempt
        }
        assert written == listed


def test_lists_of_long_ago_and_of_earlier_lives_are_deleted() -> None:
    position = Position(1, "", "me", 3, {0: 9}, attempt=KEPT_ATTEMPTS + 5, life="b" * 32)
    earlier = Position(1, "", "me", 3, {0: 9}, life="a" * 32)
    kept = {touched_space(position, number) for number in range(6, KEPT_ATTEMPTS + 7)} | {"3/norms/1", "3/history"}
    old = {touched_space(position, number) for number in range(1, 6)} | {touched_space(earlier, KEPT_ATTEMPTS)}
    assert set(old_lists(kept | old, position)) == old


def test_the_speed_layer_deletes_the_lists_of_old_attempts_a_few_at_a_time() -> None:
    with Story.begun() as story:
        story.send(4)
        life = story.life()
        position = story.world.position
        assert position is not None
        for number in range(20):
            story.world.speed.put(SPEED, {(touched_space(position, -1000 - number), b""): b""}, guard=position.stored)
        before = len(story.world.speed.spaces(SPEED))
        for deleted in (0, 8, 16, 20, 20):
            story.wait()
            life.clean_up.maybe()
            assert before - len(story.world.speed.spaces(SPEED)) == deleted
        story.send(4)
        life.apply(ALL)
        story.exact()
