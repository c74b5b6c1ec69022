"""Makes the jar lock from its root coordinates: ``python -m adapters.machine.jar_roots`` (``make lock``)."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from adapters.machine.jars import LOCK, Jar, download, sha256_of

HEADER = "# Made by `make lock` from adapters/machine/jar_roots.py: sha256  group:artifact:version[:classifier]\n"


@dataclass(frozen=True)
class Roots:
    """What a set is made from; ``whole``: the coordinates are the whole set and nothing is resolved."""

    coordinates: tuple[str, ...]
    whole: bool = False


ROOTS = {
    "kafka": Roots(("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")),
    # The parent of Spark's Kafka jar cannot be resolved from the registry alone (it names a repository that does not
    # answer, and the token provider of 4.2.0 is missing), so the set is named jar by jar. The rest is in pyspark.
    "spark": Roots(
        (
            "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",
            "org.apache.spark:spark-token-provider-kafka-0-10_2.13:4.0.0",
            "org.apache.kafka:kafka-clients:3.9.2",
            "org.apache.commons:commons-pool2:2.13.1",
            "io.delta:delta-spark_4.2_2.13:4.4.0",
            "io.delta:delta-storage:4.4.0",
            "io.delta:delta-kernel-api:4.4.0",
            "io.delta:delta-kernel-defaults:4.4.0",
            "io.delta:delta-kernel-unitycatalog:4.4.0",
            "io.unitycatalog:unitycatalog-client:0.6.0",
            "io.unitycatalog:unitycatalog-hadoop:0.6.0",
        ),
        whole=True,
    ),
    "cassandra": Roots(("org.apache.cassandra:cassandra-all:5.0.8",)),  # for tests; it brings its jamm agent
}


def resolve(roots: Roots, scratch: Path) -> list[Jar]:
    """Return all jars of a set, sorted by coordinate, with checksums of what the registry serves now."""
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(resolver=PythonResolver(), repo_cache=scratch)
    inputs = [context.create_dependency(coordinate) for coordinate in roots.coordinates]
    resolved = [] if roots.whole else context.resolver.resolve(inputs)
    dependencies = inputs if roots.whole else [dependency for part in resolved for dependency in part]
    jars = []
    for dependency in dependencies:
        if dependency.artifact.packaging == "jar" and dependency.scope in (None, "compile", "runtime"):
            names = (dependency.groupId, dependency.artifactId, dependency.version, dependency.classifier or "")
            jar = Jar("", *names)
            jars.append(Jar(sha256_of(download(jar, scratch)), jar.group, jar.artifact, jar.version, jar.classifier))
    return sorted(jars, key=lambda jar: jar.coordinate)


def write_lock(lock: Path) -> None:
    """Resolve every set from scratch and replace the lock."""
    lines = [HEADER]
    with tempfile.TemporaryDirectory() as scratch:
        for name, roots in ROOTS.items():
            lines.append(f"\n[{name}]\n")
            lines += [f"{jar.sha256}  {jar.coordinate}\n" for jar in resolve(roots, Path(scratch))]
    lock.write_text("".join(lines))


if __name__ == "__main__":
    write_lock(Path(str(LOCK)))
