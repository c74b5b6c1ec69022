"""A partial change of an item's record: JSON merge patch (RFC 7396) over the newest whole record."""

import json
from dataclasses import fields
from typing import Any

from core.events.catalogue import parse_item
from core.rows.catalogue_rows import DELETED
from schemas.catalogue import Item
from schemas.event import Rejected

MEMBERS = tuple(member.name for member in fields(Item) if member.name != "tag_weights")  # it is part of ``tags``


def patched(item_id: str, row: bytes | None, patch: dict[str, Any]) -> bytes | Rejected:
    """Return the whole record after the patch, as the value to append; or why it would be rejected.

    Args:
        row: the newest record as the catalogue keeps it; None for an item without one, whose record is then made.
        patch: its members replace those of the record; null removes one.
    """
    whole = _merged({"item_id": item_id, **(json.loads(row or DELETED) or {})}, {**patch, "item_id": item_id})
    value = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    judged = parse_item(item_id.encode(), value)
    return judged if isinstance(judged, Rejected) else value


def _merged(target: Any, patch: Any) -> Any:
    """Return the result of ``MergePatch`` of RFC 7396 §2."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = _merged(out.get(name), value)
    return out
