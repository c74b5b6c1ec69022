"""Answers plain lookups on the connection itself: no task, no route, no validation by models, where memory suffices.

A request is answered here only if it is written plainly: a known path, parameters without escapes, each given once.
Every other request, and every one that memory does not answer, takes the routes; both ways give the same bytes
(tests/integration/test_at_once.py). So a refusal, a wait and a degraded answer are written in one place only.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from adapters.telemetry.counting import count
from adapters.terminal.commands import category_name, window_hours
from adapters.tracing.active import Answered, active
from core.partitions.prefixes import parse_at_least
from core.telemetry.families import IN_MEMORY
from serving_layer.access.admission import TOKEN_HEADERS, Admission, token_in
from serving_layer.access.roles import role_needed
from serving_layer.answers import lookups
from serving_layer.answers.recommend import Wish, recommend
from serving_layer.http.counted import count_request
from serving_layer.http.exchange import NOT_CACHED, REQUEST_ID, request_id
from serving_layer.http.methods import Scope
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer_from_memory
from serving_layer.reading.at_least import AtLeast
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from serving_layer.routes.counted import count_answer
from serving_layer.routes.encoding import encoded, state_headers
from serving_layer.routes.parameters import MAX_N, path_id

PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.,:-]+")
NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
AT_ONCE = "at_once"  # in the state of an application
MOST_BYTES = 2_000  # of a path and its query; a longer one is no plain lookup
ALIVE = {"status": "alive"}
NOTHING, FIRST_PAGE = AtLeast(), Page()
RECOMMENDATIONS = "/api/v1/recommendations/{user_id}"
SIMILAR = "/api/v1/items/{item_id}/similar"
HISTORY = "/api/v1/users/{user_id}/history"

Compute = Callable[[Snapshot], dict[str, Any]]


class NotPlain(Exception):
    """The request is one for the routes."""


class Answer(NamedTuple):
    """The body of a 200, and its headers beside the type and the length."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class Asker(NamedTuple):
    """What the headers say: the key's text and the request's id, as they were sent."""

    token: str | None
    request_id: bytes | None


class AtOnce:
    """The answers of one application. ``is_ours``: whether a ``Host``, in lower case, names this server."""

    def __init__(self, views: Views, is_ours: Callable[[str], bool], admission: Admission) -> None:
        self._views, self._is_ours, self._admission = views, is_ours, admission
        self._tracer = active()

    def answer(self, scope: Scope) -> Answer | None:
        """Return the 200 that answers the request; None where it takes the routes."""
        path, query = scope["raw_path"], scope["query_string"]
        if scope["method"] != "GET" or len(path) + len(query) > MOST_BYTES:
            return None
        asker = self._asker(scope["headers"])
        if asker is None:
            return None
        began = time.perf_counter()
        try:
            key = self._admission.key_for(asker.token, role_needed("GET", path.decode("ascii")))
            if not self._admission.has_room(key):
                return None
            plain = asked(path.decode("ascii"), query.decode("ascii"))
            answer, body = self._computed(plain, path + b"?" + query)
        except Exception:  # noqa: BLE001 - whatever it is, the route that answers next meets it, too, and reports it
            return None
        self._admission.take(key)  # a request that takes the routes is counted there
        count_request(plain.route, 200, seconds := time.perf_counter() - began)
        own = request_id(asker.request_id)
        if self._tracer is not None and (context := self._tracer.asked(scope["headers"])) is not None:
            self._tracer.answered(context, seconds, Answered("GET", plain.route, 200, own.decode()))
        headers = [*state_headers(answer), *self._admission.headers(key), (REQUEST_ID, own), NOT_CACHED]
        return Answer(headers, body)

    def _computed(self, plain: "Plain", asked: bytes) -> tuple[dict[str, Any], bytes]:
        """Return the answer and its body; of one moment both are the same however often they are asked for."""
        if plain.compute is None:
            return ALIVE, encoded(ALIVE)
        views = self._views if plain.user is None else self._views.of_user(plain.user)
        moment, rules = views.current(), views.house_rules()
        given = None if moment is None else moment.given.of(asked, rules)
        if given is None:
            answer = answer_from_memory(views, plain.at_least.of(plain.compute))
            given = answer, encoded(answer)
            if moment is not None and moment is views.current():
                moment.given.keep(asked, rules, *given)
        else:
            views.statistics.from_memory += 1
        count(IN_MEMORY, "memory")
        count_answer(given[0])
        return given

    def _asker(self, headers: list[tuple[bytes, bytes]]) -> Asker | None:
        """Return who asks; None where the headers say what the routes must see."""
        host, token, given = b"", None, None
        for name, value in headers:
            if name == b"host":
                host = value
            elif name in (b"origin", b"expect", b"content-length", b"transfer-encoding"):
                return None
            elif name == REQUEST_ID:
                given = given or value
            elif name in TOKEN_HEADERS:
                token = token or token_in([(name, value)])
        return Asker(token, given) if self._is_ours(host.decode("latin-1").lower()) else None


@dataclass(frozen=True, slots=True)
class Plain:
    """What a plain request asks for. ``route``: its route's path; ``compute`` None: whether the server is alive.

    ``user``: who is asked for recommendations, as an experiment may be served by views of its own.
    """

    route: str
    at_least: AtLeast
    compute: Compute | None
    user: bytes | None = None


def asked(path: str, query: str) -> Plain:
    """Return what a plain request asks for.

    Raises:
        NotPlain, ValueError: it must take the routes.
    """
    match path.split("/")[1:]:
        case ["api", "v1", "recommendations", user]:
            at_least, values = _parameters(query)
            wish, name = Wish(_page(values)), path_id(user).encode()
            return Plain(RECOMMENDATIONS, at_least, lambda snapshot: recommend(snapshot, name, wish), name)
        case ["api", "v1", "items", item, "similar"]:
            at_least, values = _parameters(query)
            page, name = _page(values), path_id(item).encode()
            return Plain(SIMILAR, at_least, lambda snapshot: lookups.similar(snapshot, name, page))
        case ["api", "v1", "users", user, "history"]:
            at_least, values = _parameters(query)
            page, name = _page(values), path_id(user).encode()
            return Plain(HISTORY, at_least, lambda snapshot: lookups.history(snapshot, name, page))
        case ["api", "v1", "trending"]:
            at_least, values = _parameters(query)
            hours, page = _hours(values.pop("window", "24h")), _page(values)
            return Plain(path, at_least, lambda snapshot: lookups.trending(snapshot, hours, None, page))
        case ["health"] | ["api", "v1", "health"] if not query:
            return Plain(path, NOTHING, None)
    raise NotPlain


def _parameters(query: str) -> tuple[AtLeast, dict[str, str]]:
    """Return the prefix that the answer must hold, and the other parameters by name."""
    values: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        if name in values or not PLAIN_VALUE.fullmatch(value):
            raise NotPlain
        values[name] = value
    at_least = values.pop("at_least", None)
    return NOTHING if at_least is None else AtLeast(parse_at_least(at_least)), values


def _page(values: dict[str, str]) -> Page:
    if not values:
        return FIRST_PAGE
    n, offset, category = values.pop("n", "10"), values.pop("offset", "0"), values.pop("category", None)
    if values or not (NUMBER.fullmatch(n) and NUMBER.fullmatch(offset) and 1 <= int(n) <= MAX_N):
        raise NotPlain
    return Page(int(n), int(offset), None if category is None else frozenset([category_name(category)]))


_hours = lru_cache(64)(window_hours)
