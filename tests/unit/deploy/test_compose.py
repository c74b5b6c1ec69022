"""docker-compose.yml and the Dockerfile: valid, pinned, limited, open to this machine alone, without passwords."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.settings.places import PLACES
from tests.kit.places import ROOT
from tests.unit.deploy.commands import parsed

FILE = ROOT / "docker-compose.yml"
TEXT = FILE.read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
ONCE = {"keys", "cassandra-login"}  # they end
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("millrace:") and name != "keys"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_file_is_one_that_compose_takes() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_all_parts_are_there() -> None:
    assert {"api", "speed", "batch", "airflow", "spark-master", "spark-worker"} <= SERVICES.keys()
    assert {"kafka", "redis", "cassandra", "prometheus", "grafana"} <= SERVICES.keys()
    profiles = {profile for service in SERVICES.values() for profile in service.get("profiles", [])}
    assert profiles == {"schedule", "airflow", "spark", "watch"}
    assert all(profile in TEXT.split("\nx-limits")[0] for profile in profiles)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_limited_watched_and_open_to_this_machine_alone(name: str) -> None:
    service = SERVICES[name]
    assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert name in ONCE or "healthcheck" in service
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    for other, needed in service.get("depends_on", {}).items():
        ends = other in ONCE
        assert needed["condition"] == ("service_completed_successfully" if ends else "service_healthy")
        assert "profiles" not in SERVICES[other] or SERVICES[other]["profiles"] == service.get("profiles")


def test_every_password_comes_from_the_environment_file_which_has_none_itself() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert required == {"REDIS_PASSWORD", "CASSANDRA_PASSWORD", "GRAFANA_PASSWORD"}
    assert all(f"\n{name}=\n" in f"\n{example}" for name in required)
    for name in re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*)", TEXT):
        assert f"${{{name}:?" in TEXT


@pytest.mark.parametrize("name", [name for name in OURS if not name.startswith("spark")])
def test_our_services_run_commands_and_settings_that_exist(name: str) -> None:
    parsed(SERVICES[name]["command"])
    variables = [variable for variable in SERVICES[name]["environment"] if variable.startswith("MILLRACE_")]
    assert [variable for variable in variables if variable.removeprefix("MILLRACE_").lower() not in PLACES] == []


def test_prometheus_scrapes_services_at_ports_that_they_have() -> None:
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = [target for job in scraped["scrape_configs"] for target in job["static_configs"][0]["targets"]]
    assert targets == ["api:8080", f"speed:{SERVICES['speed']['environment']['MILLRACE_METRICS_PORT']}"]
    assert SERVICES["api"]["environment"]["MILLRACE_ALLOWED_HOSTS"] == "api"


def test_every_file_that_is_mounted_exists() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            if volume.startswith("./"):
                assert (ROOT / volume.split(":")[0]).exists(), volume


def test_the_image_has_stages_labels_and_an_unprivileged_user() -> None:
    stages = re.findall(r"^FROM (\S+) AS (\w+)$", DOCKERFILE, re.MULTILINE)
    assert [name for _, name in stages] == ["build", "base", "airflow", "millrace"]
    assert all(re.search(r":\d+\.\d+\.\d+-", image) for image, _ in stages if ":" in image)
    final = DOCKERFILE.split(" AS millrace\n")[1]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert "org.opencontainers.image.version" in final
    assert "HEALTHCHECK" in final
    assert {service["build"]["target"] for service in SERVICES.values() if "build" in service} == {
        "millrace",
        "airflow",
    }
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split() if not name.startswith("--"))


def test_compiled_code_is_copied_where_the_image_cannot_be_written(tmp_path: Path) -> None:
    text = (ROOT / "deploy/docker/entrypoint.sh").read_text(encoding="utf-8")
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "compiled").write_text("code")
    changed = text.replace("[ ! -w /opt/numba ]", "true").replace("/opt/numba", f"{tmp_path}/image")
    changed = changed.replace("/tmp/numba", f"{tmp_path}/copy").replace("exec millrace", "exec env echo")
    changed = changed.replace("exec env echo", f"ls {tmp_path}/copy; exec env echo $NUMBA_CACHE_DIR")
    done = subprocess.run(["sh", "-c", changed, "sh", "serve"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["compiled", f"{tmp_path}/copy", "serve"]
