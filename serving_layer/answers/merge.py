"""An item's neighbours with what each layer adds: the merge as a person can check it."""

from typing import Any

from core.ranking.neighbours import NOBODY_NEAR, Neighbours
from core.rows.views import NORMS, PAIRS
from schemas.event import WEIGHT_SCALE
from serving_layer.answers.lookups import similar
from serving_layer.merged.catalogue import Page
from serving_layer.reading import decoding
from serving_layer.reading.snapshot import Snapshot


def merge(snapshot: Snapshot, item: bytes, page: Page) -> dict[str, Any]:
    """Return what ``similar`` does, each co-rating and the norm also as the generation's part and the segments'."""
    answer = similar(snapshot, item, page)
    index, kernels = snapshot.index, snapshot.views.kernels

    def decode(parts: list[bytes]) -> Neighbours:
        return Neighbours(*kernels.summed_parts(parts, index))

    pairs, norms = snapshot.rows(PAIRS, [item])[item], snapshot.rows(NORMS, [item])[item]
    batch = pairs.earlier.decoded(decode) or NOBODY_NEAR
    speed = pairs.later.decoded(decode) or NOBODY_NEAR
    rows = []
    for row in answer["items"]:
        code = index.code(row["item_id"].encode())
        parts = {"batch": batch.amount(code) / WEIGHT_SCALE, "speed": speed.amount(code) / WEIGHT_SCALE}
        rows.append({**row, **parts})
    of_norm = [(part.decoded(decoding.norm) or 0) / WEIGHT_SCALE for part in (norms.earlier, norms.later)]
    return {**answer, "norm_batch": of_norm[0], "norm_speed": of_norm[1], "items": rows}
