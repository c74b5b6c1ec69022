"""The log as a lookup meets it: used if it is there, never waited for."""

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from adapters.broker.embedded import running_broker
from adapters.settings import Settings
from schemas.errors import MillraceError
from serving_layer.answers.status import speed_layer
from serving_layer.reading.views import Views

if TYPE_CHECKING:
    from adapters.log.kafka_log import (
        Log,  # Kafka's client takes a tenth of a second to import: only where there is a log
    )

CATCH_UP_SECONDS = 0.5  # a lookup waits no longer for the catalogue's topics, nor for a store to say who follows them


def running_log(settings: Settings) -> "Log | None":
    """Return the log if one is configured or the home's broker runs already; starts nothing, connects to nothing."""
    bootstrap = settings.log.kafka or running_broker(settings.home)
    if not bootstrap:
        return None
    from adapters.log.kafka_log import Log, Topics

    return Log(bootstrap, Topics.prefixed(settings.log.topic_prefix), settings.log.kafka_options)


def refresh_catalogue(settings: Settings, views: Views, now_ms: int) -> None:
    """Apply news of items and users, briefly, unless a speed layer does; whatever fails, the answer is given.

    Args: now_ms: the wall clock, epoch ms.
    """

    def refresh() -> None:
        with suppress(MillraceError):
            catch_up_alone()

    def catch_up_alone() -> None:
        if speed_layer(views, now_ms, settings.speed.lease_ms)["alive"] is not False:
            return
        log = running_log(settings)
        if log is None:
            return
        from adapters.records.catalogue import catch_up

        catch_up(log, views.speed)

    thread = threading.Thread(target=refresh, name="catalogue", daemon=True)
    thread.start()
    thread.join(CATCH_UP_SECONDS)
