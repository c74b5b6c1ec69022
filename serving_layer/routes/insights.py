"""The routes of insights (docs/insights.md): their rows depend on the name, so the description has what all share."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from adapters.terminal.commands import moment_ms
from core.insights.table import INSIGHTS
from serving_layer.insights.answer import insight
from serving_layer.insights.asked import Asked
from serving_layer.routes.answering import OpenViews, Wanted, answered, parsed
from serving_layer.routes.encoding import Json
from serving_layer.routes.models import STATE, Detail, State, says, shown
from serving_layer.routes.parameters import Categories

api = APIRouter(prefix="/api/v1", tags=["insights"])
Moment = Annotated[str | None, Query(description="Epoch ms or RFC 3339; whole hours count.")]
From = Annotated[str | None, Query(alias="from", description="Where the range begins: epoch ms or RFC 3339.")]
To = Annotated[str | None, Query(alias="to", description="Where it ends; whole hours count.")]
Zone = Annotated[str | None, Query(max_length=64, description="Time zone of best-time, such as Europe/Berlin.")]


class Names(BaseModel):
    """The insights."""

    insights: list[dict[str, str]]


class Insight(State):
    """What an insight says; it has further fields of its own."""

    model_config = shown(
        insight="engagement", **STATE, verdict="found", says="DIY has the highest engagement (12 %)", category=[],
        rows=[{"category": "DIY", "events": 900}], exists={"from": 1764300000000, "to": 1764903600000},
        **{"from": 1764300000000, "to": 1764903600000},
    )  # fmt: skip

    insight: str
    verdict: str
    says: str
    category: list[str]
    exists: dict[str, int] | None
    rows: list[Detail]


@api.get("/insights", responses=says(Names))
async def get_insights() -> dict[str, Any]:
    """Return the names of the insights, each with what it is about."""
    return {"insights": [{"name": one.name, "about": one.about} for one in INSIGHTS.values()]}


@api.get("/insights/{name}", responses=says(Insight))
async def get_insight(
    request: Request, views: OpenViews, at_least: Wanted, name: str, category: Categories = None, first: From = None,
    end: To = None, zone: Zone = None,
) -> Json:  # fmt: skip
    """Return what the events of a range say: whether the data can tell, a sentence, and the rows."""
    asked = Asked(
        frozenset(category or ()),
        None if first is None else parsed("from", moment_ms, first),
        None if end is None else parsed("to", moment_ms, end),
        zone,
    )
    rules = request.app.state.settings.rules
    return await answered(views, lambda snapshot: insight(snapshot, name, asked, rules), at_least, long=True)
