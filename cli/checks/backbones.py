"""Declared backbones: models have a tokenizer and a chat template, servers answer and know the model."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx

from cli.checks.finding import Finding, ok, problem, warning
from cli.checks.probe import ProbeError, probe
from generators.endpoint import Endpoint
from schemas.recipe import BackboneSpec, OpenAIBackbone, VllmBackbone

# transformers pulls torch in, which may be broken; the doctor must outlive that.
_TEMPLATE = """
from generators.chat_template import load_template
from schemas.errors import IturriError
try:
    template = load_template(sys.argv[1], sys.argv[2] or None)
    answer({"stops": len(template.stop_token_ids), "system": template.has_system_role})
except IturriError as error:
    answer({"error": str(error)})
"""


def check_backbones(backbones: dict[str, BackboneSpec]) -> list[Finding]:
    """Every declared backbone."""
    if not backbones:
        cure = "declare backbones in a YAML file and name it in ITURRI_BACKBONES"
        return [warning("backbones", "none is declared; recipes must describe their own", cure)]
    return [finding for name, spec in sorted(backbones.items()) for finding in check_backbone(name, spec)]


def check_backbone(name: str, spec: BackboneSpec) -> list[Finding]:
    """One backbone."""
    subject = f"backbone {name}"
    if isinstance(spec, VllmBackbone):
        return [_template(subject, str(spec.engine_args.get("tokenizer") or spec.model), spec.revision)]
    if isinstance(spec, OpenAIBackbone):
        servers = [_endpoint(subject, endpoint, spec) for endpoint in spec.endpoints]
        return [_template(subject, spec.tokenizer or spec.model, None), *servers]
    return [ok(subject, "scripted: it samples nothing, for tests")]


def _template(subject: str, tokenizer: str, revision: str | None) -> Finding:
    """A folder's tokenizer and chat template, or those of the Hub's cache; nothing is downloaded."""
    local = Path(tokenizer).is_dir()
    try:
        found: dict[str, Any] = probe(_TEMPLATE, tokenizer, revision or "", offline=True)
    except ProbeError as error:
        return problem(subject, f"the tokenizer could not be tried: {error}", "reinstall transformers and torch")
    if "error" not in found:
        role = "with" if found["system"] else "without"
        return ok(subject, f"{tokenizer}: chat template {role} a system role, {found['stops']} stop token(s)")
    if local:
        return problem(subject, found["error"], "use a folder with an instruction-tuned model and its tokenizer")
    if Path(tokenizer).is_absolute() or tokenizer.startswith("."):
        return problem(subject, f"{tokenizer}: no such folder", "mend the path in the backbones' file")
    return warning(
        subject, f"{tokenizer} is not on this machine: {found['error']}", "it is downloaded from the Hub at first use"
    )


def _endpoint(subject: str, url: str, spec: OpenAIBackbone) -> Finding:
    """The server answers, knows the model, and says whether it is vLLM."""
    key = os.environ.get(spec.api_key_env) if spec.api_key_env else None
    if spec.api_key_env and not key:
        return problem(subject, f"{spec.api_key_env} is not set", f"set {spec.api_key_env} to the servers' key")
    endpoint, trouble = asyncio.run(_asked(url, spec.model, key))
    if trouble is not None:
        return problem(subject, trouble, "start the server, or mend this backbone's declaration")
    if endpoint.is_vllm:
        return ok(subject, f"{url} is a vLLM server: token ids in full")
    return warning(subject, f"{url} is no vLLM server: text only", "use vLLM's server for exact token ids")


async def _asked(url: str, model: str, key: str | None) -> tuple[Endpoint, str | None]:
    """The server, and what keeps it from being used."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(headers=headers) as client:
        endpoint = Endpoint(url, client)
        return endpoint, await endpoint.probe(model)
