"""The routes of insights (docs/insights.md): their rows depend on the name, so the description has what all share."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from adapters.terminal.commands import moment_ms
from core.insights.table import INSIGHTS
from serving_layer.insights.answer import insight
from serving_layer.insights.asked import Asked
from serving_layer.insights.dashboard import dashboard
from serving_layer.routes import known
from serving_layer.routes.answering import OpenViews, Wanted, answered, parsed
from serving_layer.routes.encoding import Json
from serving_layer.routes.models import STATE, Detail, State, says, shown
from serving_layer.routes.paging import Paged
from serving_layer.routes.parameters import Categories

api = APIRouter(prefix="/api/v1", tags=["insights"])
From = Annotated[str | None, Query(alias="from", description="Where the range begins: epoch ms or RFC 3339.")]
To = Annotated[str | None, Query(alias="to", description="Where it ends; whole hours count.")]
Zone = Annotated[str | None, Query(max_length=64, description="Time zone of best-time, such as Europe/Berlin.")]


class Names(BaseModel):
    """The insights."""

    insights: list[Detail]


class Insight(State):
    """What an insight says; it has further fields of its own."""

    model_config = shown(
        insight="engagement", **STATE, verdict="found", says="DIY has the highest engagement (12 %)", category=[],
        rows=[{"category": "DIY", "events": 900}], exists={"from": 1764300000000, "to": 1764903600000},
        **{"from": 1764300000000, "to": 1764903600000},
    )  # fmt: skip

    insight: str
    first: int | None = Field(alias="from", description="Where the counted range begins, epoch ms.")
    end: int | None = Field(alias="to", description="Where it ends, exclusive.")
    exists: dict[str, int] | None = Field(description="The range of the data.")
    category: list[str]
    verdict: str = Field(description="found, no_difference or too_little_data.")
    says: str
    rows: list[Detail]
    step_seconds: int | None = None
    kinds: dict[str, int] | None = None
    events: int | None = None
    users: dict[str, float] | None = None
    change: dict[str, float | None] | None = None
    highest: str | None = None
    lowest: str | None = None
    differences: list[Detail] | None = None
    best: str | None = None
    zone: str | None = None
    weekdays: list[Detail] | None = None
    best_hour: int | None = None
    best_weekday: int | None = None
    total: dict[str, float | None] | None = None
    slow: list[int] | None = None


@api.get("/insights", responses=says(Names))
async def get_insights() -> dict[str, Any]:
    """Return the names of the insights, each with what it is about and which filters it takes."""
    return {"insights": [{"name": one.name, "about": one.about, "takes": one.takes} for one in INSIGHTS.values()]}


@api.get("/insights/{name}", responses=says(Insight))
async def get_insight(
    request: Request, views: OpenViews, at_least: Wanted, name: str, category: Categories = None, first: From = None,
    end: To = None, zone: Zone = None,
) -> Json:  # fmt: skip
    """Return what the events of a range say: whether the data can tell, a sentence, and the rows."""
    asked = Asked(frozenset(category or ()), *_range(first, end), zone)
    rules = request.app.state.settings.rules
    return await answered(views, lambda snapshot: insight(snapshot, name, asked, rules), at_least, long=True)


@api.get("/analytics/dashboard", responses=says(known.Dashboard))
async def get_dashboard(
    request: Request, views: OpenViews, at_least: Wanted, page: Paged, first: From = None, end: To = None
) -> Json:
    """Return the last day, or a range, in numbers: figures against the time before, hours, items, categories."""
    asked, rules = Asked(frozenset(), *_range(first, end)), request.app.state.settings.rules
    return await answered(views, lambda snapshot: dashboard(snapshot, page, asked, rules), at_least, long=True)


def _range(first: str | None, end: str | None) -> tuple[int | None, int | None]:
    return (
        None if first is None else parsed("from", moment_ms, first),
        None if end is None else parsed("to", moment_ms, end),
    )
