"""Declared backbones: models have a tokenizer and a chat template, servers answer and know the model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx

from cli.checks.finding import Finding, ok, problem, warning
from cli.checks.probe import ProbeError, probe
from generators.one_line import one_line
from schemas.recipe import BackboneSpec, OpenAIBackbone, VllmBackbone

_TIMEOUT_S = 5.0

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


def _endpoint(subject: str, endpoint: str, spec: OpenAIBackbone) -> Finding:
    """The server answers `/models`, knows the model, and says whether it is vLLM."""
    try:
        owners = _models(endpoint, spec.api_key_env)
    except _EndpointError as error:
        return problem(subject, str(error), error.cure)
    if spec.model not in owners:
        known = ", ".join(sorted(owners)) or "none"
        return problem(subject, f"{endpoint} does not know the model {spec.model!r}; known: {known}", "mend model")
    if owners[spec.model] == "vllm":
        return ok(subject, f"{endpoint} is a vLLM server: token ids in full")
    return warning(subject, f"{endpoint} is no vLLM server: text only", "use vLLM's server for exact token ids")


class _EndpointError(Exception):
    def __init__(self, text: str, cure: str) -> None:
        super().__init__(text)
        self.cure = cure


def _models(endpoint: str, api_key_env: str | None) -> dict[str, str]:
    """The server's models, with their `owned_by`: vLLM's own server says `vllm` there. Raises _EndpointError."""
    headers = {}
    if api_key_env is not None:
        key = os.environ.get(api_key_env)
        if not key:
            raise _EndpointError(f"{api_key_env} is not set", f"set {api_key_env} to the servers' key")
        headers["Authorization"] = f"Bearer {key}"
    try:
        response = httpx.get(f"{endpoint}/models", headers=headers, timeout=_TIMEOUT_S)
        response.raise_for_status()
        return {str(model["id"]): str(model.get("owned_by")) for model in response.json()["data"]}
    except httpx.HTTPStatusError as error:
        cure = f"check {api_key_env or 'api_key_env'} and the address"
        raise _EndpointError(f"{endpoint} answers {error.response.status_code}", cure) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        text = f"{endpoint} cannot be reached: {one_line(error)}"
        raise _EndpointError(text, "start the server, or mend endpoints") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _EndpointError(f"{endpoint} is no OpenAI-compatible server", "endpoints end in /v1") from error
