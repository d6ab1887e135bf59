"""A dataset on the Hub whose card names files of this machine, or an address, as its own."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.support.cli_command import iturri, one_line
from tests.support.hub_server import HubServer
from tests.support.hub_store import Commit, Repository


def test_it_is_refused_and_nothing_of_it_is_asked_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret.jsonl"
    secret.write_text(json.dumps({"text": "barruko testua " * 40}) + "\n", encoding="utf-8")
    with HubServer() as hub, socket.socket() as inside:
        inside.bind(("127.0.0.1", 0))
        inside.listen()
        inside.settimeout(0)
        variables = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.read_token, "HF_HUB_DISABLE_XET": "1"}
        for number, place in enumerate((str(secret), f"http://127.0.0.1:{inside.getsockname()[1]}/rows.jsonl")):
            card = f"---\nconfigs:\n- config_name: default\n  data_files: {place}\n---\n"
            repository = Repository(private=False)
            repository.commits.append(Commit("card", {**repository.files, "README.md": card.encode()}))
            hub.repositories[name := f"euskaltzaleak/proba-{number}"] = repository
            done = iturri("filter", name, "--language", "eu", cwd=tmp_path, HF_HOME=str(tmp_path / "hf"), **variables)
            assert done.returncode == 2, done.stdout
            assert f"{name}: its README.md names files that are not its own" in one_line(done.stderr)
        with pytest.raises(BlockingIOError):
            inside.accept()
