"""Dashboard, alert rules and Prometheus' configuration: what they name is what servers say."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.build import Progress
from schemas.funnel import Funnel, FunnelRow
from schemas.job import JobState
from service.metrics import Metrics, Standing
from tests.support.deployment import DEPLOY, documents
from tests.support.promql import grouped, selectors

PROMETHEUS = DEPLOY / "prometheus"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboards" / "iturri.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RULES: list[dict[str, Any]] = documents(PROMETHEUS / "alerts.yml")[0]["groups"][0]["rules"]
# What Prometheus adds to every series that it reads.
ADDED = {"instance", "job"}
WIDTH = 24


@cache
def exported() -> dict[str, set[str]]:
    """Every series of a server that has done a bit of everything, with its labels."""
    metrics = Metrics()
    row = {"mode": "magpie-eu", "exchange": 1, "drafts": 1, "prompt_tokens": 1, "completion_tokens": 1}
    rows = [FunnelRow(**row, gate=gate, reason=f"{gate}.x") for gate in ("accepted", "not_needed", "reply")]
    with metrics.build_run("latxa", "eu", "ane") as run:
        run.progress(Progress(Funnel(target=2, rows=tuple(rows)), 3, 4.0, None))
        metrics.job_ended("build", JobState.FAILED, 3.0)
        metrics.requests.labels("GET", "/", "200").inc()
        metrics.request_seconds.labels("GET", "/").observe(1)
        text, _ = metrics.text(Standing(True, {"latxa": True}, {("build", "queued"): 1}, 2.0, 3))
    series: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            series.setdefault(sample.name, set()).update(sample.labels)
    return series


def expressions() -> Iterator[tuple[str, str]]:
    """(where it stands, the expression) of the dashboard and the rules."""
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], re.sub(r"\$\w+", "5m", target["expr"])
    for rule in RULES:
        yield rule["alert"], rule["expr"]


def test_every_metric_that_is_named_is_exported_with_the_labels_that_are_asked_for() -> None:
    known = exported()
    for where, expression in expressions():
        read = list(selectors(expression))
        assert read, where
        for name, matched in read:
            if not name.startswith("vllm:"):
                assert name in known, f"{where}: {name}"
                assert matched <= known[name] | ADDED, f"{where}: {name}"
        ours = {label for name, _ in read for label in known.get(name, ADDED)}
        assert grouped(expression) <= ours | ADDED, where


def test_every_metric_of_ours_is_looked_at() -> None:
    """What nobody looks at is not worth counting."""
    looked_at = {re.sub(r"_(bucket|count|sum)$", "", name) for _, text in expressions() for name, _ in selectors(text)}
    ours = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported() if name.startswith("iturri_")}
    assert ours == {name for name in looked_at if name.startswith("iturri_")}


def test_metrics_of_vllm_exist_in_the_vllm_that_we_use() -> None:
    spec = importlib.util.find_spec("vllm")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("vLLM is not installed")
    source = Path(next(iter(spec.submodule_search_locations))) / "v1" / "metrics" / "loggers.py"
    there = set(re.findall(r"\"(vllm:\w+)\"", source.read_text(encoding="utf-8")))
    named = {name for _, text in expressions() for name, _ in selectors(text) if name.startswith("vllm:")}
    assert named and named <= there


def labels_of(expression: str) -> set[str]:
    """What the series have that the expression gives."""
    read = {label for name, _ in selectors(expression) for label in exported().get(name, ())}
    return grouped(expression) or read | ADDED


def test_labels_in_legends_and_texts_are_there() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            there = labels_of(target["expr"])
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= there, panel["title"]
    for rule in RULES:
        labels = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert labels <= labels_of(rule["expr"]), rule["alert"]


def test_rules_say_how_bad_it_is_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "description"}


def test_the_dashboard_can_be_laid_out() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        left, top, width, height = (panel["gridPos"][side] for side in "xywh")
        cells = {(x, y) for x in range(left, left + width) for y in range(top, top + height)}
        assert not cells & taken, panel["title"]
        assert all(x < WIDTH for x, _ in cells), panel["title"]
        taken |= cells
    variables = {one["name"] for one in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"])))
    assert used == {*variables, "__rate_interval"}


def test_expressions_parse() -> None:
    parser = pytest.importorskip("promql_parser", reason="promql-parser is not installed")
    for where, expression in expressions():
        assert parser.parse(expression), where


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "arguments", ["check config --syntax-only prometheus.yml", "check rules alerts.yml", "test rules alerts_test.yml"]
)
def test_promtool_finds_nothing(arguments: str) -> None:
    done = subprocess.run(
        ["promtool", *arguments.split()], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
