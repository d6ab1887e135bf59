"""A folder's revision changes with everything that makes the model, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from generators import revision
from generators.revision import folder_revision


def model(folder: Path, weights: bytes = b"weights") -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_the_same_files_have_the_same_revision_wherever_they_lie(tmp_path: Path) -> None:
    one, other = model(tmp_path / "one"), model(tmp_path / "other")
    (other / "notes.md").write_text("not part of the model", encoding="utf-8")
    assert folder_revision(one) == folder_revision(other)


def test_weights_config_and_names_count(tmp_path: Path) -> None:
    base = folder_revision(model(tmp_path / "base"))
    assert folder_revision(model(tmp_path / "weights", b"weightz")) != base
    config, renamed = model(tmp_path / "config"), model(tmp_path / "renamed")
    (config / "config.json").write_text("[]", encoding="utf-8")
    (renamed / "model.safetensors").rename(renamed / "other.safetensors")
    assert len({base, folder_revision(config), folder_revision(renamed)}) == 3


def test_of_large_files_size_and_ends_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revision, "_WHOLE", 10)
    monkeypatch.setattr(revision, "_END", 2)
    base = folder_revision(model(tmp_path / "base", b"ab" + b"-" * 20 + b"yz"))
    assert folder_revision(model(tmp_path / "start", b"xb" + b"-" * 20 + b"yz")) != base
    assert folder_revision(model(tmp_path / "end", b"ab" + b"-" * 20 + b"yx")) != base
    assert folder_revision(model(tmp_path / "size", b"ab" + b"-" * 21 + b"yz")) != base
