"""The sections of settings that say how an installation is watched."""

from dataclasses import dataclass

from adapters.settings.parsing import collector
from core.settings import setting


@dataclass(frozen=True)
class MetricsSettings:
    """Metrics of a speed layer that runs alone; the API has them at `/metrics`, with those of a speed layer of `up`."""

    host: str = setting("127.0.0.1", "the address they are shown at", variable="metrics_host", why="they have no login")
    port: int = setting(
        0, "the port they are shown at; 0: nowhere", at_least=0, at_most=65_535, variable="metrics_port",
        why="`millrace up` shows them with the API's",
    )  # fmt: skip


@dataclass(frozen=True)
class TracingSettings:
    """[Traces](operations/traces.md) of requests and micro-batches, which a collector is sent by OTLP over HTTP."""

    endpoint: str = setting(
        "", "the collector's address, `http://host:4318`; `/v1/traces` follows where it has no path",
        parse=collector, variable="tracing_endpoint", why="nothing is traced, and nothing loaded for it",
        default_is="none",
    )  # fmt: skip
    sample: float = setting(
        0.01, "share of the requests that are traced; a `traceparent` that a client sends decides instead",
        at_least=0, at_most=1, variable="tracing_sample", why="a busy API's traces cost less than a hundredth of it",
    )  # fmt: skip


@dataclass(frozen=True)
class LoggingSettings:
    """What processes report on stderr."""

    format: str = setting(
        "text", "`text` for people, or `json`: one object per line, for programs", one_of=("text", "json"),
        variable="log_format", why="a person reads it first",
    )  # fmt: skip
