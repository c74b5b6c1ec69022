"""The Kubernetes manifests: valid by Kubernetes' own schemas, and each object refers to what is there."""

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from adapters.settings import load_settings
from tests.kit.places import ROOT
from tests.unit.deploy.commands import parsed

FOLDER = ROOT / "deploy" / "kubernetes"
KUBERNETES = "1.34"


def objects() -> list[dict[str, Any]]:
    """All objects of the base, as they are written."""
    names = yaml.safe_load((FOLDER / "base/kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    texts = [(FOLDER / "base" / name).read_text(encoding="utf-8") for name in names]
    return [document for text in texts for document in yaml.safe_load_all(text)]


OBJECTS = objects()
BY_KIND: dict[str, list[dict[str, Any]]] = {}
for _object in OBJECTS:
    BY_KIND.setdefault(_object["kind"], []).append(_object)


def pods() -> list[dict[str, Any]]:
    """The specifications of all pods."""
    templates = [made["spec"]["template"] for made in BY_KIND["Deployment"]]
    templates += [made["spec"]["jobTemplate"]["spec"]["template"] for made in BY_KIND["CronJob"]]
    return [template["spec"] for template in templates]


@pytest.mark.parametrize("made", OBJECTS, ids=lambda made: f"{made['kind']}-{made['metadata']['name']}")
def test_an_object_is_what_kubernetes_takes(made: dict[str, Any]) -> None:
    kubernetes_validate.validate(made, KUBERNETES, strict=True)


def test_a_planted_fault_is_seen() -> None:
    speed = yaml.safe_load((FOLDER / "base/speed.yaml").read_text(encoding="utf-8"))
    speed["spec"]["replicas"] = "two"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(speed, KUBERNETES, strict=True)


def test_kustomize_builds_an_installation_whose_objects_are_valid(tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH: the objects were checked as they are written")
    shutil.copytree(FOLDER, tmp_path / "kubernetes")
    example = tmp_path / "kubernetes/example"
    shutil.copy(example / "logins.env.example", example / "logins.env")
    command = ["kubectl", "kustomize", str(example)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    for made in built:
        kubernetes_validate.validate(made, KUBERNETES, strict=True)
        assert made["kind"] == "Namespace" or made["metadata"]["namespace"] == "millrace"
    assert {made["kind"] for made in built} >= {"Secret", "ConfigMap", "Deployment", "CronJob", "NetworkPolicy"}
    assert "image: registry.example/millrace:0.1.0" in done.stdout


def test_there_is_one_speed_layer_and_two_never_overlap() -> None:
    (speed,) = [made for made in BY_KIND["Deployment"] if made["metadata"]["name"] == "millrace-speed"]
    assert (speed["spec"]["replicas"], speed["spec"]["strategy"]) == (1, {"type": "Recreate"})
    assert all(made["spec"]["concurrencyPolicy"] == "Forbid" for made in BY_KIND["CronJob"])


def test_the_api_scales_and_keeps_some_during_disruptions() -> None:
    (scaler,), (budget,) = BY_KIND["HorizontalPodAutoscaler"], BY_KIND["PodDisruptionBudget"]
    (api,) = [made for made in BY_KIND["Deployment"] if made["metadata"]["name"] == "millrace-api"]
    assert "replicas" not in api["spec"]  # it would undo what the scaler did at each apply
    assert scaler["spec"]["scaleTargetRef"]["name"] == api["metadata"]["name"]
    assert scaler["spec"]["minReplicas"] >= 2
    assert budget["spec"]["selector"] == api["spec"]["selector"]
    (container,) = api["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"


@pytest.mark.parametrize("pod", pods(), ids=lambda pod: pod["containers"][0]["args"][0])
def test_a_pod_has_no_rights_and_runs_a_command_that_exists(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    parsed(container["args"])
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert not pod["enableServiceLinks"]  # its variables would be taken for settings
    rights = container["securityContext"]
    assert rights == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_the_network_lets_in_what_is_named_and_nothing_else() -> None:
    policies = {made["metadata"]["name"]: made["spec"] for made in BY_KIND["NetworkPolicy"]}
    nothing = policies["millrace-nothing-else"]
    assert set(nothing["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in nothing
    assert "egress" not in nothing
    (expression,) = nothing["podSelector"]["matchExpressions"]
    names = {made["metadata"]["name"] for kind in ("Deployment", "CronJob") for made in BY_KIND[kind]}
    assert set(expression["values"]) == names
    ports = {p["name"] for pod in pods() for p in pod["containers"][0].get("ports", [])}
    opened = {port["port"] for spec in policies.values() for rule in spec.get("ingress", []) for port in rule["ports"]}
    assert opened == ports


def test_the_settings_are_ones_that_millrace_takes() -> None:
    file = FOLDER / "base/millrace.toml"
    settings = load_settings({"MILLRACE_CONFIG": str(file)})
    assert settings.metrics.port == 9100
    assert "://" not in tomllib.loads(file.read_text(encoding="utf-8"))["log"]["kafka"]
    logins = (FOLDER / "example/logins.env.example").read_text(encoding="utf-8").split()
    assert load_settings(dict(line.split("=", 1) for line in logins)).stores.batch_views.scheme == "cassandra"
