"""The engine that the setting ``engine`` of ``[speed]`` names; imports nothing of the others."""

from typing import TYPE_CHECKING, Optional

from adapters.settings import Settings
from speed_layer.engine import Engine

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def open_engine(settings: Settings) -> Engine:
    """Return the engine, with a session of its own where it needs one."""
    return engine_of(settings, None)


def engine_of(settings: Settings, spark: Optional["SparkSession"]) -> Engine:
    """Return the engine; ``spark``: the session that it takes if it needs one, None to open one."""
    if settings.speed.engine == "local":
        from speed_layer.jobs.local_engine import LocalEngine

        return LocalEngine(settings)
    from adapters.engine.session import open_session
    from speed_layer.jobs.spark_engine import SparkEngine

    return SparkEngine(spark or open_session(settings, "millrace speed"), settings)
