"""The route that takes a picture, and the parameters of questions by picture."""

from dataclasses import replace
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from adapters.pictures.opening import FORMATS, BadPicture, NoPicture, TooLarge
from core.vectors.nearest import DISTANCES
from schemas.errors import NotReady, Unprocessable
from serving_layer.merged.catalogue import Page
from serving_layer.pictures.answers import TOP, like_features, like_item
from serving_layer.pictures.eye import Eye
from serving_layer.reading.at_least import AtLeast
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from serving_layer.routes import models
from serving_layer.routes.answering import OpenViews, Wanted, answered
from serving_layer.routes.encoding import Json
from serving_layer.routes.models import says
from serving_layer.routes.multipart import FIELD, MULTIPART, file_of_form
from serving_layer.routes.paging import Paged
from serving_layer.routes.parameters import unknown_name

PATH = "/api/v1/similar-image"
MAX_UPLOAD_BYTES = 10 * 1024 * 1024
MEDIA_TYPES = tuple(f"image/{name.lower()}" for name in FORMATS)
PICTURE = "picture"
LOOKS_TOGETHER = 2  # pictures that a process decodes and looks at together: each may take 200 MB

api = APIRouter(prefix="/api/v1", tags=["lookups"])

_CONTENT: dict[str, Any] = {
    MULTIPART: {"schema": {
        "type": "object", "required": [FIELD], "additionalProperties": False,
        "properties": {FIELD: {"type": "string", "format": "binary", "description": "The picture."}},
    }},
    **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES},
}  # fmt: skip
BODY: dict[str, Any] = {"requestBody": {"required": True, "content": _CONTENT}}


async def _top(request: Request, page: Paged) -> Page:
    return page if "n" in request.query_params else replace(page, n=TOP)


TopPage = Annotated[Page, Depends(_top)]
Distance = Annotated[
    str | None,
    Query(description="Of pictures; by default the setting.", json_schema_extra={"enum": list(DISTANCES)}),
]


class KnownPictures(BaseModel):
    """The pictures that questions by picture compare."""

    model_config = models.shown(pictures=3_781, network="efficientnet-lite0", distance="cosine")

    pictures: int = Field(description="0: none is indexed yet, and questions by picture are 503.")
    network: str | None = Field(description="What made their features.")
    distance: str = Field(description="Where a question names none.")


@api.get("/pictures", responses=says(KnownPictures))
async def get_pictures(request: Request) -> dict[str, Any]:
    """Return how many pictures are indexed."""
    eye: Eye = request.app.state.eye
    try:
        index = await run_in_threadpool(eye.index)
    except NotReady:
        return {"pictures": 0, "network": None, "distance": eye.distance}
    return {"pictures": len(index.items), "network": index.network, "distance": eye.distance}


@api.post("/similar-image", openapi_extra=BODY, responses=says(models.LikePicture))
async def post_similar_image(
    request: Request, views: OpenViews, at_least: Wanted, page: TopPage, distance: Distance = None
) -> Json:
    """Return the items whose pictures look like the one that is sent, nearest first; nothing of it is kept.

    The first five, unless n says otherwise.
    """
    eye: Eye = request.app.state.eye
    by = known_distance(distance or eye.distance)
    picture = _picture(request.headers.get("content-type", ""), await request.body())
    try:
        limiter = request.app.state.looks
        index, features = await anyio.to_thread.run_sync(eye.look, picture, limiter=limiter)
    except BadPicture as error:
        status = 413 if isinstance(error, TooLarge) else 415 if isinstance(error, NoPicture) else 422
        raise HTTPException(status, f"the picture is not taken: {error}") from None
    return await answered(
        views, lambda snapshot: like_features(snapshot, index, features, page, by), at_least, long=True
    )


async def similar_by_picture(request: Request, views: Views, item: bytes, page: Page, at_least: AtLeast) -> Json:
    """Return the items whose pictures look like the item's."""
    eye: Eye = request.app.state.eye
    shown = await _top(request, page)

    def compute(snapshot: Snapshot) -> dict[str, Any]:
        return like_item(snapshot, eye.index(), item, shown, eye.distance)

    return await answered(views, compute, at_least, long=True)


def known_distance(distance: str) -> str:
    """Return the distance. Raises Unprocessable for one that there is not."""
    if distance not in DISTANCES:
        raise Unprocessable(f"distance: {unknown_name(distance, list(DISTANCES), 'distance')}")
    return distance


def looks() -> anyio.CapacityLimiter:
    """Return the limit of pictures that are looked at together."""
    return anyio.CapacityLimiter(LOOKS_TOGETHER)


def _picture(content_type: str, body: bytes) -> bytes:
    return file_of_form(content_type, body) if content_type.strip().lower().startswith(MULTIPART) else body
