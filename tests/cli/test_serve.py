"""`iturri serve`, as far as the command goes; the service has tests of its own."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import httpx

from tests.support.cli_command import PATIENCE_S, ROOT, iturri, one_line, start

BACKBONES = ROOT / "demo" / "backbones.yaml"


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = iturri("serve", "--port", port, "--backbones", BACKBONES, cwd=tmp_path)
    assert done.returncode == 2
    assert f"port {port} is in use" in one_line(done.stderr)


def test_it_answers_until_sigterm(tmp_path: Path) -> None:
    process = start("serve", "--port", "0", cwd=tmp_path)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if address := re.search(r"http://\S+", line):
            break
    else:
        raise AssertionError("".join(said))
    assert httpx.get(f"{address[0]}/healthz", timeout=PATIENCE_S).status_code == 200
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert "Traceback" not in "".join(said) + rest
