"""What a build that stands still has accepted is sealed, so that it can be published; and it can go on afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline import sealing
from pipeline.build import Outcome
from pipeline.directory import BuildDirectory
from pipeline.ledger import Ledger
from pipeline.reader import BuildReader
from pipeline.sealing import seal_what_is_there
from publishers.local import publish_to_folder
from publishers.manifest import read_manifest
from publishers.shard import read_shard, write_shard
from schemas.backbones import ScriptedBackbone
from schemas.errors import BuildDirectoryError, BuildError, EpochLostError
from schemas.manifest import Manifest
from schemas.recipe import Recipe
from tests.support.builds import recipe, run

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.pipeline.test_sealing import slow
from tests.support.builds import run

if __name__ == "__main__":
    asyncio.run(run(slow(), Path(sys.argv[1])))
"""


def slow(target: int = 400, shard_rows: int = 1000) -> Recipe:
    """A recipe that takes a while; no shard of it is full before its end."""
    scripted = recipe().backbone
    assert isinstance(scripted, ScriptedBackbone)
    slowed = scripted.model_copy(update={"delay_s": 0.02})
    return recipe(backbone=slowed, target={"conversations": target}, output={"shard_rows": shard_rows})


def ids(directory: Path, manifest: Manifest) -> list[str]:
    return [row.id for shard in manifest.shards for row in read_shard(directory / shard.path)]


def written(directory: Path) -> dict[Path, int]:
    """When what a build keeps was last written, in nanoseconds; readers of a ledger make files beside it."""
    kept = (path for path in directory.rglob("*") if path.suffix in (".sqlite", ".json", ".parquet"))
    return {path: path.stat().st_mtime_ns for path in kept}


async def stopped(directory: Path, wanted: Recipe, rows: int) -> None:
    """Run the build until it has accepted so many rows, and stop it."""
    stop = asyncio.Event()
    seen = asyncio.create_task(run(wanted, directory, stop=stop))
    while not (directory / "recipe.json").exists() or BuildReader(directory).rows() < rows:
        assert not seen.done(), seen.result()
        await asyncio.sleep(0.02)
    stop.set()
    assert (await seen).outcome is Outcome.STOPPED


async def test_a_stopped_build_is_sealed_and_goes_on_to_its_target(tmp_path: Path) -> None:
    await stopped(tmp_path, slow(shard_rows=5), 7)
    rows = BuildReader(tmp_path).rows()
    sealed = seal_what_is_there(tmp_path)
    assert not sealed.complete
    assert sealed == read_manifest(tmp_path)
    assert len(set(ids(tmp_path, sealed))) == sealed.rows == sealed.funnel.accepted == rows
    before = {shard.path: (tmp_path / shard.path).read_bytes() for shard in sealed.shards}

    finished = await run(recipe(target={"conversations": 60}, output={"shard_rows": 5}), tmp_path)
    assert finished.manifest.complete
    assert finished.manifest.shards[: len(sealed.shards)] == sealed.shards, "short shards stay as they are"
    assert {path: (tmp_path / path).read_bytes() for path in before} == before
    assert len(set(ids(tmp_path, finished.manifest))) == finished.manifest.rows == 60


async def test_sealing_again_writes_nothing(tmp_path: Path) -> None:
    await stopped(tmp_path, slow(), 3)
    sealed = seal_what_is_there(tmp_path)
    files = written(tmp_path)
    with FileLock(tmp_path / "build.lock"):  # not even the lock is needed
        assert seal_what_is_there(tmp_path) == sealed
    assert written(tmp_path) == files


async def test_a_finished_build_is_left_alone(tmp_path: Path) -> None:
    done = await run(recipe(), tmp_path)
    assert seal_what_is_there(tmp_path) == done.manifest
    assert done.manifest.complete


def test_a_killed_build_that_had_sealed_nothing_is_published_and_goes_on(tmp_path: Path) -> None:
    directory, published = tmp_path / "build", tmp_path / "published"
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    process = subprocess.Popen([sys.executable, str(tmp_path / "program.py"), str(directory)], env=environment)
    deadline = time.monotonic() + 60
    while not (directory / "recipe.json").exists() or BuildReader(directory).rows() < 5:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert BuildReader(directory).manifest() is None

    sealed = seal_what_is_there(directory)
    publish_to_folder(directory, published)
    there = read_manifest(published)
    assert not there.complete
    rows = ids(published, there)
    assert len(set(rows)) == there.rows == sealed.rows >= 5
    assert (there.provenance.backbone, there.provenance.language_name) == ("scripted", "Basque")
    assert "**Not finished:**" in (published / "README.md").read_text(encoding="utf-8")

    finished = asyncio.run(run(recipe(target={"conversations": sealed.rows + 30}), directory))
    assert ids(directory, finished.manifest)[: len(rows)] == rows
    assert len(set(ids(directory, finished.manifest))) == sealed.rows + 30
    publish_to_folder(directory, published)
    assert read_manifest(published).complete


async def test_a_shard_that_was_planned_and_never_written_is_finished(tmp_path: Path) -> None:
    await stopped(tmp_path, slow(), 5)
    reader = BuildReader(tmp_path)
    ledger = Ledger(BuildDirectory(tmp_path).ledger, reader.fields(), write_ahead=True, dropped_samples=3)
    ledger.plan_shard("magpie-eu", "train", 2, "data/magpie-eu/train-00000.parquet")
    ledger.close()
    sealed = seal_what_is_there(tmp_path)
    assert [shard.rows for shard in sealed.shards] == [2, reader.rows() - 2]


async def test_a_build_that_runs_is_left_to_its_run(tmp_path: Path) -> None:
    await stopped(tmp_path, slow(), 3)
    with FileLock(tmp_path / "build.lock"), pytest.raises(BuildDirectoryError, match="in use by another run"):
        seal_what_is_there(tmp_path)
    assert not (tmp_path / "data").exists()


async def test_a_run_that_takes_the_build_over_meanwhile_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await stopped(tmp_path, slow(), 3)

    def taken_over(*arguments: object) -> tuple[int, str]:
        fields = BuildReader(tmp_path).fields()
        Ledger(BuildDirectory(tmp_path).ledger, fields, write_ahead=True, dropped_samples=3).close()
        return write_shard(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing, "write_shard", taken_over)
    with pytest.raises(EpochLostError, match="another run has taken this build over"):
        seal_what_is_there(tmp_path)


async def test_a_build_of_before_says_how_it_gets_sealed(tmp_path: Path) -> None:
    await stopped(tmp_path, slow(), 3)
    connection = sqlite3.connect(BuildDirectory(tmp_path).ledger)
    with connection:
        connection.execute("DELETE FROM meta WHERE key = 'provenance'")
    connection.close()
    with pytest.raises(BuildError, match="run the build once more"):
        seal_what_is_there(tmp_path)


def test_what_is_no_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildDirectoryError, match="is no build directory"):
        seal_what_is_there(tmp_path)
