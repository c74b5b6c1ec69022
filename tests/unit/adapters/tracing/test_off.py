"""Without a collector nothing is traced: nothing of the SDK is loaded, and no setting of OpenTelemetry turns it on."""

import subprocess
import sys

from tests.kit.places import ROOT

SERVED = """
import asyncio, os, sys, tempfile
os.environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "FASTAPI_OTEL_AUTO_CONFIGURE": "true"}
from adapters.settings import Settings
from adapters.tracing.active import active, sending, store_call, traced
import speed_layer.jobs.stream
from serving_layer.http.app import create_app
app = create_app(Settings.of(home=tempfile.mkdtemp(), kafka="127.0.0.1:1"))
async def answered():
    said = []
    async def receive(): return {"type": "http.request", "body": b""}
    async def send(message): said.append(message)
    scope = {"type": "http", "method": "GET", "path": "/no", "raw_path": b"/no", "query_string": b"",
             "headers": [(b"traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")]}
    await app(scope, receive, send)
    return said[0]["status"]
with traced("", 1.0, "test"), store_call("sqlite", "speed", "read"), sending("events") as headers:
    print(headers, active(), asyncio.run(answered()))
print(sorted({".".join(name.split(".")[:2]) for name in sys.modules} & {"opentelemetry.sdk", "opentelemetry.exporter"}))
"""


def test_without_a_collector_nothing_of_the_sdk_is_loaded_and_no_header_is_written() -> None:
    done = subprocess.run([sys.executable, "-c", SERVED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["[] None 404", "[]"], done.stderr
