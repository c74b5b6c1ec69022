"""From a folder or a CSV file of pictures to a published index: resumed, renewed, and nothing lost in silence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adapters.models.graph import model, node, value
from adapters.pictures.book import open_book
from adapters.pictures.features import Features, Network, open_network
from adapters.pictures.index import PictureShelf, pictured, publish
from adapters.pictures.listing import listed_pictures
from adapters.pictures.opening import Pixels
from adapters.pictures.sheet import Shown, contact_sheet
from adapters.settings import Settings
from core.vectors.nearest import unit
from millrace.pictures.indexing import index_pictures
from millrace.pictures.judging import judged, looked_at
from schemas.errors import BadInput, NotReady, SettingsError
from tests.kit.pictures import DISCS, STRIPES, drawing, drawn, encoded


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network of one random convolution for pictures of 32 × 32, colours last, and a last layer to be left out."""
    random = np.random.default_rng(1)
    constants = {
        "kernel": random.normal(size=(12, 3, 5, 5)).astype(np.float32),
        "weights": random.normal(size=(12, 4)).astype(np.float32),
    }
    nodes = [
        node("Transpose", ["pictures"], "first", perm=[0, 3, 1, 2]),
        node("Conv", ["first", "kernel"], "convolved", kernel_shape=[5, 5], strides=[4, 4]),
        node("Relu", ["convolved"], "bent"),
        node("GlobalAveragePool", ["bent"], "pooled"),
        node("Flatten", ["pooled"], "features", axis=1),
        node("MatMul", ["features", "weights"], "classes"),
    ]
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    path.write_bytes(model(nodes, constants, [value("pictures", ("n", 32, 32, 3))], [value("classes", ("n", 4))]))
    return str(path)


@pytest.fixture
def settings(tmp_path: Path, small_model: str) -> Settings:
    return Settings.of(home=tmp_path / "home", pictures_model=small_model, pictures_dimensions=6)


def run(settings: Settings, source: Path, named_by: str = "name") -> dict[str, Any]:
    settings.home.mkdir(exist_ok=True)
    return index_pictures(settings, source, named_by, 1)


class Counting:
    """A network that counts the pictures it sees, and fails after so many."""

    def __init__(self, network: Network, fails_after: int = 10**9) -> None:
        self.network, self.seen, self.fails_after = network, 0, fails_after

    def features(self, pictures: Sequence[Pixels]) -> Features:
        self.seen += len(pictures)
        if self.seen > self.fails_after:
            raise KeyboardInterrupt
        return self.network.features(pictures)


class TestIndexing:
    def test_each_picture_is_nearest_to_itself_and_then_to_its_kind(self, settings: Settings, tmp_path: Path) -> None:
        report = run(settings, drawn(tmp_path / "shop"))
        assert (report["pictures"], report["new"], report["skipped"]) == (8, 8, [])
        index = PictureShelf(settings.pictures_path).index()
        for item in index.items:
            near = [index.items[row] for row in index.like_item(item, 4).rows]
            assert near[0] == item
            assert {name.partition("-")[0] for name in near} == {item.partition("-")[0]}

    def test_a_second_run_looks_at_nothing_again(self, settings: Settings, tmp_path: Path) -> None:
        folder = drawn(tmp_path / "shop")
        run(settings, folder)
        again = run(settings, folder)
        assert (again["new"], again["kept"], again["pictures"]) == (0, 8, 8)

    def test_a_changed_picture_is_looked_at_and_one_that_is_gone_leaves(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        folder = drawn(tmp_path / "shop")
        run(settings, folder)
        drawing(DISCS, 77, (300, 200)).save(folder / "stripes-0.png")
        (folder / "discs-3.png").unlink()
        again = run(settings, folder)
        assert (again["new"], again["kept"], again["gone"], again["pictures"]) == (1, 6, 1, 7)
        assert "discs-3" not in PictureShelf(settings.pictures_path).index().places

    @pytest.mark.parametrize("exact_up_to", [100, 3])
    def test_a_batch_run_takes_a_vector_of_length_1_of_each_item(self, tmp_path: Path, exact_up_to: int) -> None:
        assert pictured(tmp_path) is None
        features, items = np.random.default_rng(2).normal(size=(40, 8)).astype(np.float32), [f"{k}" for k in range(40)]
        index = publish(tmp_path, "any", items, items, features, 4, exact_up_to=exact_up_to)
        taken = pictured(tmp_path)
        assert taken is not None
        assert taken.items == sorted(item.encode() for item in items)
        for item, vector in zip(taken.items, taken.vectors, strict=True):
            np.testing.assert_allclose(vector, unit(index.vectors.row(int(item))), rtol=1e-5)

    def test_several_sources_add_up(self, settings: Settings, tmp_path: Path) -> None:
        run(settings, drawn(tmp_path / "shop"))
        other = tmp_path / "other"
        other.mkdir()
        drawing(DISCS, 5).save(other / "more.png")
        assert run(settings, other)["pictures"] == 9

    def test_an_interrupted_run_continues_with_the_first_batch_that_was_not_kept(
        self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("adapters.pictures.learning.BATCH", 3)
        stop_at = [4]
        counts: list[Counting] = []

        def opened(*given: Any) -> Any:
            counts.append(Counting(open_network(*given), stop_at[0]))
            network = counts[-1].network
            return type("Counted", (), {
                "name": network.name, "side": network.side, "features": staticmethod(counts[-1].features)
            })  # fmt: skip

        monkeypatch.setattr("millrace.pictures.indexing.open_network", opened)
        folder = drawn(tmp_path / "shop")
        with pytest.raises(KeyboardInterrupt):
            run(settings, folder)
        with pytest.raises(NotReady):
            PictureShelf(settings.pictures_path).index()
        stop_at[0] = 100
        report = run(settings, folder)
        assert (report["new"], report["kept"], counts[-1].seen) == (5, 3, 5)

    def test_unreadable_pictures_are_named_skipped_and_counted_each_time(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        folder = drawn(tmp_path / "shop")
        (folder / "torn.jpg").write_bytes(encoded(drawing(STRIPES, 1), "JPEG")[:40])
        (folder / "text.png").write_text("no picture")
        for _ in range(2):
            report = run(settings, folder)
            assert [entry["item_id"] for entry in report["skipped"]] == ["text", "torn"]
            assert all(entry["reason"] for entry in report["skipped"])
            assert report["pictures"] == 8

    def test_a_source_without_a_picture_that_can_be_taken_is_refused(self, settings: Settings, tmp_path: Path) -> None:
        folder = tmp_path / "shop"
        folder.mkdir()
        (folder / "text.png").write_text("no picture")
        with pytest.raises(BadInput, match=r"text\.png: it is none of"):
            run(settings, folder)

    def test_a_folder_that_lost_everything_keeps_the_index(self, settings: Settings, tmp_path: Path) -> None:
        folder = drawn(tmp_path / "shop")
        run(settings, folder)
        for path in folder.iterdir():
            path.unlink()
        with pytest.raises(SettingsError, match="no pictures any longer"):
            run(settings, folder)
        assert len(PictureShelf(settings.pictures_path).index().items) == 8


class TestListing:
    def test_two_files_of_one_name_are_one_item_and_the_second_is_named(self, tmp_path: Path) -> None:
        for folder in ("a", "b"):
            drawn(tmp_path / folder, 1)
        by_name = list(listed_pictures(tmp_path))
        assert [(p.item, bool(p.why_not)) for p in by_name] == [
            ("discs-0", False), ("stripes-0", False), ("discs-0", True), ("stripes-0", True)
        ]  # fmt: skip
        assert "--id path" in by_name[-1].why_not
        assert [p.item for p in listed_pictures(tmp_path, "path")] == [
            "a/discs-0", "a/stripes-0", "b/discs-0", "b/stripes-0"
        ]  # fmt: skip

    def test_a_csv_file_says_whose_picture_a_file_is(self, settings: Settings, tmp_path: Path) -> None:
        drawn(tmp_path / "img", 1)
        lines = ["\ufeffitem_id,image", "book-7,img/stripes-0.png", '"a,b",img/discs-0.png', "none,img/no.png", ",x"]
        (tmp_path / "pictures.csv").write_text("\n".join(lines), encoding="utf-8")
        report = run(settings, tmp_path / "pictures.csv")
        assert PictureShelf(settings.pictures_path).index().items == ["a,b", "book-7"]
        assert [entry["item_id"] for entry in report["skipped"]] == ["", "none"]

    @pytest.mark.parametrize("text", ["item,image\na,b", "", "item_id\nx"])
    def test_a_file_without_the_columns_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "pictures.csv").write_text(text)
        with pytest.raises(SettingsError, match="needs the columns item_id and image"):
            list(listed_pictures(tmp_path / "pictures.csv"))


class TestIndex:
    def test_a_reader_takes_the_next_index_when_it_is_published(self, tmp_path: Path) -> None:
        shelf = PictureShelf(tmp_path)
        with pytest.raises(NotReady, match="millrace pictures index"):
            shelf.index()
        for count in (5, 6, 7):
            features = np.random.default_rng(count).normal(size=(count, 8)).astype(np.float32)
            publish(tmp_path, "n", [f"i{k}" for k in range(count)], [""] * count, features, 4)
            assert len(shelf.index().items) == count
        assert len(list(tmp_path.glob("index-*"))) == 2  # the current one, and the one before for those who read it

    @pytest.mark.parametrize("distance", ["cosine", "euclidean"])
    def test_a_mapped_index_by_cells_answers_as_the_one_that_was_made(self, tmp_path: Path, distance: str) -> None:
        features = np.random.default_rng(2).normal(size=(3_000, 8)).astype(np.float32)
        names = [f"i{k:04}" for k in range(3_000)]
        made = publish(tmp_path, "n", names, names, features, 8, distance, exact_up_to=100)
        mapped = PictureShelf(tmp_path).index()
        assert not mapped.vectors.is_exact(distance)
        for place in range(0, 3_000, 333):
            one, other = made.like(features[place], 5, distance), mapped.like(features[place], 5, distance)
            assert one.rows.tolist() == other.rows.tolist()
            assert mapped.items[other.rows[0]] == names[place]

    def test_items_ascend_by_their_bytes(self, tmp_path: Path, small_model: str) -> None:
        network = open_network(small_model, "lite")
        with open_book(tmp_path, network.name) as book:
            from adapters.pictures.book import Entry

            book.write(Entry(item, "", "", np.ones(12, np.float32)) for item in ("ü", "b", "\U0001f600", "B", "\uffee"))
            assert book.features()[0] == sorted(["ü", "b", "\U0001f600", "B", "\uffee"], key=str.encode)


class TestNetworks:
    def test_the_packaged_network_tells_shapes_apart(self) -> None:
        network = open_network()
        from adapters.pictures.opening import squared

        kinds = [kind for kind in (STRIPES, DISCS) for _ in range(3)]
        rows = network.features([squared(drawing(kind, seed), 224) for seed, kind in enumerate(kinds)])
        assert rows.shape == (6, 1280)
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        near = unit @ unit.T
        same = np.array([[one == other for other in kinds] for one in kinds])
        assert near[same].mean() > near[~same].mean() + 0.2

    def test_a_model_by_path_loses_its_last_layer(self, small_model: str) -> None:
        network = open_network(small_model, "tf")
        assert (network.side, network.channels_last) == (32, True)
        assert network.features([np.zeros((32, 32, 3), np.uint8)]).shape == (1, 12)

    @pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08"])
    def test_a_file_that_is_no_model_is_named(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "other.onnx").write_bytes(content)
        with pytest.raises(SettingsError, match=r"other\.onnx"):
            open_network(str(tmp_path / "other.onnx"))

    def test_a_missing_file_is_named(self) -> None:
        with pytest.raises(SettingsError, match=r"pictures\.model: /none/model\.onnx"):
            open_network("/none/model.onnx")

    def test_a_model_of_something_else_is_refused(self, tmp_path: Path) -> None:
        nodes = [node("Relu", ["numbers"], "out")]
        whole = model(nodes, {}, [value("numbers", ("n", 5))], [value("out", ("n", 5))])
        (tmp_path / "numbers.onnx").write_bytes(whole)
        with pytest.raises(SettingsError, match="takes no pictures"):
            open_network(str(tmp_path / "numbers.onnx"))


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(SettingsError, match=r"pip install 'millrace\[pictures\]'"):
        open_network()


def test_a_contact_sheet_shows_the_query_and_what_was_listed(tmp_path: Path) -> None:
    drawing(STRIPES, 1).save(tmp_path / "one.png")
    shown = [Shown(encoded(drawing(DISCS, 1)), "query"), Shown(tmp_path / "one.png", "one\x1b[2J", "0.9")]
    sheet = contact_sheet([*shown, Shown(tmp_path / "gone.png", "gone")] + [shown[1]] * 5)
    (tmp_path / "sheet.png").write_bytes(sheet)
    with Image.open(tmp_path / "sheet.png") as image:
        assert (image.format, image.width > 1_000, image.height > 2 * 220) == ("PNG", True, True)


def test_precision_is_judged_by_class_beside_a_baseline(tmp_path: Path, small_model: str) -> None:
    network = open_network(small_model, "lite")
    for part in ("known", "asked"):
        for place, kind in enumerate((STRIPES, DISCS)):
            folder = tmp_path / part / kind
            folder.mkdir(parents=True)
            for number in range(6):
                drawing(kind, 1_000 * len(part) + 10 * place + number).save(folder / f"{number}.png")
    both = [looked_at(tmp_path / part, network, 1, lambda done: None) for part in ("known", "asked")]
    report = judged(both[0], both[1], 6)
    assert (report["queries"], report["pictures"]) == (12, 12)
    assert set(report["models"]) == {"cosine", "euclidean", "colour histogram"}
    assert set(report["models"]["cosine"]["classes"]) == {STRIPES, DISCS}
    assert report["models"]["cosine"]["mean of classes"] > 0.8
