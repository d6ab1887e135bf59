"""Checkpoints: one is taken for whole when everything of it is on disk, whenever a kill comes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from training import checkpoints


def written(folder: Path, step: int, *, whole: bool = True) -> Path:
    path = folder / f"checkpoint-{step}"
    (path / "more").mkdir(parents=True)
    for name in ("model.safetensors", "more/optimizer.pt"):
        (path / name).write_text(str(step))
    if whole:
        (path / "whole").touch()
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_without_checkpoints_there_is_no_newest(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path) is None
    assert checkpoints.newest(tmp_path / "missing") is None


def test_the_newest_is_the_one_of_the_highest_step_and_not_of_the_last_name(tmp_path: Path) -> None:
    for step in (9, 100, 20):
        written(tmp_path, step)
    newest = checkpoints.newest(tmp_path)
    assert newest is not None and checkpoints.step_of(newest) == 100


def test_a_checkpoint_without_its_mark_is_removed_and_the_whole_one_before_it_taken(tmp_path: Path) -> None:
    whole = written(tmp_path, 5)
    written(tmp_path, 10, whole=False)
    assert checkpoints.newest(tmp_path) == whole
    assert names(tmp_path) == ["checkpoint-5"]


def test_sealing_marks_and_keeps_as_many_as_are_wanted(tmp_path: Path) -> None:
    for step in (5, 10, 15):
        written(tmp_path, step)
    checkpoints.seal(written(tmp_path, 20, whole=False), keep=2)
    assert names(tmp_path) == ["checkpoint-15", "checkpoint-20"]
    assert (tmp_path / "checkpoint-20" / "whole").is_file()


def test_with_one_to_keep_the_earlier_goes_only_when_the_new_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, 5)
    new = written(tmp_path, 10, whole=False)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "_sync", _refuse)
        with pytest.raises(OSError, match="no space"):
            checkpoints.seal(new, keep=1)
    assert checkpoints.newest(tmp_path) == tmp_path / "checkpoint-5"
    checkpoints.seal(written(tmp_path, 10, whole=False), keep=1)
    assert names(tmp_path) == ["checkpoint-10"]


def test_a_kill_while_an_old_one_is_removed_does_not_leave_half_of_it_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, 5)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", _killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.seal(written(tmp_path, 10, whole=False), keep=1)
    assert (tmp_path / "checkpoint-5" / "model.safetensors").exists()
    shutil.rmtree(tmp_path / "checkpoint-10")  # whatever becomes of the newer one, half of the older is not taken
    assert checkpoints.newest(tmp_path) is None


def test_everything_is_on_disk_before_the_mark_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = written(tmp_path, 10, whole=False)
    before: list[str] = []

    def sync(path: Path) -> None:
        if not (new / "whole").exists():
            before.append(path.name)

    monkeypatch.setattr(checkpoints, "_sync", sync)
    checkpoints.seal(new, keep=1)
    assert sorted(before) == ["model.safetensors", "optimizer.pt"]


def _refuse(path: Path) -> None:
    raise OSError(28, f"no space for {path.name}")


def _killed(path: Path) -> None:
    raise KeyboardInterrupt(path.name)
