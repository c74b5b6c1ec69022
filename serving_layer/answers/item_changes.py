"""``PATCH /items/{id}``: what a partial record means, and who may have one."""

import json
from difflib import get_close_matches
from typing import Any

from adapters.records.item_records import ItemRecords
from core.events.item_patch import MEMBERS, patched
from core.json.strict_json import Malformed, decode
from core.rows.catalogue_rows import DELETED
from schemas.errors import StoreUnavailable, Unprocessable
from schemas.event import Rejected
from serving_layer.merged.catalogue import NotFound, require_known
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views


def change_item(views: Views, records: ItemRecords, item_id: str, body: bytes) -> dict[str, Any]:
    """Merge the body (RFC 7396) into the item's newest record and append the whole; returns it once acknowledged.

    Raises:
        Unprocessable: the body is no object, has a member that no item has, or the merged record is not acceptable.
        NotFound: neither a record nor an event names the item, or its record was deleted.
        StoreUnavailable: a view is away, so that this is unknown.
    """
    patch = read_patch(item_id, body)

    def merge(row: bytes | None) -> bytes:
        if row == DELETED:
            raise NotFound(f"item {item_id!r} was deleted: POST /items describes it again")
        if row is None:
            _require_event(views, item_id)
        value = patched(item_id, row, patch)
        if isinstance(value, Rejected):
            raise Unprocessable(f"the changed record would be rejected: {value.reason}")
        return value

    whole: dict[str, Any] = json.loads(records.change(item_id.encode(), merge))
    return {"accepted": 1, "item": whole}


def read_patch(item_id: str, body: bytes) -> dict[str, Any]:
    """Return the members to change. Raises Unprocessable for what cannot be a change of that item."""
    try:
        patch = decode(body)
    except Malformed as error:
        raise Unprocessable(f"the body is not JSON: {error}") from None
    if not isinstance(patch, dict):
        raise Unprocessable("the body must be one object with the members to change; null removes one")
    for name in patch:
        if name not in MEMBERS:
            near = get_close_matches(name, MEMBERS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(MEMBERS)}"
            raise Unprocessable(f"unknown member {name!r} of an item: {hint}")
    if patch.get("item_id", item_id) != item_id:
        raise Unprocessable(f"item_id is {item_id!r} by the path and cannot be changed: leave it out")
    return patch


def _require_event(views: Views, item_id: str) -> None:
    """Raise unless an accepted event names the item, which has no record."""
    state = answer(views, lambda snapshot: (require_known(snapshot, item_id.encode()), snapshot.degraded))
    if not state[0].known:
        raise StoreUnavailable(
            f"whether there is an item {item_id!r} cannot be known without {' and '.join(state[1])}: "
            "try again in a moment, or POST the whole record to /items"
        )
