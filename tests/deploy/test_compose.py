"""compose.yaml: whole, closed to the outside, and in line with what it mounts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from schemas.settings import Settings, declared_backbones
from tests.support.deployment import COMPOSE, DEPLOY, checked, documents
from tests.support.rooms import ROOT

SERVICES: dict[str, Any] = documents(COMPOSE)[0]["services"]


def test_it_is_what_the_specification_has() -> None:
    checked("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_the_service_is_built_from_our_file_and_waits_for_the_database() -> None:
    service = SERVICES["iturri"]
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert set(service["depends_on"]) <= set(SERVICES)
    assert set(SERVICES) == {"iturri", "database", "vllm", "prometheus", "grafana"}


def test_everything_that_is_mounted_is_there() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service["volumes"]]
    own = documents(COMPOSE)[0]["volumes"]
    for volume in mounted:
        source = volume.partition(":")[0]
        assert source in own or (DEPLOY / source).exists(), source


def test_nothing_is_reached_from_other_machines() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "ports" not in SERVICES["database"] and SERVICES["database"]["networks"] == ["inner"]
    assert documents(COMPOSE)[0]["networks"]["inner"] == {"internal": True}


def test_secrets_come_from_outside_and_must_be_set() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    lines = (DEPLOY / "compose" / "example.env").read_text(encoding="utf-8")
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", lines, re.MULTILINE))
    used = set(re.findall(r"\$\{([A-Z_]+)", text))
    assert used == set(example)
    must = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    assert must == {name for name in example if name.endswith(("_KEY", "_PASSWORD"))}
    assert not any(example[name] for name in must)


def test_the_backbone_that_it_declares_is_its_vllm_server() -> None:
    backbones = declared_backbones(Settings(backbones=DEPLOY / "compose" / "backbones.yaml"))
    (spec,) = backbones.values()
    assert spec.kind == "openai"
    assert spec.endpoints == ("http://vllm:8000/v1",)
    assert f"--served-model-name={spec.model}" in SERVICES["vllm"]["command"]
    assert str(spec.tokenizer) in SERVICES["vllm"]["command"][0]
    assert spec.api_key_env in SERVICES["iturri"]["environment"]
    assert spec.api_key_env in SERVICES["vllm"]["environment"]


def test_grafana_and_prometheus_find_what_they_are_given() -> None:
    provider = documents(DEPLOY / "grafana" / "provisioning" / "dashboards" / "iturri.yml")[0]["providers"][0]
    source = documents(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml")[0]["datasources"][0]
    inside = {volume.split(":")[1]: volume.split(":")[0] for volume in SERVICES["grafana"]["volumes"]}
    assert list((DEPLOY / inside[provider["options"]["path"]]).glob("*.json"))
    assert source["url"] == "http://prometheus:9090"
    config = documents(DEPLOY / "prometheus" / "prometheus.yml")[0]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert targets == {"iturri": ["iturri:8000"], "vllm": ["vllm:8000"]}
    assert all((DEPLOY / "prometheus" / Path(rules).name).is_file() for rules in config["rule_files"])
    (secret,) = SERVICES["prometheus"]["secrets"]
    assert config["scrape_configs"][0]["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
