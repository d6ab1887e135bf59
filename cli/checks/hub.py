"""What publishing to the Hub needs. Nothing is asked of the network, and no token is shown."""

from __future__ import annotations

import importlib.util
import os
from importlib.metadata import version

from huggingface_hub import get_token

from cli.checks.finding import Finding, ok, warning

_OFF = {"", "0", "false", "no", "off"}


def check_hub() -> list[Finding]:
    """A token, and the fast way of uploading."""
    return [_token(), _transfer()]


def _token() -> Finding:
    if get_token() is None:
        return warning(
            "hub token", "none, so nothing can be published to the Hub", "set HF_TOKEN, or run `hf auth login`"
        )
    source = "HF_TOKEN" if os.environ.get("HF_TOKEN") else "the stored login"
    return ok("hub token", f"present, from {source}")


def _transfer() -> Finding:
    if importlib.util.find_spec("hf_xet") is None:
        return warning("hub transfer", "hf_xet is not installed; uploads use LFS", "pip install hf-xet")
    if os.environ.get("HF_HUB_DISABLE_XET", "").lower() not in _OFF:
        return ok("hub transfer", "LFS, since HF_HUB_DISABLE_XET is set")
    return ok("hub transfer", f"hf_xet {version('hf-xet')}")
