"""The routes that people operate an installation by: its parts, its generations, and the proof."""

import time

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from serving_layer.answers.generations import activate, generations, release
from serving_layer.answers.parts import parts
from serving_layer.proof.beside import Proofs
from serving_layer.routes import shown
from serving_layer.routes.answering import OpenViews
from serving_layer.routes.bodies import Body, read_body
from serving_layer.routes.encoding import Json
from serving_layer.routes.models import says
from serving_layer.routes.parameters import Whole

RUNS = "a proof is under way already: GET /verify says how far it is"

api = APIRouter(prefix="/api/v1", tags=["operating"])


class Chosen(Body):
    """Which generation shall serve: a kept one by its id, or with null the one before; or ``release`` a rollback."""

    generation: str | None = None
    release: bool = False


class Proof(Body):
    """What to prove: ``sample`` items with all their sums, and the users who touched them."""

    sample: Whole = Field(20, ge=1, le=100_000)


@api.get("/parts", responses=says(shown.Parts))
async def get_parts(request: Request, views: OpenViews) -> Json:
    """Return every part of the installation: whether it answers, how fast, and what to do where it does not."""
    state = request.app.state
    now_ms = time.time_ns() // 1_000_000
    return Json(await run_in_threadpool(parts, views, state.settings, state.link.log, now_ms))


@api.get("/generations", responses=says(shown.Generations))
async def get_generations(views: OpenViews) -> Json:
    """Return the kept generations, oldest first, those in the making, and which one serves."""
    return Json(await run_in_threadpool(generations, views))


@api.post("/generations/active", openapi_extra={"x-body": "Chosen"}, responses=says(shown.Standing))
async def post_active(request: Request, views: OpenViews) -> Json:
    """Make a kept generation serve and hold it there, as `millrace rollback` does; needs the role admin."""
    wish = read_body(Chosen, await request.body())
    if wish.release:
        return Json(await run_in_threadpool(release, views))
    return Json(await run_in_threadpool(activate, views, wish.generation))


@api.get("/verify", responses=says(shown.ProofState))
async def get_verify(request: Request) -> Json:
    """Return how far the proof is that was begun here, or how the last one ended."""
    return Json(await run_in_threadpool(_proofs(request).state))


@api.post("/verify", status_code=202, openapi_extra={"x-body": "Proof"}, responses=says(shown.ProofState, 202))
async def post_verify(request: Request) -> Json:
    """Begin `millrace verify --sample` as a process beside the API; needs the role admin. 409 while one runs."""
    wish, proofs = read_body(Proof, await request.body()), _proofs(request)
    if not await run_in_threadpool(proofs.begin, wish.sample):
        raise HTTPException(409, RUNS)
    return Json(await run_in_threadpool(proofs.state), 202)


def _proofs(request: Request) -> Proofs:
    return Proofs(request.app.state.settings.home)
