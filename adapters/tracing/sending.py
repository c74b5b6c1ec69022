"""Spans on their way to the collector: a bounded number waits, and one that does not answer is reported once."""

import logging
import threading
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from adapters.terminal.reporting import logger

EXPORT_SECONDS = 2.0  # for one attempt with its repeats; what is not taken by then is given up
EVERY_SECONDS = 1.0
MOST_WAITING = 4_096  # spans; some 2 KB each
STOP_SECONDS = 1.0  # the end of a process waits no longer for the last spans

log = logger("tracing")


class Reported(SpanExporter):
    """Sends to ``endpoint``, and logs when the collector goes away and when it is back."""

    def __init__(self, endpoint: str) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it logs each failure, and each lost span
        self._endpoint, self._away = endpoint, False
        self._inner = OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            log.warning("traces are lost at=%s why=%s", self._endpoint, "the collector does not take them")
        if self._away and not away:
            log.info("traces are sent again at=%s", self._endpoint)
        self._away = away
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()  # type: ignore[no-untyped-call]


def sender(endpoint: str) -> BatchSpanProcessor:
    """Return what takes finished spans, and sends them on a thread of its own."""
    return BatchSpanProcessor(
        Reported(endpoint), max_queue_size=MOST_WAITING, schedule_delay_millis=EVERY_SECONDS * 1000
    )


def stop(processor: BatchSpanProcessor) -> None:
    """Send what waits, for a moment at most."""
    ending = threading.Thread(target=processor.shutdown, name="last traces", daemon=True)
    ending.start()
    ending.join(STOP_SECONDS)
