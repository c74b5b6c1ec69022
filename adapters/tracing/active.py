"""The tracer of this process, if it has one: nothing is traced, and nothing of OpenTelemetry imported, before."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, NamedTuple, Optional

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from adapters.tracing.tracer import Tracer


class Answered(NamedTuple):
    """A request and its answer, as spans say them: the route's path, never what was asked for."""

    method: str
    route: str
    status: int
    request_id: str


_tracer: Optional["Tracer"] = None
_NOTHING, _NO_HEADERS = nullcontext(), nullcontext(list[tuple[str, bytes]]())


def active() -> Optional["Tracer"]:
    """Return the tracer; None where nothing is traced."""
    return _tracer


def store_call(store: str, book: str, operation: str) -> AbstractContextManager[None]:
    """Return a block that is a call of a view store; a span of the request that is traced here, if one is."""
    return _NOTHING if _tracer is None else _tracer.store_call(store, book, operation)


def sending(topic: str) -> AbstractContextManager[list[tuple[str, bytes]]]:
    """Return a block that sends records to the log, and the headers by which they carry the trace; none without."""
    return _NO_HEADERS if _tracer is None else _tracer.sending(topic)


@contextmanager
def traced(endpoint: str, sample: float, part: str) -> Iterator[None]:
    """Trace during the block, where ``endpoint`` is not empty.

    Args: endpoint: the collector's address.      sample: the share of requests.      part: of Millrace, such as
        ``serving``.
    Raises:
        SettingsError: the packages of the extra are not installed.
    """
    global _tracer
    if not endpoint:
        yield
        return
    try:
        from adapters.tracing.tracer import Tracer
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise SettingsError(
            f"[tracing] endpoint is set, but {error.name} is not installed: run pip install 'millrace[tracing]', or "
            "remove the setting"
        ) from None
    _tracer = made = Tracer(endpoint, sample, part)
    try:
        yield
    finally:
        _tracer = None
        made.close()
