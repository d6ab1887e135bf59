"""What models are called where others read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.shown_name import shown_name


def test_a_folder_is_called_by_its_last_part_and_a_result_by_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("group/model-8b", "runs/proba/model", "runs/proba/adapter"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert shown_name("group/model-8b") == "model-8b", "a folder, though it looks like a name on the Hub"
    assert shown_name("runs/proba/model") == shown_name(str(tmp_path / "runs/proba/adapter")) == "proba"
    assert shown_name("group/other-8b") == "group/other-8b"
    monkeypatch.chdir(tmp_path / "runs/proba/model")
    assert shown_name(".") == "proba"
