"""The Hub's client, pointed at the tests' Hub in this process: what is read there in the test's own process."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest
from huggingface_hub import HfApi, constants

from tests.support.hub_server import HubServer


def read_from(hub: HubServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT, HF_HOME and HF_HUB_DISABLE_XET set when the libraries are imported."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.endpoint)
    monkeypatch.setattr(datasets.config, "HF_MODULES_CACHE", home / "modules")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", home / "datasets")
    monkeypatch.setenv("HF_TOKEN", hub.read_token)


def upload(hub: HubServer, repo: str, folder: Path) -> str:
    """A dataset of others, put there by the client; returns its commit."""
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    api.create_repo(repo, repo_type="dataset", exist_ok=True)
    return api.upload_folder(repo_id=repo, repo_type="dataset", folder_path=folder).oid
