"""Errors as RFC 9457 problem documents."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse

from schemas.errors import BadInput, MillraceError, Unprocessable
from serving_layer.answers.personal_lists import Conflict
from serving_layer.merged.catalogue import NotFound
from serving_layer.reading.at_least import NotYet

MEDIA_TYPE = "application/problem+json"
# The first kind that fits decides. Whatever else is wrong is this installation's, not the request's: 503 with a reason.
STATUSES: tuple[tuple[type[MillraceError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Unprocessable, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BadInput, HTTPStatus.BAD_REQUEST),
    (MillraceError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def problem(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """Return a problem document; its type is the status alone."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail, **more}


def problem_of(error: MillraceError) -> dict[str, Any]:
    """Return what a client learns of an error of ours."""
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    rejected = error.rejected if isinstance(error, Unprocessable) else []
    missing = {"missing": error.missing} if isinstance(error, NotYet) else {}
    more: dict[str, Any] = getattr(error, "more", {})  # what exists or would match
    return problem(status, str(error), **({"rejected": rejected} if rejected else {}), **missing, **more)


def answer_of(document: dict[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the problem document as the response with its status."""
    return JSONResponse(document, document["status"], headers, media_type=MEDIA_TYPE)


def refusal(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """Return a response that refuses the request with one sentence."""
    return answer_of(problem(status, detail, **more), headers)
