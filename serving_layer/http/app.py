"""The HTTP API under ``/api/v1`` (docs/contract.md §7), put together; a page of its description at ``/docs``."""

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from adapters.machine.home import prepare_home
from adapters.settings import Settings
from adapters.telemetry.counting import shared_in
from adapters.terminal.reporting import logger
from adapters.tracing.active import active
from core.access.rates import Rate
from schemas.errors import MillraceError
from serving_layer.access.admission import Admission
from serving_layer.access.keyring import Keyring
from serving_layer.access.shared import SharedWindows
from serving_layer.access.start import is_local
from serving_layer.http import page
from serving_layer.http.admitted import Admitted
from serving_layer.http.at_once import AT_ONCE, AtOnce
from serving_layer.http.bodies import Bodies, Limits
from serving_layer.http.counted import Counted
from serving_layer.http.crowd import Crowd
from serving_layer.http.description import add_description, pages
from serving_layer.http.direct import Direct
from serving_layer.http.exchange import Exchange
from serving_layer.http.guard import Guard, own_hosts
from serving_layer.http.methods import Methods
from serving_layer.http.problems import answer_of, problem, problem_of, refusal
from serving_layer.http.warm import warmed
from serving_layer.live.hub import Hub
from serving_layer.pictures.eye import Eye
from serving_layer.reading.at_least import NotYet
from serving_layer.reading.following import followed
from serving_layer.reading.views import open_views
from serving_layer.routes import (
    asking,
    changes,
    insights,
    intake,
    lists,
    live,
    lookups,
    metrics,
    operating,
    pictures,
    state,
)
from serving_layer.routes.faults import said, sentences
from serving_layer.routes.link import LogLink
from serving_layer.routes.visibility import Visibility

# FastAPI's own spans and logs would hold bodies and stacks, and be turned on by variables: Traced makes ours.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
ROUTERS = (
    lookups.api,
    pictures.api,
    insights.api,
    asking.api,
    intake.api,
    changes.api,
    lists.api,
    lookups.plain,
    metrics.plain,
    pages,
    page.pages,
    state.api,
    operating.api,
    live.api,
)


def create_app(settings: Settings, limits: Limits | None = None) -> FastAPI:
    """Return the application; its stores and its log are open while it runs. ``limits`` None: the defaults."""
    keyring = Keyring(settings.http.keys, is_local(settings.http.host), settings.home / "keys-seen")
    folder = shared_in()
    shared = None if folder is None else SharedWindows(folder)
    admission = Admission(keyring, Rate.of(settings.http.rate_limit), shared=shared)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        prepare_home(settings.home)
        with ExitStack() as stack:
            if shared is not None:
                stack.callback(shared.close)
            views = stack.enter_context(open_views(settings, compiled=True))
            stack.enter_context(followed(views))
            stack.enter_context(keyring.running(views.batch))
            link = LogLink(settings, views.speed)
            app.state.turns, app.state.judges = changes.turns(), intake.judges(settings.rules)
            app.state.views, app.state.link, app.state.settings = views, link, settings
            app.state.visibility = Visibility(views)
            app.state.eye, app.state.looks = Eye(settings), pictures.looks()
            app.state.metrics = metrics.StateReader(views, link, settings)
            app.state.live = Hub(views, lambda: state.status_now(views, link, settings))
            app.state.may_read = admission.may_read
            with link.running():
                await warmed(views)
                at_once = AtOnce(views, own_hosts(settings), admission)
                yield {AT_ONCE: at_once, live.HUB: app.state.live}  # for the connections

    # Routes of an included router would be built once more, and only when the first request comes.
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    app = FastAPI(
        title="Millrace", version="1", routes=[*routes], lifespan=lifespan, redirect_slashes=False,
        openapi_url=None, docs_url=None, redoc_url=None,
        telemetry=NO_TELEMETRY,
    )  # fmt: skip
    app.add_middleware(Direct, routes=routes, refusals={MillraceError: _ours, HTTPException: _http})
    app.add_middleware(Bodies, limits=limits)
    app.add_middleware(Methods, routes=routes)
    app.add_middleware(Admitted, admission=admission)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Crowd, most=(limits or Limits()).under_way)
    if (tracer := active()) is not None:
        from serving_layer.http.traced import Traced

        app.add_middleware(Traced, tracer=tracer)
    app.add_middleware(Exchange)
    app.add_middleware(Counted)  # the last one added sees a request first
    app.add_exception_handler(MillraceError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
    add_description(app)
    return app


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MillraceError)
    return answer_of(problem_of(error), {"Retry-After": "1"} if isinstance(error, NotYet) else None)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = sentences(error.errors())
    return refusal(422, "; ".join(said(**entry) for entry in wrong), errors=wrong)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, str(error.detail), error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger("serving").error("failed path=%s", request.url.path, exc_info=error)
    return answer_of(problem(500, "this should not happen; the log has the details"))
