"""The relay and imports: processor time per event, beside what people write by hand, in the same run.

The relay reads topics of 4 partitions of nested JSON and of Avro to their end, appends events and commits, by the code
of the command. By hand: a loop that reads one message, maps it by ``json`` or ``fastavro`` without any check, and
produces it with a callback. Imports read a CSV and a Parquet file to lines of JSON in order of time; by hand: a loop
over ``csv.DictReader`` that writes lines without checks or order.

Processor time is that of this process; the broker's is not in it. The best of ``TRIES`` counts. Two processes are
started by the command, and their events per second include its start.
"""

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from adapters.log.kafka_log import Log
from adapters.settings import Settings
from bench.setting import Findings, fresh_home, machine
from datasets.decoding.avro import parsed_schema
from datasets.fields.acceptance import ImportOptions
from datasets.files.tally import Tally
from datasets.formats.base import Importer
from datasets.importing.share import Share, read_dataset, to_files
from datasets.mapping.document import parsed
from datasets.mapping.written import toml_text
from datasets.relaying.opened import opened_relay

EVENTS, TRIES, PARTITIONS = 400_000, 3, 4
NOW = 1_760_000_000_000
EVENT = {
    "event_id": "id", "user_id": "customer.id", "item_id": "product.sku", "value": "qty", "session_id": "session",
    "kind": {"path": "type", "words": {"Viewed": "view", "Bought": "purchase"}}, "category": "product.category",
    "event_time": {"path": "ts", "time": "epoch-ms"},
}  # fmt: skip
_TEXT = "string"
SCHEMA = {
    "type": "record", "name": "Act", "fields": [
        *({"name": name, "type": _TEXT} for name in ("id", "type", "session")),
        {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "qty", "type": "int"},
        {"name": "customer", "type": {"type": "record", "name": "C", "fields": [{"name": "id", "type": _TEXT}]}},
        {"name": "product", "type": {"type": "record", "name": "P", "fields": [
            {"name": "sku", "type": _TEXT}, {"name": "category", "type": _TEXT}]}},
    ],
}  # fmt: skip


def act(n: int) -> dict[str, Any]:
    """Return one record as a shop's own system would write it."""
    product = {"sku": f"sku-{n * 7919 % 20_000}", "category": f"category-{n % 20}"}
    kind = "Viewed" if n % 9 else "Bought"
    customer = {"id": f"customer-{n * 104_729 % 50_000}"}
    return {"id": f"a{n}", "type": kind, "ts": NOW + n, "customer": customer, "product": product, "qty": 1,
            "session": f"s{n % 9_000}"}  # fmt: skip


def run(events: int = EVENTS, rows: int = 400_000, tries: int = TRIES) -> dict[str, object]:
    """Return microseconds per event, events a second, and both of the baselines."""
    findings = Findings({"machine": machine(), "records": events, "rows of a file": rows})
    with fresh_home() as (settings, log):
        _create(log, "hand")
        for form in ("json", "avro"):
            _fill(log, form, events)
            schema = settings.home / "act.avsc"
            schema.write_text(json.dumps(SCHEMA))
            more = {"schema": str(schema)} if form == "avro" else {}
            (settings.home / f"{form}.toml").write_text(toml_text({"format": form, **more, "event": EVENT}))
            spent: dict[str, list[tuple[float, float]]] = {"relay": [], "by hand": []}
            for attempt in range(tries):
                ours, hand = _relayed(settings, log, form, attempt), _by_hand(log, form, attempt, events)
                spent["relay"].append(_timed(ours))
                spent["by hand"].append(_timed(hand))
            findings |= _figures(form, spent, events)
            walls = [_timed(_by_two(settings, form, attempt))[1] for attempt in range(tries)]
            findings[f"{form}, relay by two processes: events/s"] = round(events / min(walls))
    return findings | _imports(rows, tries)


def _figures(what: str, spent: dict[str, list[tuple[float, float]]], events: int) -> dict[str, object]:
    best = {name: tuple(map(min, zip(*tries, strict=True))) for name, tries in spent.items()}
    figures: dict[str, object] = {}
    for name, (processor, wall) in best.items():
        figures[f"{what}, {name}: processor microseconds per event"] = round(1e6 * processor / events, 1)
        figures[f"{what}, {name}: events/s"] = round(events / wall)
    ours, hand = best.values()
    return figures | {f"{what}: by hand takes so much of ours": round(hand[0] / ours[0], 2)}


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    processor, wall = time.process_time(), time.monotonic()
    act()
    return time.process_time() - processor, time.monotonic() - wall


def _create(log: Log, topic: str) -> None:
    for created in log.admin.create_topics([NewTopic(topic, PARTITIONS)]).values():
        created.result(10)


def _fill(log: Log, form: str, events: int) -> None:
    _create(log, form)
    schema = parsed_schema(json.dumps(SCHEMA))

    def value(n: int) -> bytes:
        if form == "json":
            return json.dumps(act(n)).encode()
        import fastavro

        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, act(n))
        return b"\0\0\0\0\1" + out.getvalue()

    log.appender().append_all(form, ((b"%d" % (n % 977), value(n)) for n in range(events)))


def _relayed(settings: Settings, log: Log, form: str, attempt: int) -> Callable[[], object]:
    options = {"mapping": str(settings.home / f"{form}.toml"), "source": "", "from_option": {}, "member": "1",
               "group": f"{form}-{attempt}", "available_now": True}  # fmt: skip
    return opened_relay(settings, log, [form], options, lambda _: None).run


def _by_two(settings: Settings, form: str, attempt: int) -> Callable[[], object]:
    command = [sys.executable, "-m", "millrace", "relay", form, "--mapping", str(settings.home / f"{form}.toml"),
               "--group", f"two-{form}-{attempt}", "--processes", "2", "--available-now"]  # fmt: skip
    environment = {**os.environ, "MILLRACE_HOME": str(settings.home)}
    return partial(subprocess.run, command, env=environment, check=True, stdout=subprocess.DEVNULL)


def _by_hand(log: Log, form: str, attempt: int, events: int) -> Callable[[], object]:
    """Return the loop that people write: no check, no order of commits, one callback per message."""
    import fastavro

    schema, failures = fastavro.parse_schema(SCHEMA), list[Any]()

    def read(value: bytes) -> Any:
        return json.loads(value) if form == "json" else fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)

    def ended(error: Any, _: Any) -> None:
        if error:
            failures.append(error)

    def loop() -> None:
        consumer = Consumer({"bootstrap.servers": log.bootstrap, "group.id": f"hand-{form}-{attempt}",
                             "auto.offset.reset": "earliest"})  # fmt: skip
        producer = Producer({"bootstrap.servers": log.bootstrap, "enable.idempotence": True, "linger.ms": 20})
        consumer.subscribe([form])
        done = 0
        while done < events:
            message = consumer.poll(1)
            if message is None or message.error():
                continue
            given = read(message.value() or b"")
            at = given["ts"] if form == "json" else int(given["ts"].timestamp() * 1_000)
            event = {"event_id": given["id"], "event_time": at, "user_id": given["customer"]["id"],
                     "item_id": given["product"]["sku"], "kind": "view" if given["type"] == "Viewed" else "purchase",
                     "value": given["qty"], "category": given["product"]["category"],
                     "session_id": given["session"]}  # fmt: skip
            while True:
                try:
                    producer.produce("hand", key=event["user_id"], value=json.dumps(event), on_delivery=ended)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
            done += 1
        producer.flush()
        consumer.close()

    return loop


def _imports(rows: int, tries: int) -> dict[str, object]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = {"event_time": {"path": "ts", "time": "epoch-ms"}, "user_id": "user", "item_id": "sku", "value": "qty",
            "category": "category", "session_id": "session", "kind": {"path": "type", "words": EVENT["kind"]["words"]}}  # type: ignore[index]  # fmt: skip
    mapping = parsed({"format": "csv", "event": flat}, "bench")
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        names = ("ts", "user", "sku", "category", "type", "qty", "session")
        acts = (act(n) for n in range(rows))
        cells = [(a["ts"], a["customer"]["id"], *a["product"].values(), a["type"], 1, a["session"]) for a in acts]
        paths = {"CSV": Path(folder) / "a.csv", "Parquet": Path(folder) / "a.parquet"}
        with paths["CSV"].open("w", newline="") as file:
            csv.writer(file).writerows([names, *cells])
        pq.write_table(pa.table(dict(zip(names, map(list, zip(*cells, strict=True)), strict=True))), paths["Parquet"])
        for form, path in paths.items():
            spent: dict[str, list[tuple[float, float]]] = {"import": [], "by hand": []}
            for _ in range(tries):
                spent["import"].append(_timed(lambda: _import(path, mapping, Path(folder))))  # noqa: B023
                spent["by hand"].append(_timed(lambda: _csv_by_hand(paths["CSV"], Path(folder) / "hand.jsonl")))
            figures |= _figures(form, spent, rows)
    return figures


def _import(path: Path, mapping: Any, folder: Path) -> None:
    importer = Importer(path, replace(ImportOptions(), latest_ms=2 * NOW), Tally(), mapping)
    to_files(read_dataset(importer, Share(), with_items=False), folder / "out.jsonl", folder / "items.jsonl")


def _csv_by_hand(path: Path, out: Path) -> None:
    with path.open(newline="") as file, out.open("w") as lines:
        for place, row in enumerate(csv.DictReader(file)):
            event = {"event_id": f"r{place}", "event_time": int(row["ts"]), "user_id": row["user"],
                     "item_id": row["sku"], "kind": "view" if row["type"] == "Viewed" else "purchase",
                     "value": int(row["qty"]), "category": row["category"], "session_id": row["session"]}  # fmt: skip
            lines.write(json.dumps(event) + "\n")
