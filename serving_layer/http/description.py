"""The API's description: OpenAPI with bodies and problem documents, and a page of it that needs no other server."""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel

from adapters.pictures.opening import MAX_PIXELS
from serving_layer.http import problems
from serving_layer.http.bodies import MAX_BODY_BYTES
from serving_layer.http.protocol import MAX_HEADER_BYTES
from serving_layer.routes.bodies import AnybodyBody, ManyBody, SimilarBody, WishBody
from serving_layer.routes.ingest import MAX_ENTRIES
from serving_layer.routes.lists import ListChange, NewList
from serving_layer.routes.operating import Chosen, Proof
from serving_layer.routes.pictures import MAX_UPLOAD_BYTES
from serving_layer.routes.pictures import PATH as PICTURES

pages = APIRouter(include_in_schema=False)

QUESTIONS: dict[str, type[BaseModel]] = {
    "Wish": WishBody, "Basket": AnybodyBody, "Many": ManyBody, "SimilarItems": SimilarBody,
    "Chosen": Chosen, "Proof": Proof, "NewList": NewList, "ListChange": ListChange,
}  # fmt: skip
OF_FASTAPI = ("HTTPValidationError", "ValidationError")  # errors are problem documents here
REFUSALS = {
    "400": f"no HTTP, or a header, with its path, of more than {MAX_HEADER_BYTES:,} bytes",
    "401": "no valid API key, where one is needed",
    "403": "a page of a foreign origin, or a key without the role",
    "421": "a host name that is not in allowed_hosts",
    "422": "a parameter or a body that breaks its rule",
    "429": "more requests than the key's rate allows",
    "503": "neither view can be read, or the log does not answer",
}
OWN_REFUSALS = {  # of the routes that take these bodies
    "Alias": {"404": "no event of the anonymous user"},
    "Chosen": {"400": "no way back to that generation, or no HTTP"},
    "Proof": {"409": "a proof is under way"},
    "NewList": {"409": "there is a list of that name"},
}
BODY_REFUSALS = {
    "408": "the body did not arrive in time",
    "413": f"a body of more than {MAX_BODY_BYTES:,} bytes",
    "415": "a body that is not application/json",
}
PICTURE_REFUSALS = {
    "408": "the body did not arrive in time",
    "413": f"a picture of more than {MAX_UPLOAD_BYTES:,} bytes or {MAX_PIXELS:,} pixels",
    "415": "no picture of a format that is read",
    "422": "a damaged picture, a form without it, or a parameter that breaks its rule",
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence that names the remedy."},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"index": {"type": "integer"}, "reason": {"type": "string"}},
            },
        },
    },
}
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;
margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h2{font-size:1.1rem;margin:2rem 0 .3rem;font-family:ui-monospace,monospace}table{border-collapse:collapse;width:100%}
td{padding:.2rem .6rem .2rem 0;vertical-align:top;border-top:1px solid #ddd}code{font-family:ui-monospace,monospace}
pre{overflow:auto;background:#f4f4f4;padding:.6rem}"""
STYLE_HASH = "sha256-" + b64encode(sha256(STYLE.encode()).digest()).decode()  # by which browsers know it


def add_description(app: FastAPI) -> None:
    """Have the application describe itself completely; made once, when first asked for."""
    app.openapi = cache(lambda: _described(app))  # type: ignore[method-assign]


@pages.get("/openapi.json")
def openapi(request: Request) -> JSONResponse:
    """Return the description for programs."""
    return JSONResponse(request.app.openapi())


@pages.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Return the description for people, without scripts."""
    return HTMLResponse(page(request.app.openapi()))


def _described(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title="Millrace", version=app.version, routes=app.routes)
    of_answers = document.get("components", {}).get("schemas", {})
    schemas = {"Problem": PROBLEM, **_question_schemas(), **_entry_schemas()}
    schemas |= {name: schema for name, schema in of_answers.items() if name not in OF_FASTAPI}
    document["components"] = {"schemas": schemas}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            body = operation.pop("x-body", None)
            if body is not None:
                types = ["application/json", *(["application/merge-patch+json"] if body == "ItemChange" else [])]
                content = {media_type: {"schema": _body(body)} for media_type in types}
                operation["requestBody"] = {"required": True, "content": content}
            refusals = {
                **REFUSALS,
                **(BODY_REFUSALS if body else PICTURE_REFUSALS if path == PICTURES else {}),
                **({"404": "no such item"} if "item_id" in path or path.endswith("/similar") else {}),
                **({"404": "no such list"} if "list_id" in path else {}),
                **({"404": "no such insight"} if path.endswith("/insights/{name}") else {}),
                **OWN_REFUSALS.get(body or "", {}),
            }
            operation["responses"] = {
                code: answer for code, answer in operation["responses"].items() if code.startswith("2")
            } | {code: _problem(why) for code, why in sorted(refusals.items())}
    return document


def _body(name: str) -> dict[str, Any]:
    one = {"$ref": f"#/components/schemas/{name}"}
    if name in (*QUESTIONS, "ItemChange", "Alias"):
        return one
    about = "Entries that break a rule are named in the answer's `rejected`; it is 202 if one is acceptable, else 422."
    several = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_ENTRIES, "description": about}
    return {"oneOf": [one, several]}


def _question_schemas() -> dict[str, Any]:
    """Return the JSON Schemas of the bodies of questions, with all that they refer to beside them."""
    out: dict[str, Any] = {}
    for name, model in QUESTIONS.items():
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        out |= schema.pop("$defs", {})
        out[name] = schema
    return out


def _problem(why: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": why, "content": {problems.MEDIA_TYPE: schema}}


def _entry_schemas() -> dict[str, Any]:
    """Return the JSON Schemas of what is posted, with references to where they stand in this document."""
    out = {}
    for name in ("event", "item", "user"):
        text = files("schemas").joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
        text = text.replace("urn:millrace:event#", "#/components/schemas/Event").replace(
            '"#/$defs', f'"#/components/schemas/{name.title()}/$defs'
        )
        schema = json.loads(text)
        out[name.title()] = {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
    members = {name: rule for name, rule in out["Item"]["properties"].items() if name != "item_id"}
    about = "JSON merge patch (RFC 7396) of an item's record: null removes a member."
    out["ItemChange"] = {"type": "object", "description": about, "properties": members, "additionalProperties": False}
    anonymous = {"anonymous": {"$ref": "#/components/schemas/Event/$defs/id"}}
    out["Alias"] = {
        "type": "object", "required": ["anonymous"], "properties": anonymous, "additionalProperties": False,
    }  # fmt: skip
    given = out["Event"]["properties"]  # to the log alone: a post may leave these to the server, by null too
    out["Event"]["required"] = [name for name in out["Event"]["required"] if name not in ("event_id", "event_time")]
    out["Event"]["properties"] = {
        **given,
        "event_id": {**given["event_id"], "type": ["string", "null"]},
        "event_time": {"anyOf": [given["event_time"], {"type": "null"}]},
    }
    return out


def page(document: dict[str, Any]) -> str:
    """Return the description as HTML."""
    parts = [
        f"<!doctype html><meta charset=utf-8><title>Millrace API</title><style>{STYLE}</style><h1>Millrace API</h1>"
    ]
    parts.append(
        "<p>For programs: <a href=/openapi.json>openapi.json</a>. Errors are problem documents (RFC 9457).</p>"
    )
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append(f"<h2>{method.upper()} {escape(path)}</h2><p>{escape(operation.get('description', ''))}</p>")
            parts.append(_table([_parameter(parameter) for parameter in operation.get("parameters", [])]))
            if "requestBody" in operation:
                media_type, content = next(iter(operation["requestBody"]["content"].items()))
                parts.append(f"<p>Body, with <code>Content-Type: {media_type}</code>:</p>{_pre(content['schema'])}")
            parts.append(_table([(code, answer["description"]) for code, answer in operation["responses"].items()]))
    parts.append("<h1>Bodies</h1>")
    for name, schema in document["components"]["schemas"].items():
        parts.append(f"<h2 id={name}>{name}</h2>{_pre(schema)}")
    return "\n".join(parts)


def _parameter(parameter: dict[str, Any]) -> tuple[str, str]:
    schema = parameter["schema"]
    rest = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return parameter["name"], f"{parameter.get('description', '')} {json.dumps(rest)}"


def _table(rows: list[tuple[str, str]]) -> str:
    cells = (f"<tr><td><code>{escape(name)}</code><td>{escape(text)}" for name, text in rows)
    return f"<table>{''.join(cells)}</table>" if rows else ""


def _pre(schema: dict[str, Any]) -> str:
    return f"<pre>{escape(json.dumps(schema, indent=1))}</pre>"
