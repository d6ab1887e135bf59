"""An S3 server of a process of its own (moto), for publications to a bucket."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "proba", "AWS_SECRET_ACCESS_KEY": "proba", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class BucketServer:
    """`environment` is what a client needs to find it."""

    endpoint: str
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**ENVIRONMENT, "AWS_ENDPOINT_URL": self.endpoint}

    def requests(self) -> list[str]:
        """ "METHOD /bucket/key" of what it was asked so far."""
        return re.findall(r'"(?:\x1b\[\d+m)*((?:GET|HEAD|PUT|POST|DELETE) /[^ ?]*)', self.log.read_text())


@contextmanager
def bucket_server(log: Path) -> Iterator[BucketServer]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=output,
            stderr=output,
            env={**os.environ, **ENVIRONMENT},
        )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        while not _answers(endpoint):
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        yield BucketServer(endpoint, log)
    finally:
        server.kill()
        server.wait()


def _answers(endpoint: str) -> bool:
    try:
        return httpx.get(f"{endpoint}/moto-api/", timeout=5).is_success
    except httpx.TransportError:
        return False
