"""What the models find wrong, as sentences of ours: each names the field and the rule.

A field that may be a text or a list is judged as both. The sentence is about the form that was given.
"""

from collections.abc import Iterable, Mapping
from typing import Any

MOST = 10  # faults of one request that are named
_PLACES = ("query", "path", "body", "header")

Fault = Mapping[str, Any]  # as pydantic reports it: ``type``, ``loc``, ``ctx``
_RULES: dict[str, str] = {
    "missing": "is required",
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be above {gt:g}",
    "less_than_equal": "must be at most {le:,.15g}",
    "less_than": "must be below {lt:,g}",
    "finite_number": "must be a finite number",
    "string_too_short": "must have at least {min_length:,} characters",
    "string_too_long": "must have at most {max_length:,} characters",
    "too_short": "must have at least {min_length:,} entries",
    "too_long": "must have at most {max_length:,} entries",
    "extra_forbidden": "is unknown",
    "int_parsing_size": "is too large",
}
_KINDS: dict[str, str] = {
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number",
    "string_type": "a text", "string_unicode": "a text", "string_sub_type": "a text",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "list_type": "a list", "dict_type": "an object", "model_type": "an object", "model_attributes_type": "an object",
}  # fmt: skip


def sentences(faults: Iterable[Fault]) -> list[dict[str, str]]:
    """Return ``where`` and ``why`` of each field that is wrong; ``said`` makes one sentence of both."""
    fields: dict[str, list[tuple[tuple[Any, ...], Fault]]] = {}
    for fault in faults:
        path = _path(fault["loc"])
        fields.setdefault(str(path[0]) if path else "", []).append((path, fault))
    return [_sentence(of_field) for of_field in fields.values()][:MOST]


def said(where: str, why: str) -> str:
    """Return the sentence about one field; ``where`` empty: about the whole body."""
    field = where or "the body"
    return why if why.startswith(f"{field} ") else f"{field}: {why}"


def _path(loc: Iterable[Any]) -> tuple[Any, ...]:
    """Return the names and positions of a place, without where the request holds it and which form was tried."""
    parts = [part for part in loc if isinstance(part, int) or part.isidentifier()]
    return tuple(parts[1:] if parts and parts[0] in _PLACES else parts)


def _sentence(of_field: list[tuple[tuple[Any, ...], Fault]]) -> dict[str, str]:
    deepest = max(len(path) for path, _ in of_field)
    inner = [(path, fault) for path, fault in of_field if len(path) == deepest]
    ruled = [(path, fault) for path, fault in inner if fault["type"] not in _KINDS]
    path, fault = (ruled or inner)[0]
    where = ".".join(map(str, path))
    if ruled:
        return {"where": where, "why": _rule(fault)}
    kinds = dict.fromkeys(_KINDS[fault["type"]] for place, fault in inner if place == path)
    return {"where": where, "why": f"must be {' or '.join(kinds)}"}


def _rule(fault: Fault) -> str:
    context = fault.get("ctx") or {}
    if fault["type"] == "value_error":
        return str(context.get("error", fault["msg"]))
    if fault["type"] in _RULES:
        return _RULES[fault["type"]].format(**context)
    message = str(fault["msg"])
    return message[:1].lower() + message[1:]
