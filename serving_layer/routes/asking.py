"""The routes that read by POST, as their questions are too long for a URL: baskets, several items, several users."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from serving_layer.answers.recommend import recommend_to_anybody, recommend_to_many
from serving_layer.answers.together import similar_to_all
from serving_layer.routes import models
from serving_layer.routes.answering import OpenViews, Wanted, answered
from serving_layer.routes.bodies import AnybodyBody, ManyBody, SimilarBody, read_body
from serving_layer.routes.encoding import Json
from serving_layer.routes.models import says

api = APIRouter(prefix="/api/v1", tags=["lookups"])


@api.post("/recommendations", openapi_extra={"x-body": "Basket"}, responses=says(models.RecommendationsToAnybody))
async def post_basket(request: Request, views: OpenViews, at_least: Wanted) -> Json:
    """Return what suits a basket or preferences, as to a user with that history; nothing is recorded."""
    body = await run_in_threadpool(read_body, AnybodyBody, await request.body())
    wish = body.wish(request.app.state.settings.rules, views.house_rules())
    return await answered(views, lambda snapshot: recommend_to_anybody(snapshot, wish), at_least)


@api.post("/similar", openapi_extra={"x-body": "SimilarItems"}, responses=says(models.SimilarToAll))
async def post_similar(request: Request, views: OpenViews, at_least: Wanted) -> Json:
    """Return what goes with several items together, by the mean of the similarities to them."""
    body = await run_in_threadpool(read_body, SimilarBody, await request.body())
    items, page = [item.encode() for item in body.items], body.page
    return await answered(views, lambda snapshot: similar_to_all(snapshot, items, page), at_least)


@api.post("/batch/recommendations", openapi_extra={"x-body": "Many"}, responses=says(models.RecommendationsToMany))
async def post_many(request: Request, views: OpenViews, at_least: Wanted) -> Json:
    """Return the recommendations of up to 100 users, all of one snapshot."""
    body = await run_in_threadpool(read_body, ManyBody, await request.body())
    wish = body.wish(request.app.state.settings.rules, views.house_rules())
    users = [user.encode() for user in body.users]
    return await answered(views, lambda snapshot: recommend_to_many(snapshot, users, wish), at_least, long=True)
