"""What looks like an item or like a picture that is sent, by HTTP and by commands; over real stores, without a log."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Client
from PIL import Image

from adapters.records.books import CATALOGUE
from adapters.records.control import Applied
from adapters.settings import Settings
from core.rows.catalogue_rows import pack_entry
from millrace.pictures.indexing import index_pictures
from schemas.catalogue import Item
from serving_layer.http.bodies import Limits
from serving_layer.routes import pictures
from tests.kit.commands import CommandsHere
from tests.kit.pictures import DISCS, STRIPES, drawing, encoded
from tests.kit.serving import fill, problem, serving

SHOWN = ("x1", "x2", "x3", "y1", "y2", "y3", "beyond")  # x: stripes, others: discs
PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("shop")
    world = fill(home)
    claim = Applied().moved(settled=True).to_json()
    assert world.speed.swap(CATALOGUE, None, claim)
    rows = {("items", b"y3"): pack_entry(Item("y3", hidden=True)), ("items", b"y2"): pack_entry(Item("y2", brand="b"))}
    assert world.speed.put(CATALOGUE, rows, guard=claim)
    folder = home / "img"
    folder.mkdir()
    for number, item in enumerate(SHOWN):
        drawing(STRIPES if item[0] == "x" else DISCS, number).save(folder / f"{item}.png")
    settings = Settings.of(home=home, kafka="127.0.0.1:1")
    index_pictures(settings, folder, "name", 1)
    yield settings
    world.batch.close()
    world.speed.close()


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[Client]:
    with serving(settings) as client:
        yield client


def names(answer: dict[str, Any]) -> list[str]:
    return [row["item_id"] for row in answer["items"]]


class TestByItem:
    def test_what_looks_like_an_item_comes_first_and_hidden_items_not_at_all(self, client: Client) -> None:
        answer = client.get("/items/x1/similar?by=picture").json()
        assert set(names(answer)[:2]) == {"x2", "x3"}
        assert {"x1", "y3"}.isdisjoint(names(answer))
        assert (answer["by"], answer["distance"], answer["exact"], answer["pictures"]) == ("picture", "cosine", True, 7)
        assert answer["generation"] is not None
        assert answer["degraded"] == []

    def test_five_are_listed_unless_the_question_says_how_many(self, client: Client) -> None:
        assert len(names(client.get("/items/x1/similar?by=picture").json())) == 5
        assert len(names(client.get("/items/x1/similar?by=picture&n=2").json())) == 2

    def test_pages_by_cursor_give_every_picture_once(self, client: Client) -> None:
        listed, query = list[str](), "n=2"
        while query:
            answer = client.get(f"/items/x1/similar?by=picture&{query}").json()
            listed += names(answer)
            query = answer["next_cursor"] and f"n=2&cursor={answer['next_cursor']}"
        assert sorted(listed) == sorted({*SHOWN} - {"x1", "y3"})

    def test_attributes_narrow_the_list(self, client: Client) -> None:
        assert names(client.get("/items/x1/similar?by=picture&brand=b").json()) == ["y2"]

    def test_an_item_without_a_picture_is_404_and_says_what_to_do(self, client: Client) -> None:
        assert "millrace pictures index" in problem(client.get("/items/x4/similar?by=picture"), 404)["detail"]
        assert "there is no item" in problem(client.get("/items/none/similar?by=picture"), 404)["detail"]

    def test_another_way_is_refused(self, client: Client) -> None:
        assert "'picture'" in problem(client.get("/items/x1/similar?by=pictures"), 422)["detail"]

    def test_by_behaviour_is_the_answer_without_it(self, client: Client) -> None:
        assert client.get("/items/x1/similar?by=behaviour").content == client.get("/items/x1/similar").content


class TestPersonalLists:
    def test_a_list_recommends_what_looks_like_its_items_beside_the_other_ways(self, client: Client) -> None:
        items = [{"item_id": "x1", "weight": 3}, {"item_id": "x4"}]
        client.post("/users/new/lists", json={"list_id": "stripes", "items": items})
        answer = client.get("/users/new/lists/stripes/recommendations?n=3").json()
        assert [row["item_id"] for row in answer["by_pictures"]][:2] in (["x2", "x3"], ["x3", "x2"])
        assert all(row["because"] == ["x1"] for row in answer["by_pictures"])
        assert {"x1", "y3"}.isdisjoint(row["item_id"] for row in answer["by_pictures"])
        assert answer["by_behaviour"]
        assert answer["by_words"] == []
        assert "missing_by_pictures" not in answer

    def test_a_list_without_pictures_says_so_and_has_the_other_ways(self, client: Client) -> None:
        client.post("/users/new/lists", json={"list_id": "blind", "items": [{"item_id": "x4"}]})
        answer = client.get("/users/new/lists/blind/recommendations").json()
        assert answer["by_pictures"] == []
        assert "millrace pictures index" in answer["missing_by_pictures"]
        assert answer["by_behaviour"]


class TestUpload:
    def test_a_form_and_a_plain_body_have_the_same_answer(self, client: Client) -> None:
        picture = encoded(drawing(STRIPES, 50))
        form = client.post("/similar-image", files={"file": ("q.png", picture, "image/png")})
        plain = client.post("/similar-image", content=picture, headers=PNG)
        assert form.status_code == 200, form.text
        assert form.json() == plain.json()
        assert set(names(form.json())[:3]) == {"x1", "x2", "x3"}
        assert len(names(form.json())) == 5
        assert "y3" not in names(form.json())

    @pytest.mark.parametrize("form", ["JPEG", "WEBP", "GIF", "BMP", "TIFF"])
    def test_each_format_is_taken_whatever_the_form_calls_it(self, client: Client, form: str) -> None:
        picture = encoded(drawing(STRIPES, 50), form)
        answer = client.post("/similar-image?n=1&distance=euclidean", files={"file": ("q", picture, "image/png")})
        assert answer.json()["distance"] == "euclidean"
        assert names(answer.json())[0].startswith("x")

    @pytest.mark.parametrize(
        ("status", "content"),
        [
            (415, b"no picture"),
            (415, b""),
            (415, b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            (422, encoded(drawing(STRIPES, 50))[:60]),
            (422, encoded(drawing(STRIPES, 50), "JPEG")[:400]),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, client: Client, status: int, content: bytes) -> None:
        assert (
            "the picture is not taken"
            in problem(client.post("/similar-image", files={"file": content}), status)["detail"]
        )

    def test_a_bomb_is_refused_before_it_is_decoded(self, client: Client) -> None:
        wide = Image.new("1", (30_000, 30_000))
        bomb = encoded(wide, "PNG")
        assert len(bomb) < 1_000_000
        assert "pixels" in problem(client.post("/similar-image", content=bomb, headers=PNG), 413)["detail"]

    def test_a_body_that_is_too_large_is_refused_by_its_header_and_while_it_comes(self, client: Client) -> None:
        large = bytes(pictures.MAX_UPLOAD_BYTES + 1)
        assert "10,485,760" in problem(client.post("/similar-image", content=large, headers=PNG), 413)["detail"]
        parts = (large[at : at + 1_000_000] for at in range(0, len(large), 1_000_000))
        assert problem(client.post("/similar-image", content=parts, headers=PNG), 413)

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", "image/svg+xml", ""])
    def test_another_kind_of_body_is_415_and_says_which(self, client: Client, kind: str) -> None:
        answer = client.post("/similar-image", content=b"{}", headers={"Content-Type": kind})
        assert "multipart/form-data" in problem(answer, 415)["detail"]

    @pytest.mark.parametrize(
        ("kind", "body", "said"),
        [
            ("multipart/form-data", b"x", "names no boundary"),
            ("multipart/form-data; boundary=b", b"x", "is no form with that boundary"),
            ("multipart/form-data; boundary=b", b"--b\r\n\r\nx", "cut off"),
            ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n", "has no name"),
            ("multipart/form-data; boundary=b", b"--b--\r\n", "is no form"),
            (
                'multipart/form-data; boundary="b"',
                b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n--b--\r\n',
                "it has image",
            ),
        ],
    )
    def test_a_form_that_is_none_says_what_is_missing(self, client: Client, kind: str, body: bytes, said: str) -> None:
        answer = client.post("/similar-image", content=body, headers={"Content-Type": kind})
        assert said in problem(answer, 422)["detail"]

    def test_unknown_parameters_and_distances_are_refused(self, client: Client) -> None:
        picture = encoded(drawing(STRIPES, 50))
        for query, said in (("m=1", "known are distance"), ("distance=cosin", "did you mean 'cosine'")):
            assert said in problem(client.post(f"/similar-image?{query}", content=picture, headers=PNG), 422)["detail"]

    def test_the_description_says_how_a_picture_is_sent(self, client: Client) -> None:
        document = client.get(str(client.base_url).replace("/api/v1/", "/openapi.json")).json()
        operation = document["paths"]["/api/v1/similar-image"]["post"]
        assert {"multipart/form-data", "image/png", "image/jpeg"} <= set(operation["requestBody"]["content"])
        assert {"200", "408", "413", "415", "422", "503"} <= set(operation["responses"])


def test_how_many_pictures_are_indexed_is_asked_apart(client: Client) -> None:
    answer = client.get("/pictures").json()
    assert (answer["pictures"], answer["distance"]) == (len(SHOWN), "cosine")
    assert answer["network"]


def test_without_an_index_the_answer_says_how_to_make_one(settings: Settings, tmp_path: Path) -> None:
    world = fill(tmp_path / "empty")
    with serving(settings.changed(home=tmp_path / "empty"), Limits()) as client:
        for answer in (
            client.get("/items/x1/similar?by=picture"),
            client.post("/similar-image", content=b"", headers=PNG),
        ):
            assert "millrace pictures index" in problem(answer, 503)["detail"]
        assert client.get("/pictures").json() == {"pictures": 0, "network": None, "distance": "cosine"}
    world.batch.close()
    world.speed.close()


class TestCommands:
    def test_similar_image_lists_and_draws(self, settings: Settings, tmp_path: Path) -> None:
        query, sheet = tmp_path / "q.jpg", tmp_path / "sheet.png"
        drawing(STRIPES, 50).save(query)
        answer = _here(settings.home).json("similar-image", query, "--out", sheet)
        assert set(names(answer)[:3]) == {"x1", "x2", "x3"}
        with Image.open(sheet) as image:
            assert image.format == "PNG"

    def test_similar_by_picture_is_what_the_api_answers(self, settings: Settings, client: Client) -> None:
        run = _here(settings.home)
        answer = run.json("similar", "x1", "--by", "picture")
        assert names(answer) == names(client.get("/items/x1/similar?by=picture").json())
        assert "looks like x1" in run.run("similar", "x1", "--by", "picture").stdout

    def test_a_list_is_answered_by_words_by_pictures_and_by_behaviour(self, settings: Settings) -> None:
        run = _here(settings.home)
        run.run("lists", "create", "buyer", "gifts", "--item", "x1")
        printed = run.run("lists", "recommend", "buyer", "gifts", "-n", "2").stdout
        for by in ("words", "pictures", "behaviour"):
            assert f"gifts of buyer, by {by}" in printed

    def test_a_home_with_pictures_alone_answers_and_says_what_it_does_without(self, tmp_path: Path) -> None:
        folder = tmp_path / "img"
        folder.mkdir()
        for number in range(3):
            drawing(STRIPES, number).save(folder / f"s{number}.png")
        run = _here(tmp_path / "home")
        assert "3 pictures in the index: 3 new" in run.run("pictures", "index", folder).stdout
        answer = run.json("similar-image", folder / "s1.png")
        assert names(answer)[0] == "s1"
        assert answer["degraded"] == ["speed", "batch", "catalogue"]

    def test_a_file_that_is_no_picture_is_named(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "text.png").write_text("no picture")
        assert "text.png: it is none of JPEG, PNG" in _here(settings.home).refused(
            "similar-image", tmp_path / "text.png"
        )

    def test_without_an_index_it_is_not_ready(self, tmp_path: Path) -> None:
        drawing(STRIPES, 1).save(tmp_path / "q.png")
        said = _here(tmp_path).refused("similar-image", tmp_path / "q.png", status=3)
        assert "millrace pictures index" in said


def _here(home: Path) -> CommandsHere:
    return CommandsHere(home.parent, {"MILLRACE_HOME": str(home)})
