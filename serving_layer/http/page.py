"""The routes of the page: the start page, always asked for again, and its files, which never change under a path."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from serving_layer.page.files import File, packaged

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
GONE = "the page has changed: load it again"

pages = APIRouter(include_in_schema=False)


@pages.get("/")
async def start(request: Request) -> Response:
    """Return the start page."""
    version = f'"{packaged().version}"'
    if version in request.headers.get("if-none-match", ""):
        return Response(None, 304, {"ETag": version, "Cache-Control": ASK_AGAIN})
    return _response(request, packaged().start, {"ETag": version, "Cache-Control": ASK_AGAIN})


@pages.get("/page/{version}/{name:path}")
async def file(request: Request, version: str, name: str) -> Response:
    """Return a file of the page; one of another version is gone."""
    asked_for = packaged().by_name.get(name) if version == packaged().version else None
    if asked_for is None:
        raise HTTPException(404, GONE if version != packaged().version else "the page has no such file")
    return _response(request, asked_for, {"Cache-Control": FOR_EVER})


def _response(request: Request, file: File, headers: dict[str, str]) -> Response:
    takes = {part.partition(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
    headers |= {"Vary": "Accept-Encoding"}
    if file.zipped is not None and "gzip" in takes:
        return Response(file.zipped, 200, {**headers, "Content-Encoding": "gzip"}, file.media_type)
    return Response(file.body, 200, headers, file.media_type)
