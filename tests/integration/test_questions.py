"""Questions beyond one user's list: baskets, several items, several users, attributes, cursors; without a log."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from httpx import Client

from adapters.records.books import CATALOGUE, generation_book
from adapters.records.control import Applied
from adapters.settings import Settings
from core.rows.catalogue_rows import pack_entry
from schemas.catalogue import Item, User
from tests.kit.serving import SLASHED, fill, problem, serving, words_learned

ITEMS = [
    Item("y1", brand="acme", price=10.0, tags=("new", "red"), region="north"),
    Item("y2", brand="acme", price=20.0, tags=("red",), regions=("south", "west")),
    Item("y3", brand="other", price=30.0, category="c1"),
    Item("y4", hidden=True),
]
ONE_OF_EACH = {"user_id": "u3", "item_id": quote("y1", ""), "name": "activity", "list_id": "mine"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    home = tmp_path_factory.mktemp("shop")
    world = fill(home)
    claim = Applied().moved(settled=True).to_json()
    assert world.speed.swap(CATALOGUE, None, claim)
    rows = {("items", item.item_id.encode()): pack_entry(item) for item in ITEMS}
    rows["users", b"fan"] = pack_entry(User("fan", ("c1",)))
    assert world.speed.put(CATALOGUE, rows, guard=claim)
    world.batch.put(generation_book(world.control.active or ""), words_learned(ITEMS))
    with serving(Settings.of(home=home, kafka="127.0.0.1:1")) as client:
        assert client.post("/users/u3/lists", json={"list_id": "mine", "items": [{"item_id": "y2"}]}).status_code == 201
        yield client
    world.batch.close()
    world.speed.close()


def names(answer: dict[str, Any]) -> list[str]:
    return [row["item_id"] for row in answer["items"]]


def asked(client: Client, path: str, **body: Any) -> dict[str, Any]:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


class TestBaskets:
    def test_the_answer_is_that_of_a_user_with_this_history(self, client: Client) -> None:
        history = client.get("/users/u3/history?n=100").json()["items"][::-1]
        basket = [{"item_id": row["item_id"], "weight": row["rating"]} for row in history]
        one, other = asked(client, "/recommendations", items=basket), client.get("/recommendations/u3").json()
        assert one["personal"]
        assert names(one) == names(other)
        assert [row["source"] for row in one["items"]] == [row["source"] for row in other["items"]]

    def test_nothing_is_recorded_and_what_nobody_knows_is_named(self, client: Client) -> None:
        before = client.get("/ready").json()
        answer = asked(client, "/recommendations", items=[{"item_id": "y1", "kind": "cart"}, {"item_id": "no such"}])
        assert answer["unknown_items"] == ["no such"]
        assert "y1" not in names(answer)
        assert client.get("/ready").json()["fresh_to"] == before["fresh_to"]
        assert problem(client.get("/items/no%20such"), 404)

    def test_a_retracted_item_counts_as_none(self, client: Client) -> None:
        nothing = asked(client, "/recommendations", n=5)
        taken_back = [{"item_id": "y1", "kind": "view"}, {"item_id": "y1", "kind": "remove"}]
        assert names(asked(client, "/recommendations", items=taken_back, n=5)) == names(nothing)
        assert not nothing["personal"]

    def test_preferences_come_first_where_there_is_no_basket(self, client: Client) -> None:
        rows = asked(client, "/recommendations", preferences=["c1"], n=100)["items"]
        categories = [row["category"] for row in rows]
        assert categories == sorted(categories, reverse=True)
        assert names({"items": rows}) == names(client.get("/recommendations/fan?n=100").json())

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"items": [{"item_id": "y1", "kind": "stare"}]}, "items.kind: unknown kind 'stare'"),
            ({"items": [{"item_id": "y1", "kind": "rating"}]}, "items.value: a rating needs its value"),
            ({"items": [{"item_id": "y1", "kind": "view", "weight": 2}]}, "not both"),
            ({"items": [{"item_id": ""}]}, "items.0.item_id"),
            ({"items": [{"item_id": "y1"}] * 101}, "items: "),
            ({"item": []}, "unknown field 'item': did you mean 'items'?"),
            ({"context": {"device": "phone"}}, "context.device: leave it out"),
            ({"context": {"place": "here"}}, "context.place"),
            ({"min_price": -1}, "min_price"),
            ({"cursor": "x"}, "cursor: "),
        ],
    )
    def test_what_breaks_a_rule_is_422_and_names_the_field(self, client: Client, body: Any, said: str) -> None:
        assert said in problem(client.post("/recommendations", json=body), 422)["detail"]


def test_the_items_of_a_context_count_as_just_viewed(client: Client) -> None:
    plain = asked(client, "/recommendations/u3", n=100)
    there = asked(client, "/recommendations/u3", n=100, context={"items": [names(plain)[0]]})
    assert names(plain)[0] not in names(there)
    stranger = asked(client, "/recommendations/nobody", context={"items": ["y1"]})
    assert stranger["personal"]
    assert names(stranger) == names(asked(client, "/recommendations", items=[{"item_id": "y1"}]))


def test_several_users_are_answered_from_one_snapshot_as_each_alone(client: Client) -> None:
    users = [f"u{k}" for k in range(20)] + ["nobody"]
    answer = asked(client, "/batch/recommendations", users=users, n=3)
    assert [row["user_id"] for row in answer["users"]] == users
    for row in answer["users"]:
        assert row["items"] == client.get(f"/recommendations/{row['user_id']}?n=3").json()["items"]
    problem(client.post("/batch/recommendations", json={"users": ["u"] * 101}), 422)
    problem(client.post("/batch/recommendations", json={"users": []}), 422)


def test_similar_to_one_item_of_several_is_similar_to_it(client: Client) -> None:
    alone = client.get("/items/y0/similar?n=100").json()["items"]
    together = client.get("/similar?item=y0&n=100").json()
    assert alone
    assert [(row["item_id"], row["score"]) for row in together["items"]] == [(r["item_id"], r["score"]) for r in alone]


def test_similar_to_several_items_is_the_mean_of_the_similarities_without_the_items_themselves(client: Client) -> None:
    given = ["y0", "y2", "x1"]
    expected: dict[str, float] = {}
    for item in given:
        for row in client.get(f"/items/{item}/similar?n=1000").json()["items"]:
            expected[row["item_id"]] = expected.get(row["item_id"], 0.0) + row["score"] / len(given)
    assert len(expected) > 2
    answer = asked(client, "/similar", items=[*given, "no such"], n=1000)
    assert {row["item_id"]: pytest.approx(row["score"]) for row in answer["items"]} == {
        item: score for item, score in expected.items() if item not in given
    }
    assert answer["unknown_items"] == ["no such"]
    assert (
        client.get("/similar?" + "&".join(f"item={item}" for item in given) + "&n=1000").json()["items"]
        == answer["items"]
    )
    problem(client.get("/similar?item=nothing"), 404)
    problem(client.get("/similar"), 422)


class TestAttributes:
    @pytest.mark.parametrize(
        ("query", "listed"),
        [
            ("brand=acme", {"y1", "y2"}), ("brand=acme&brand=other", {"y1", "y2", "y3"}), ("tag=red", {"y1", "y2"}),
            ("tag=new", {"y1"}), ("min_price=10&max_price=20", {"y1", "y2"}), ("min_price=30", {"y3"}),
            ("brand=acme&region=north", {"y1"}), ("brand=acme&region=west", {"y2"}), ("brand=nobody", set()),
        ],
    )  # fmt: skip
    def test_lists_hold_only_items_whose_records_say_so(self, client: Client, query: str, listed: set[str]) -> None:
        for path in ("/recommendations/nobody", "/trending", "/users/u3/history"):
            whole = set(names(client.get(f"{path}?n=1000").json()))
            assert set(names(client.get(f"{path}?n=1000&{query}").json())) == listed & whole
        body: dict[str, Any] = {"n": 1000}
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            body[name] = float(value) if "price" in name else [*body.get(name, []), value]
        assert set(names(asked(client, "/recommendations", **body))) == listed

    def test_a_region_leaves_items_without_one_in_the_list(self, client: Client) -> None:
        there = set(names(client.get("/trending?n=1000&region=east").json()))
        assert there == set(names(client.get("/trending?n=1000").json())) - {"y1", "y2"}

    @pytest.mark.parametrize("query", ["min_price=-1", "max_price=nan", "min_price=x", "brand=", "tag=" + "x" * 257])
    def test_an_impossible_one_is_422(self, client: Client, query: str) -> None:
        assert query.partition("=")[0] in problem(client.get(f"/trending?{query}"), 422)["detail"]


@pytest.mark.parametrize(
    "path",
    ["/recommendations/nobody", "/trending", "/items/y0/similar", "/users/u3/history", "/similar?item=y1&item=x1"],
)
def test_pages_by_cursor_are_the_whole_list_each_row_once(client: Client, path: str) -> None:
    mark = "&" if "?" in path else "?"
    whole, rows, cursor = names(client.get(f"{path}{mark}n=1000").json()), list[str](), ""
    while cursor is not None:
        page = client.get(f"{path}{mark}n=1" + (f"&cursor={cursor}" if cursor else "")).json()
        rows, cursor = rows + names(page), page["next_cursor"]
    assert rows == whole
    assert whole
    other = client.get("/trending?n=2&window=2h").json()["next_cursor"]
    assert "another list" in problem(client.get(f"/recommendations/u1?cursor={other}"), 422)["detail"]


@pytest.mark.parametrize(
    ("older", "path"),
    [
        ("/api/recommendations/u3/", "/recommendations/u3"),
        ("/api/trending/?n=3", "/trending?n=3"),
        ("/api/trending", "/trending"),
        ("/api/analytics/dashboard/", "/analytics/dashboard"),
        ("/api/users/u3/profile/", "/users/u3/profile"),
        (f"/api/recommendations/{quote(SLASHED, '')}/", f"/recommendations/{quote(SLASHED, '')}"),
    ],
)
def test_the_paths_of_older_clients_answer_the_same(client: Client, older: str, path: str) -> None:
    root = str(client.base_url).removesuffix("/api/v1/")
    assert client.get(root + older).json() == client.get(path).json()


def test_interactions_are_posted_at_their_older_path_too(client: Client) -> None:
    root = str(client.base_url).removesuffix("/api/v1/")
    problem(client.post(root + "/api/interactions/", json={"kind": "view", "user_id": "u"}), 422)
    problem(client.get(root + "/api/interactions/"), 405)
    problem(client.get(root + "/api/items/y1/"), 404)


def test_answers_are_as_the_description_says_and_every_example_too(client: Client) -> None:
    document = client.get(str(client.base_url).removesuffix("/api/v1/") + "/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            (code,) = [code for code in operation["responses"] if code.startswith("2")]
            if "content" not in operation["responses"][code] or not path.startswith("/api/v1/"):
                continue
            schema = operation["responses"][code]["content"]["application/json"]["schema"]
            assert "$ref" in schema, (method, path)
            described = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            whole = {**described, "components": document["components"]}
            for example in described.get("examples", []):
                jsonschema.validate(example, whole)
            if method == "get":
                named = "?item=y1" if path.endswith(("/v1/similar", "/v1/items")) else ""
                url = path.removeprefix("/api/v1").format(**ONE_OF_EACH) + named
                answer = client.get(url).json()
                jsonschema.validate(answer, whole)
                assert url == "/items/y1" or set(answer) <= set(described["properties"]), url


def test_the_dashboard_counts_what_the_other_answers_count(client: Client) -> None:
    shown, trending = client.get("/analytics/dashboard?n=1000").json(), client.get("/trending?n=1000&window=24h").json()
    assert shown["items"] == trending["items"]
    assert shown["counted_items"] == len(trending["items"]) + 1  # one is hidden
    assert sum(hour["events"] for hour in shown["hours"]) == shown["events"] == 200
    assert sum(row["count"] for row in shown["categories"]) <= 200


class TestWords:
    def test_similar_by_words_is_by_what_records_say(self, client: Client) -> None:
        answer = client.get("/items/y2/similar?by=words").json()
        assert (answer["by"], names(answer)) == ("words", ["y1"])  # both are acme's, and red; y4 is hidden
        assert client.get("/items/y1/similar?by=behaviour").json() == client.get("/items/y1/similar").json()
        assert "'behaviour', 'words' or 'picture'" in problem(client.get("/items/y1/similar?by=smell"), 422)["detail"]
        problem(client.get("/items/nothing/similar?by=words"), 404)

    def test_pages_by_cursor_of_neighbours_by_words_have_each_once(self, client: Client) -> None:
        first = client.get("/items/x1/similar?by=words&n=1").json()  # it has no words: the answer is by behaviour
        assert (first["by"], bool(first["missing"])) == ("behaviour", True)
        second = client.get(f"/items/x1/similar?by=words&n=1&cursor={first['next_cursor']}").json()
        assert names(first) != names(second)


class TestPersonalLists:
    def test_a_list_is_made_read_changed_and_deleted(self, client: Client) -> None:
        home, new = "/users/a%2Fnn/lists", {"list_id": "for me / 7", "items": [{"item_id": "y1", "weight": 2}]}
        one = f"{home}/{quote(str(new['list_id']), '')}"
        made = client.post(home, json=new)
        assert (made.status_code, made.json()["items"]) == (201, [{"item_id": "y1", "weight": 2.0}])
        assert "PATCH changes it" in problem(client.post(home, json=new), 409)["detail"]
        assert client.get(one).json() == made.json()
        assert [(row["list_id"], row["size"]) for row in client.get(home).json()["lists"]] == [("for me / 7", 1)]
        changed = client.patch(one, json={"add": [{"item_id": "y2"}], "remove": ["y1"]}).json()
        assert changed["items"] == [{"item_id": "y2", "weight": 1.0}]
        assert client.get(one).json() == changed
        assert client.delete(one).json() == {"user_id": "a/nn", "lists": []}
        for gone in (
            client.get(one),
            client.delete(one),
            client.patch(one, json={}),
            client.get(f"{one}/recommendations"),
        ):
            assert "this user has none" in problem(gone, 404)["detail"]

    def test_a_list_of_somebody_without_events_recommends_by_words_and_beside_it_by_behaviour(
        self, client: Client
    ) -> None:
        client.post("/users/new/lists", json={"list_id": "l", "items": [{"item_id": "y2"}, {"item_id": "no such"}]})
        answer = client.get("/users/new/lists/l/recommendations").json()
        assert [(row["item_id"], row["because"]) for row in answer["by_words"]] == [("y1", ["y2"])]
        assert answer["unknown_items"] == ["no such"]
        basket = asked(client, "/recommendations", items=[{"item_id": "y2"}])
        assert answer["by_behaviour"] == basket["items"]
        assert "missing" not in answer

    def test_what_the_user_has_seen_is_listed_only_on_demand(self, client: Client) -> None:
        client.post("/users/u1/lists", json={"list_id": "l", "items": [{"item_id": "y2"}]})
        seen = {row["item_id"] for row in client.get("/users/u1/history?n=100").json()["items"]}
        assert "y1" in seen
        where = "/users/u1/lists/l/recommendations?n=100"
        without, with_seen = client.get(where).json(), client.get(f"{where}&include_seen=true").json()
        assert without["by_words"] == []
        assert not seen & {row["item_id"] for row in without["by_behaviour"]}
        assert [row["item_id"] for row in with_seen["by_words"]] == ["y1"]

    def test_a_list_without_words_says_so_and_has_the_other_half(self, client: Client) -> None:
        client.post("/users/new/lists", json={"list_id": "mute", "items": [{"item_id": "x1"}]})
        answer = client.get("/users/new/lists/mute/recommendations").json()
        assert answer["by_words"] == []
        assert "no item of this list has words" in answer["missing"]
        assert answer["by_behaviour"]
        client.post("/users/new/lists", json={"list_id": "empty"})
        assert client.get("/users/new/lists/empty/recommendations").json()["by_behaviour"] == []

    def test_impossible_lists_are_refused_by_name(self, client: Client) -> None:
        for body, said in (
            ({}, "list_id"), ({"list_id": ""}, "list_id"), ({"list_id": "l", "items": [{}]}, "item_id"),
            ({"list_id": "l", "items": [{"item_id": "a", "weight": 0}]}, "weight"), ({"list": "l"}, "list_id"),
            ({"list_id": "l", "items": [{"item_id": "a"}] * 501}, "at most 500"),
        ):  # fmt: skip
            assert said in problem(client.post("/users/new/lists", json=body), 422)["detail"]
