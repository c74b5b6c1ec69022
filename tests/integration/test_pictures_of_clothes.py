"""How well pictures find pictures of their class on real photographs, where MILLRACE_TEST_DATA has them."""

import tarfile
from pathlib import Path

import pytest

from adapters.pictures.features import open_network
from adapters.settings import Settings
from millrace.pictures.judging import BASELINE, judged, looked_at

pytestmark = pytest.mark.deep


def test_five_nearest_photographs_are_of_the_class_in_seven_of_ten_cases(test_data: Path, tmp_path: Path) -> None:
    with tarfile.open(test_data / "clothing-small" / "images.tar") as pictures:
        pictures.extractall(tmp_path, filter="data")
    network = open_network()
    both = [looked_at(tmp_path / part, network, 2, lambda done: None) for part in ("train", "test")]
    report = judged(both[0], both[1], Settings().pictures.dimensions)
    models = report["models"]
    assert (report["pictures"], report["queries"], report["skipped"]) == (600, 372, 0)
    for distance in ("cosine", "euclidean"):
        assert models[distance]["mean of classes"] >= 0.70, report
        assert models[distance]["precision@5"] >= 0.70, report
        assert len(models[distance]["classes"]) == 10
    assert models[BASELINE]["mean of classes"] < 0.25
