"""Declared backbones: models have a tokenizer and a chat template, servers answer and know the model."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from cli.checks.finding import Finding, ok, problem, warning
from cli.checks.probe import ProbeError, probe
from generators.endpoint import ContextFullError, Endpoint, RefusedError, open_session
from generators.model_probe import Identity, identify
from generators.one_line import one_line
from generators.retries import Retry
from schemas.backbones import BackboneSpec, OpenAIBackbone, VllmBackbone

# transformers pulls torch in, which may be broken; the doctor must outlive that. One import serves all tokenizers.
_TEMPLATES = """
from generators.chat_template import load_template
from schemas.errors import IturriError

def tried(tokenizer, revision):
    try:
        template = load_template(tokenizer, revision)
    except IturriError as error:
        return {"error": str(error)}
    return {"stops": len(template.stop_token_ids), "system": template.has_system_role}

answer([tried(*tokenizer) for tokenizer in json.loads(sys.argv[1])])
"""

_PATIENCE_S = 20.0
# Ids that every vocabulary has; a build asks with a text.
_PROMPT = list(range(10, 34))

_Tokenizer = tuple[str, str | None]
"""A folder or a name on the Hub, and its revision."""


def check_backbones(backbones: dict[str, BackboneSpec]) -> list[Finding]:
    """Every declared backbone."""
    if not backbones:
        cure = "declare backbones in a YAML file and name it in ITURRI_BACKBONES"
        return [warning("backbones", "none is declared; recipes must describe their own", cure)]
    findings = _templates({name: _tokenizer(spec) for name, spec in backbones.items()})
    for name, spec in backbones.items():
        if isinstance(spec, OpenAIBackbone):
            findings += [_endpoint(f"backbone {name}", endpoint, spec) for endpoint in spec.endpoints]
    return sorted(findings, key=lambda finding: finding.subject)


def _tokenizer(spec: BackboneSpec) -> _Tokenizer | None:
    if isinstance(spec, VllmBackbone):
        revision = spec.engine_args.get("tokenizer_revision") or spec.revision
        return str(spec.engine_args.get("tokenizer") or spec.model), revision
    if isinstance(spec, OpenAIBackbone):
        return spec.tokenizer or spec.model, None
    return None


def _templates(tokenizers: dict[str, _Tokenizer | None]) -> list[Finding]:
    """The tokenizer and chat template of each backbone, in folders or in the Hub's cache; nothing is downloaded."""
    findings = [
        ok(f"backbone {name}", "scripted: it samples nothing, for tests")
        for name, tokenizer in tokenizers.items()
        if tokenizer is None
    ]
    wanted = {name: tokenizer for name, tokenizer in tokenizers.items() if tokenizer is not None}
    if not wanted:
        return findings
    try:
        answers = probe(_TEMPLATES, json.dumps(list(wanted.values())), offline=True)
    except ProbeError as error:
        text = f"the tokenizer could not be tried: {error}"
        return findings + [problem(f"backbone {name}", text, "reinstall transformers and torch") for name in wanted]
    for (name, (tokenizer, _)), answer in zip(wanted.items(), answers, strict=True):
        findings.append(_template(f"backbone {name}", tokenizer, answer))
    return findings


def _template(subject: str, tokenizer: str, found: dict[str, Any]) -> Finding:
    if "error" not in found:
        role = "with" if found["system"] else "without"
        return ok(subject, f"{tokenizer}: chat template {role} a system role, {found['stops']} stop token(s)")
    path = Path(tokenizer)
    if path.is_dir():
        return problem(subject, found["error"], "use a folder with an instruction-tuned model and its tokenizer")
    if path.is_absolute() or tokenizer.startswith("."):
        return problem(subject, f"{tokenizer}: no such folder", "mend the path in the backbones' file")
    return warning(
        subject, f"{tokenizer} is not on this machine: {found['error']}", "it is downloaded from the Hub at first use"
    )


def _endpoint(subject: str, url: str, spec: OpenAIBackbone) -> Finding:
    """The server answers, samples the model, and says whether it is vLLM."""
    key = os.environ.get(spec.api_key_env) if spec.api_key_env else None
    if spec.api_key_env and not key:
        return problem(subject, f"{spec.api_key_env} is not set", f"set {spec.api_key_env} to the servers' key")
    try:
        endpoint, identity = asyncio.run(_asked(url, spec.model, key))
    except (Retry, RefusedError, ContextFullError, TimeoutError) as error:
        said = one_line(error)
        trouble = said if url in said else f"{url} does not answer: {said}"
        return problem(subject, trouble, "start the server, or mend this backbone's declaration")
    probed = {"log_probabilities", "first"} & identity.keys()
    seen = "another model is seen by log-probabilities" if probed else "another model is seen by what the server says"
    if endpoint.is_vllm:
        return ok(subject, f"{url} is a vLLM server: token ids in full, turns are watched, {seen}")
    text = f"{url} is no vLLM server: text only, turns are not watched, {seen}"
    return warning(subject, text, "use vLLM's server for exact stops and watched turns")


async def _asked(url: str, model: str, key: str | None) -> tuple[Endpoint, Identity]:
    """The server, and what it says of the model."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with asyncio.timeout(_PATIENCE_S), open_session(headers) as session:
        endpoint = Endpoint(url, session)
        return endpoint, await identify(endpoint, model, _PROMPT)
