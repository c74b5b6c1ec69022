"""Shelves by label, as items' labels change from one commit to the next."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ranking import shelves
from core.ranking.columns import NOTHING, Columns
from core.ranking.shelves import ByLabel, Labels, Shelves

NAMES = st.lists(st.sampled_from("abc"), max_size=3).map(tuple)
COMMIT = st.dictionaries(st.integers(0, 8), NAMES, min_size=1)


def placed(items: Columns, labels: Labels) -> dict[str, tuple[list[int], list[float]]]:
    """Return each label's items and shares, found item by item."""
    out = dict[str, tuple[list[int], list[float]]]()
    for label in {name for names in labels for name in names}:
        own = [k for k, names in enumerate(labels) if label in names]
        total = sum(float(items.scores[k]) for k in own)
        out[label] = [int(items.codes[k]) for k in own], [float(items.scores[k]) / total for k in own]
    return out


@given(st.lists(COMMIT, min_size=1, max_size=5), st.integers(1, 9), st.randoms(use_true_random=False))
def test_shelves_of_each_commit_are_those_made_from_nothing_and_stay_so(
    commits: list[dict[int, tuple[str, ...]]], most: int, rng: Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelves, "MOST_KNOWN", most)
        by_label, made = ByLabel(), list[tuple[Columns, Labels, Shelves]]()
        for commit in commits:
            codes = rng.sample(sorted(commit), len(commit))
            items, labels = Columns(np.array(codes), np.arange(len(codes), 0.0, -1)), [commit[code] for code in codes]
            by_label = by_label.knowing(items.codes, labels)
            made.append((items, labels, Shelves(items, by_label)))
        for items, labels, own in made:  # those of earlier commits too
            assert {name: (shelf.codes.tolist(), shelf.scores.tolist()) for name, shelf in own.items()} == placed(
                items, labels
            )
            assert len(own) == len(placed(items, labels))


def test_without_a_change_nothing_is_made_again() -> None:
    labels = [("a",), ("a", "b")]
    by_label = ByLabel().knowing(np.array([3, 5]), labels)
    assert by_label.knowing(np.array([5]), labels[1:]) is by_label


def test_where_nothing_is_popular_every_shelf_is_empty() -> None:
    own = Shelves(NOTHING, ByLabel().knowing(np.array([3]), [("a",)]))
    assert "a" not in own
    assert not list(own)
    with pytest.raises(KeyError):
        own["a"]
