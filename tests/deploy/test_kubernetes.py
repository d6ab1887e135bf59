"""The Kubernetes manifests: valid, complete, and as closed as the strictest of the Pod Security Standards."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.settings import Settings, declared_backbones
from tests.support.deployment import KUBERNETES, checked, documents, manifests

KUSTOMIZATION = documents(KUBERNETES / "kustomization.yaml")[0]
# The oldest one that is still maintained, and the newest one that the schemas know.
VERSIONS = ("1.33", "1.37")


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in manifests() if one["kind"] == kind}


def pods() -> dict[str, dict[str, Any]]:
    return {name: one["spec"]["template"]["spec"] for name, one in of_kind("Deployment").items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_they_are_what_kubernetes_has(version: str) -> None:
    files = [file for file in sorted(KUBERNETES.glob("*.yaml")) if file.name != "kustomization.yaml"]
    checked("kubernetes-validate", "--strict", "--version", version, *files)


def test_all_are_applied_but_the_example_of_a_secret() -> None:
    there = {file.name for file in KUBERNETES.glob("*.yaml")}
    assert {*KUSTOMIZATION["resources"], "kustomization.yaml", "secret.example.yaml"} == there
    assert set(of_kind("Secret")) == {"iturri"}
    assert KUSTOMIZATION["namespace"] in of_kind("Namespace")
    images = {image["name"] for image in KUSTOMIZATION["images"]}
    assert images == {"iturri"} == {pods()["iturri"]["containers"][0]["image"]}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_puts_them_together() -> None:
    done = subprocess.run(["kubectl", "kustomize", KUBERNETES], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    made = list(yaml.safe_load_all(done.stdout))
    assert len(made) == len(manifests()) - len(of_kind("Secret"))
    assert {one["metadata"].get("namespace", KUSTOMIZATION["namespace"]) for one in made} == {"iturri"}
    (image,) = KUSTOMIZATION["images"]
    assert f"image: {image['newName']}:{image['newTag']}\n" in done.stdout


def test_two_replicas_share_one_folder_of_builds() -> None:
    deployment = of_kind("Deployment")["iturri"]["spec"]
    assert deployment["replicas"] == 2
    (container,) = pods()["iturri"]["containers"]
    settings = {one["name"]: one.get("value") for one in container["env"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    shared = next(one for one in pods()["iturri"]["volumes"] if one["name"] == "shared")
    claim = of_kind("PersistentVolumeClaim")[shared["persistentVolumeClaim"]["claimName"]]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for name in ("ITURRI_BUILDS", "ITURRI_PUBLICATIONS"):
        assert Path(str(settings[name])).is_relative_to(mounts["shared"])
    assert of_kind("PodDisruptionBudget")["iturri"]["spec"]["maxUnavailable"] < deployment["replicas"]


def test_what_is_referred_to_exists() -> None:
    secret = of_kind("Secret")["iturri"]["stringData"]
    for name, pod in pods().items():
        assert pod["serviceAccountName"] in of_kind("ServiceAccount")
        (container,) = pod["containers"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
        for volume in volumes.values():
            if "configMap" in volume:
                assert volume["configMap"]["name"] in of_kind("ConfigMap")
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in of_kind("PersistentVolumeClaim")
        references = [one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one]
        assert references
        assert {reference["key"] for reference in references} <= set(secret)
        ports = {port["name"] for port in container["ports"]}
        service = of_kind("Service")[name]["spec"]
        assert service["ports"][0]["targetPort"] in ports
        labels = of_kind("Deployment")[name]["spec"]["template"]["metadata"]["labels"]
        assert service["selector"].items() <= labels.items()


def test_pods_are_restricted() -> None:
    labels = of_kind("Namespace")["iturri"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pods().values():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in container["resources"]["limits"]
        assert not any("hostPath" in volume for volume in pod["volumes"])


def test_health_is_asked_where_it_is_told() -> None:
    (service,) = pods()["iturri"]["containers"]
    assert service["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert service["livenessProbe"]["httpGet"]["path"] == service["startupProbe"]["httpGet"]["path"] == "/healthz"
    (engine,) = pods()["vllm"]["containers"]
    assert all(engine[f"{kind}Probe"]["httpGet"]["path"] == "/health" for kind in ("startup", "liveness", "readiness"))


def test_nobody_talks_to_anybody_who_is_not_named() -> None:
    policies = of_kind("NetworkPolicy")
    closed = policies["nobody"]["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    engine = policies["vllm"]["spec"]
    assert engine["podSelector"]["matchLabels"].items() <= of_kind("Deployment")["vllm"]["metadata"]["labels"].items()
    senders = [one for rule in engine["ingress"] for one in rule["from"]]
    assert {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "iturri"}}} in senders
    for policy in policies.values():
        for rule in policy["spec"].get("egress", ()):
            for block in (one["ipBlock"] for one in rule["to"] if "ipBlock" in one):
                assert "169.254.0.0/16" in block["except"]


def test_the_backbone_that_is_declared_is_the_engine(tmp_path: Path) -> None:
    (text,) = of_kind("ConfigMap")["backbones"]["data"].values()
    file = tmp_path / "backbones.yaml"
    file.write_text(text, encoding="utf-8")
    (spec,) = declared_backbones(Settings(backbones=file)).values()
    assert spec.kind == "openai"
    assert spec.endpoints == ("http://vllm:8000/v1",)
    (engine,) = pods()["vllm"]["containers"]
    assert {f"--served-model-name={spec.model}", f"--model={spec.tokenizer}"} <= set(engine["args"])
    for name in ("iturri", "vllm"):
        assert str(spec.api_key_env) in yaml.safe_dump(pods()[name]["containers"][0]["env"])
