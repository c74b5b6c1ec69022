"""Fields of accepted events that the lake of an earlier version kept only inside the record."""

import numpy as np
import pyarrow as pa

from core.events.parse import Scanned
from core.json.strict_json import read_object
from schemas.event import DESCRIBING


def described_by(raw: str | None) -> dict[str, str]:
    """Return those of ``DESCRIBING`` that an accepted record has; none of None."""
    members = {} if raw is None else read_object(raw.encode())
    given = {name: members.get(name) for name in DESCRIBING} if isinstance(members, dict) else {}
    return {name: text for name, text in given.items() if isinstance(text, str)}


def described(raw: pa.StringArray) -> dict[str, pa.StringArray]:
    """Return the columns ``DESCRIBING`` of accepted records (slow twin: ``described_by``)."""
    scanned = Scanned.of(raw.cast(pa.binary()), required=())
    odd = np.setdiff1d(np.arange(len(raw)), scanned.rows, assume_unique=True)
    texts = [described_by(text) for text in raw.take(pa.array(odd)).to_pylist()]
    order = pa.array(np.argsort(np.concatenate([scanned.rows, odd])))
    rescued = {name: pa.array([text.get(name) for text in texts], pa.string()) for name in DESCRIBING}
    return {name: pa.concat_arrays([scanned.column(name), rescued[name]]).take(order) for name in DESCRIBING}
