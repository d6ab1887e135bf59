"""vLLM's own server, for the tests that ask it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from generators.engine_guard import TOKEN_VARIABLE, sweep


@contextmanager
def vllm_server(log: Path, *arguments: str) -> Iterator[str]:
    """Its base URL, ending in /v1."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = f"test-server-{os.getpid()}-{port}"
    environment = {
        **os.environ,
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "SPT_NOENV": "1",
        TOKEN_VARIABLE: token,
    }
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *arguments]
    command += ["--enforce-eager", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        while not _healthy(address):
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
        yield f"{address}/v1"
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
        sweep(token, 30)


def _healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=5).is_success
    except httpx.TransportError:
        return False
