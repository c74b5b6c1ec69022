"""What the engine's Java does with what it is given: Kafka's options, and the ports it listens on."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.kafka_options import checked, java_options

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(900)]

LISTENS = "0A"
LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


@pytest.mark.parametrize("password", ['a"b', "a\\b", 'q"; x="', "end\\", "ä€😀", "two\nlines", "tab\there", "a'b$b{c}"])
def test_java_reads_the_password_that_librdkafka_gets(spark: "SparkSession", password: str) -> None:
    options = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "PLAIN",
        "sasl.username": 'm"e',
        "sasl.password": password,
    }
    jvm: Any = spark.sparkContext._jvm
    security = jvm.org.apache.kafka.common
    given = jvm.java.util.HashMap()
    given["sasl.jaas.config"] = security.config.types.Password(java_options(checked(options))["sasl.jaas.config"])
    entry = security.security.JaasContext.loadClientContext(given).configurationEntries().get(0)
    assert entry.getOptions().get("password") == password
    assert entry.getOptions().get("username") == 'm"e'


def test_java_takes_the_authority_and_the_certificate_that_librdkafka_gets(
    spark: "SparkSession", tmp_path: Path
) -> None:
    store, authority = tmp_path / "own.p12", tmp_path / "ca.pem"
    tool = [shutil.which("keytool", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ['PATH']}") or "keytool"]
    own = ["-keystore", str(store), "-storetype", "PKCS12", "-storepass", "secret1", "-alias", "own"]
    subprocess.run([*tool, "-genkeypair", "-keyalg", "EC", "-dname", "CN=shop", *own], check=True, capture_output=True)
    pem = subprocess.run([*tool, "-exportcert", "-rfc", *own], check=True, capture_output=True).stdout
    authority.write_bytes(pem)
    options = {
        "security.protocol": "SSL", "ssl.ca.location": str(authority), "ssl.keystore.location": str(store),
        "ssl.keystore.password": "secret1", "ssl.endpoint.identification.algorithm": "none",
    }  # fmt: skip
    made = spark.sparkContext._jvm.java.util.Properties()  # type: ignore[union-attr]
    strings = "org.apache.kafka.common.serialization.ByteArrayDeserializer"
    java = {"bootstrap.servers": "127.0.0.1:1", "key.deserializer": strings, "value.deserializer": strings}
    for name, value in {**java, **java_options(checked(options))}.items():
        made[name] = value
    spark.sparkContext._jvm.org.apache.kafka.clients.consumer.KafkaConsumer(made).close()  # type: ignore[union-attr]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the system does not list its sockets")
def test_the_engine_listens_on_loopback_alone(spark: "SparkSession") -> None:
    process = spark.sparkContext._gateway.proc.pid  # type: ignore[union-attr]
    assert spark.range(10).count() == 10
    files = [str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir() if link.is_symlink()]
    sockets = {match[1] for match in map(re.compile(r"socket:\[(\d+)\]").fullmatch, files) if match}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == LISTENS and row[9] in sockets]
    assert len(listening) >= 2  # the driver and its block manager
    assert {address.partition(":")[0] for address in listening} <= LOOPBACK


def test_what_the_engine_writes_in_the_home_is_for_its_owner_alone(spark: "SparkSession", tmp_path: Path) -> None:
    spark.range(5).write.format("delta").save(str(tmp_path / "lake"))
    assert spark.read.format("delta").load(str(tmp_path / "lake")).count() == 5
    written = list((tmp_path / "lake").rglob("*"))
    assert len(written) >= 3
    assert [path for path in written if path.stat().st_mode & 0o077] == []
