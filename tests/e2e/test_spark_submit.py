"""The jobs run by spark-submit on a real cluster, from the zip alone, far from the checkout and without the command."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark
import pytest

from adapters.machine.jars import jar_paths
from adapters.settings import Settings
from adapters.settings.places import PLACES, SECTIONS, section_fields
from bench.cluster import spark_cluster
from core.settings.secret import StoreUrl
from tests.kit.commands import QUICK_JAVA
from tests.kit.installation import Installation, installation, rows_of
from tests.kit.mixed_stream import in_parts, mixed_stream
from tests.kit.places import ROOT
from tests.kit.servers import new_database

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [
    pytest.mark.kafka, pytest.mark.spark, pytest.mark.redis, pytest.mark.slow, pytest.mark.deep,
    pytest.mark.timeout(900),
]  # fmt: skip

SET = (
    "home", "kafka", "topic_prefix", "history_items", "remembered_ids", "als_factors", "als_iterations", "batch_views",
    "speed_views", "evaluation_events", "gate_items",
)  # fmt: skip


@pytest.fixture
def zipped() -> Path:
    """What ``make zip`` makes."""
    made = subprocess.run(["make", "-s", "zip", f"PYTHON={sys.executable}"], cwd=ROOT, capture_output=True, check=True)
    return ROOT / (made.stdout.decode().strip() or "dist/millrace.zip")


def test_both_jobs_on_a_cluster_give_what_one_machine_gives(
    spark: "SparkSession", kafka_bootstrap: str, redis_url: str, zipped: Path, tmp_path: Path
) -> None:
    """A standalone master and two workers as processes, which find our packages in the zip alone."""
    stores = {"batch_views": new_database(redis_url), "speed_views": new_database(redis_url)}
    millrace = installation(spark, kafka_bootstrap, stores, tmp_path / "home")
    alone = replace(millrace, settings=millrace.settings.changed(home=tmp_path, batch_views="", speed_views=""))
    first, second = in_parts(mixed_stream(millrace.settings.rules), 2)
    millrace.produce(first)
    with spark_cluster(2, tmp_path / "cluster", packages=None) as master:
        cluster = partial(submit, millrace, zipped, tmp_path, master=master)
        output = cluster("batch_layer/jobs/generation.py", "--reason", "by zip")
        made = json.loads(output.splitlines()[-1])  # spark-submit makes one stream of what a job says
        assert (made["id"], made["reason"], made["metrics"]["mode"]) == (millrace.control.active, "by zip", "full")
        millrace.check_all_is_applied(degraded=("speed",))
        millrace.produce(second)
        cluster("speed_layer/jobs/stream.py", "--available-now")
        millrace.check_all_is_applied()
        assert millrace.prove().mismatches == 0
        incremental = json.loads(cluster("batch_layer/jobs/generation.py").splitlines()[-1])
    assert incremental["metrics"]["mode"] == "incremental"
    assert rows_of(millrace, incremental["id"]) == rows_of(alone, alone.batch().id)
    millrace.check_all_is_applied()
    assert millrace.prove().mismatches == 0
    millrace.close()


def submit(millrace: Installation, zipped: Path, folder: Path, job: str, *words: str, master: str = "local[2]") -> str:
    """Run one job in ``folder``; what it prints on stdout."""
    given = {f"MILLRACE_{name.upper()}": value_of(millrace.settings, name) for name in SET}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "PYTHON"))}
    spark_submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    jars = ",".join(map(str, jar_paths("spark")))
    options = ["--master", master, "--driver-memory", "1g", "--py-files", str(zipped), "--jars", jars]
    done = subprocess.run(
        [spark_submit, *options, ROOT / job, *words], cwd=folder, capture_output=True, text=True, check=False,
        env={**kept, **given, "PYSPARK_PYTHON": sys.executable, "JDK_JAVA_OPTIONS": QUICK_JAVA}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def value_of(settings: Settings, name: str) -> str:
    """The setting as its variable would give it."""
    place = PLACES[name]
    if place.section == "recommenders.als":
        return str(getattr(settings.recommender_settings["als"], place.key))
    if not place.section:
        return str(getattr(settings, place.key))
    [field] = [entry.name for key, entry in section_fields(SECTIONS[place.section]) if key == place.key]
    value = getattr(getattr(settings, place.section), field)
    return str(value.reveal() if isinstance(value, StoreUrl) else value)
