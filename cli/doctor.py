"""`iturri doctor`: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from cli import consoles
from cli.checks.backbones import check_backbones
from cli.checks.embedders import check_embedders
from cli.checks.finding import Finding, Level, problem
from cli.checks.hub import check_hub
from cli.checks.languages import check_languages
from cli.checks.servers import check_servers
from cli.checks.service import check_database, check_key, check_port
from cli.checks.software import check_python, check_vllm
from cli.checks.storage import check_storage
from cli.machine import machine_settings
from schemas.backbones import BackboneSpec
from schemas.errors import SettingsError
from schemas.settings import declared_backbones, declared_embedders

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def run(backbones: Path | None, port: int, as_json: bool) -> int:
    """Print one line per finding as it is found, or all as JSON. 1 when there is a problem, else 0."""
    findings = []
    for finding in _findings(backbones, port):
        findings.append(finding)
        if not as_json:
            _print(finding)
    healthy = not any(finding.level is Level.PROBLEM for finding in findings)
    if as_json:
        document = {"healthy": healthy, "findings": [finding.model_dump(mode="json") for finding in findings]}
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    return 0 if healthy else 1


def _findings(file: Path | None, port: int) -> Iterator[Finding]:
    yield from check_python()
    try:
        settings = machine_settings(file)
    except SettingsError as error:
        yield problem("settings", str(error), "set that variable to something valid, or unset it")
        return
    declared: dict[str, BackboneSpec] = {}
    broken: list[Finding] = []
    try:
        declared = declared_backbones(settings)
    except SettingsError as error:
        broken = [problem("backbones", str(error), "mend that file")]
    yield from check_vllm(declared)
    yield from broken or check_backbones(declared)
    if not broken:
        yield from check_embedders(declared_embedders(settings))
    yield from check_languages(settings)
    yield from check_storage(settings)
    yield from check_database(settings)
    yield from check_servers(settings)
    yield from check_port(port)
    yield from check_key(settings)
    yield from check_hub()


def _print(finding: Finding) -> None:
    line = Text(f"{finding.level.value:<8}", style=_STYLES[finding.level])
    line.append(f" {finding.subject}: ", style="bold")
    line.append(finding.text, style="default")
    if finding.cure is not None:
        line.append(f" -> {finding.cure}", style="default")
    consoles.out().print(line, soft_wrap=True)
