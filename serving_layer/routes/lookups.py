"""The routes that read by GET, and recommendations of one user: each is one snapshot of the merged views."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from adapters.terminal.commands import moment_ms, window_hours
from serving_layer.answers import by_words, lookups, together
from serving_layer.answers import recommend as recommender
from serving_layer.answers.recommend import Wish
from serving_layer.routes import known, models, receipts
from serving_layer.routes.answering import OpenViews, Wanted, answered, parsed
from serving_layer.routes.bodies import WishBody, read_body
from serving_layer.routes.encoding import Json
from serving_layer.routes.models import says
from serving_layer.routes.paging import Paged
from serving_layer.routes.parameters import AsOf, By, Exclude, IncludeSeen, ManyItems, PathId, Window
from serving_layer.routes.pictures import PICTURE, similar_by_picture

api = APIRouter(prefix="/api/v1", tags=["lookups"])
plain = APIRouter(tags=["state"])


@api.get("/recommendations/{user_id}", responses=says(models.Recommendations))
async def get_recommendations(
    views: OpenViews, at_least: Wanted, user_id: PathId, page: Paged, exclude: Exclude = None,
    include_seen: IncludeSeen = False,
) -> Json:  # fmt: skip
    """Return what the user may like, and why."""
    wish, user = Wish(page, {item.encode() for item in exclude or ()}, include_seen), user_id.encode()
    return await answered(views.of_user(user), lambda snapshot: recommender.recommend(snapshot, user, wish), at_least)


@api.post("/recommendations/{user_id}", openapi_extra={"x-body": "Wish"}, responses=says(models.Recommendations))
async def post_recommendations(request: Request, views: OpenViews, at_least: Wanted, user_id: PathId) -> Json:
    """Return the same as GET, for lists of items to leave out that are too long for a URL, and for a ``context``.

    The items of the context count as if the user had just viewed them; nothing is recorded.
    """
    body = await run_in_threadpool(read_body, WishBody, await request.body())
    wish, user = body.wish(request.app.state.settings.rules, views.house_rules()), user_id.encode()
    return await answered(views.of_user(user), lambda snapshot: recommender.recommend(snapshot, user, wish), at_least)


@api.get("/items/{item_id}", responses=says(known.ItemKnown))
async def get_item(views: OpenViews, at_least: Wanted, item_id: PathId) -> Json:
    """Return what is known of an item."""
    return await answered(views, lambda snapshot: lookups.item(snapshot, item_id.encode()), at_least)


@api.get("/items/{item_id}/similar", responses=says(models.Similar))
async def get_similar(
    request: Request, views: OpenViews, at_least: Wanted, item_id: PathId, page: Paged, by: By = "behaviour"
) -> Json:
    """Return what goes with an item, or with `by=words` what is described like it, with `by=picture` what looks so."""
    if by == PICTURE:
        return await similar_by_picture(request, views, item_id.encode(), page, at_least)
    return await answered(views, lambda snapshot: by_words.similar(snapshot, item_id.encode(), page, by), at_least)


@api.get("/trending", responses=says(models.Trending))
async def get_trending(
    views: OpenViews, at_least: Wanted, page: Paged, window: Window = "24h", as_of: AsOf = None
) -> Json:
    """Return what grows in the last hours, or is popular while growth is unknown."""
    hours = parsed("window", window_hours, window)
    moment = None if as_of is None else parsed("as_of", moment_ms, as_of)
    return await answered(views, lambda snapshot: lookups.trending(snapshot, hours, moment, page), at_least)


@api.get("/latest", responses=says(models.Latest))
async def get_latest(views: OpenViews, at_least: Wanted, page: Paged) -> Json:
    """Return what is new, the newest first."""
    return await answered(views, lambda snapshot: together.latest(snapshot, page), at_least)


@api.get("/similar", responses=says(models.SimilarToAll))
async def get_similar_to_all(views: OpenViews, at_least: Wanted, page: Paged, item: ManyItems) -> Json:
    """Return what goes with several items together, by the mean of the similarities to them."""
    items = [name.encode() for name in item]
    return await answered(views, lambda snapshot: together.similar_to_all(snapshot, items, page), at_least)


@api.get("/users/{user_id}/history", responses=says(known.History))
async def get_history(views: OpenViews, at_least: Wanted, user_id: PathId, page: Paged) -> Json:
    """Return the user's last items, newest first."""
    return await answered(views, lambda snapshot: lookups.history(snapshot, user_id.encode(), page), at_least)


@api.get("/users/{user_id}/profile", responses=says(known.Profile))
async def get_profile(views: OpenViews, at_least: Wanted, user_id: PathId) -> Json:
    """Return what is known of a user."""
    return await answered(views, lambda snapshot: recommender.profile(snapshot, user_id.encode()), at_least)


@api.get("/explain/{user_id}/{item_id}", responses=says(known.Explanation))
async def get_explanation(views: OpenViews, at_least: Wanted, user_id: PathId, item_id: PathId) -> Json:
    """Return why an item is, or is not, recommended to a user."""
    user, item = user_id.encode(), item_id.encode()
    return await answered(views.of_user(user), lambda snapshot: recommender.explain(snapshot, user, item), at_least)


@api.get("/health", responses=says(receipts.Alive))
@plain.get("/health", include_in_schema=False)
async def health() -> dict[str, str]:
    """Report that the process is alive."""
    return {"status": "alive"}


@api.get("/ready", responses=says(receipts.Ready))
@plain.get("/ready", include_in_schema=False)
async def ready(views: OpenViews) -> Json:
    """Return whether lookups can be answered; 503 with the reason until then."""
    return await answered(views, lambda snapshot: {"status": "ready", **snapshot.header()})
