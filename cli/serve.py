"""`iturri serve`."""

from __future__ import annotations

from pathlib import Path

from cli.machine import machine_settings
from cli.surroundings import log_to_stderr
from service.serving import serve


def run(host: str, port: int, backbones: Path | None) -> int:
    """Serve until a signal ends it."""
    settings = machine_settings(backbones)
    log_to_stderr(settings)
    serve(settings, host, port)
    return 0
