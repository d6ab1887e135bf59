"""Which files of this machine decide whether data are prepared anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.training import TrainingData
from training.stamps import stamps


def _names(source: Path | str) -> set[str]:
    found = stamps(TrainingData.model_validate({"held_out": [{"source": str(source)}], "conversations": [_HUB]}))
    return {Path(path).name for path in found}


_HUB = {"source": "namespace/name"}


def test_of_a_folder_data_manifest_and_card_have_stamps_and_what_a_link_leads_to(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "own", tmp_path / "elsewhere"
    for path in ("data/a.parquet", "manifest.json", "README.md", "state.sqlite", ".cache/b.parquet"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")
    elsewhere.mkdir()
    (elsewhere / "c.jsonl").write_bytes(b"x")
    (folder / "more").symlink_to(elsewhere)
    assert _names(folder) == {"a.parquet", "manifest.json", "README.md", "c.jsonl"}


def test_files_and_globs_have_stamps_and_sources_of_the_hub_none(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl", "c.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert _names(tmp_path / "c.txt") == {"c.txt"}
    assert _names(tmp_path / "*.jsonl") == {"a.jsonl", "b.jsonl"}
    assert _names("another/name") == _names(tmp_path / "none.txt") == _names("x" * 5000) == set()


def test_a_relative_source_is_another_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_bytes(b"x")
        monkeypatch.chdir(tmp_path / name)
        found += stamps(TrainingData.model_validate({"corpus": [{"source": "a.txt", "language": "eu"}]}))
    assert found == [str(tmp_path / name / "a.txt") for name in ("one", "two")]
