from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from publishers import local
from publishers.local import publish_to_folder
from publishers.manifest import parse_manifest, read_manifest, write_manifest
from publishers.publication import PublicationFile, read_publication
from schemas.errors import PublishError, StorageError
from tests.support.publishers_builds import conversation, make_build, manifest, seal


@pytest.fixture
def build(tmp_path: Path) -> Path:
    make_build(tmp_path / "build")
    return tmp_path / "build"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_exactly_the_files_of_the_manifest(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    result = publish_to_folder(build, target)
    made = read_manifest(build)
    shards = {shard.path for shard in made.shards}
    assert set(contents(target)) == shards | {"README.md", "funnel.png", "manifest.json"}
    assert read_manifest(target).shards == made.shards
    for shard in made.shards:
        assert (target / shard.path).read_bytes() == (build / shard.path).read_bytes()
    assert (result.files, result.uploaded, result.skipped, result.revision) == (6, 6, 0, None)
    assert result.bytes == sum(len(content) for content in contents(target).values())


def test_again_touches_nothing(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    publish_to_folder(build, target)
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    result = publish_to_folder(build, target)
    assert (result.uploaded, result.skipped, result.bytes) == (0, 6, 0)
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == before


def test_a_build_that_has_grown_adds_only_what_is_new(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    publish_to_folder(build, target)
    old = read_manifest(build)
    new = seal(build, "magpie", "train", 2, [conversation(500)])
    write_manifest(manifest((*old.shards, new)), build)
    result = publish_to_folder(build, target)
    assert (result.uploaded, result.skipped) == (4, 3)
    assert read_manifest(target).rows == 9
    assert new.path in (target / "README.md").read_text()


def test_a_damaged_copy_is_mended(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    publish_to_folder(build, target)
    shard = target / "data/magpie-eu/train-00000.parquet"
    shard.write_bytes(b"x" * shard.stat().st_size)
    assert publish_to_folder(build, target).uploaded == 1
    assert (
        contents(target)["data/magpie-eu/train-00000.parquet"]
        == (build / "data/magpie-eu/train-00000.parquet").read_bytes()
    )


def test_killed_in_the_middle_then_repeated(build: Path, tmp_path: Path) -> None:
    """The process dies while it writes the second file: no half file has a final name, and the next call finishes."""
    target = tmp_path / "target"
    code = (
        "import os, shutil, signal, sys; from pathlib import Path; from publishers.local import publish_to_folder\n"
        "copy, calls = shutil.copyfileobj, []\n"
        "def dying(source, target, length):\n"
        "    calls.append(1)\n"
        "    if len(calls) == 2:\n"
        "        target.write(source.read(100)); target.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "    copy(source, target, length)\n"
        "shutil.copyfileobj = dying\n"
        "publish_to_folder(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(build), str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    names = set(contents(target))
    assert "data/magpie-eu/train-00000.parquet" in names
    assert "data/magpie-eu/train-00001.parquet" not in names
    assert "manifest.json" not in names
    result = publish_to_folder(build, target)
    assert (result.uploaded, result.skipped) == (5, 1)
    assert set(contents(target)) == {file.path for file in read_publication(build).files()}


def test_a_full_disk_is_one_line_and_the_next_call_finishes(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"train-00000\.parquet cannot be written: No space left on device"):
            publish_to_folder(build, tmp_path / "target")
    assert contents(tmp_path / "target") == {}
    assert publish_to_folder(build, tmp_path / "target").uploaded == 6


def test_a_folder_with_something_else_is_refused_untouched(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "thesis.tex").write_text("precious")
    with pytest.raises(PublishError, match=r"holds thesis\.tex, which is not of this publication"):
        publish_to_folder(build, target)
    assert contents(target) == {"thesis.tex": b"precious"}


def test_a_stray_file_beside_an_earlier_publication_is_refused(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    publish_to_folder(build, target)
    (target / "data/magpie-eu/train-00009.parquet").write_bytes(b"stray")
    with pytest.raises(PublishError, match=r"holds data/magpie-eu/train-00009\.parquet"):
        publish_to_folder(build, target)


def test_hidden_files_at_the_root_are_left_alone(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / ".git").mkdir(parents=True)
    (target / ".git" / "HEAD").write_text("ref")
    publish_to_folder(build, target)
    assert (target / ".git" / "HEAD").read_text() == "ref"


@pytest.mark.parametrize("change", ["shard", "fingerprint"])
def test_the_publication_of_another_build_is_refused(build: Path, tmp_path: Path, change: str) -> None:
    target = tmp_path / "target"
    publish_to_folder(build, target)
    before = contents(target)
    made = read_manifest(build)
    if change == "shard":
        shutil.rmtree(build)
        made = manifest((seal(build, "magpie", "train", 0, [conversation(77)]),))
    else:
        made = made.model_copy(update={"provenance": made.provenance.model_copy(update={"fingerprint": "0" * 64})})
    write_manifest(made, build)
    with pytest.raises(PublishError, match="holds the publication of another build"):
        publish_to_folder(build, target)
    assert contents(target) == before


def test_a_foreign_manifest_is_refused(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "manifest.json").write_text("{}")
    with pytest.raises(PublishError, match=r"manifest\.json is no manifest"):
        publish_to_folder(build, target)


def test_a_file_as_the_target_is_refused(build: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("")
    with pytest.raises(PublishError, match="is no folder"):
        publish_to_folder(build, tmp_path / "target")


def test_build_and_target_lie_apart(build: Path) -> None:
    for target in (build, build / "published", build.parent):
        with pytest.raises(PublishError, match="overlap"):
            publish_to_folder(build, target)


@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_a_damaged_shard_is_named_and_nothing_is_published(build: Path, tmp_path: Path, damage: str) -> None:
    shard = build / "data/magpie-eu/train-00001.parquet"
    if damage == "flip":
        content = bytearray(shard.read_bytes())
        content[100] ^= 1
        shard.write_bytes(content)
    else:
        shard.unlink()
    with pytest.raises(PublishError, match=r"train-00001\.parquet (is damaged|cannot be read).*nothing was published"):
        publish_to_folder(build, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_manifest_that_points_elsewhere_is_refused(build: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    path = build / "manifest.json"
    for where in ("../secret", "data/../../secret", str(tmp_path / "secret"), "secret", "", ".", "data/\0"):
        data = json.loads(path.read_text())
        data["shards"][0]["path"] = where
        path.write_text(json.dumps(data))
        with pytest.raises(PublishError, match="names a shard outside of data/"):
            publish_to_folder(build, tmp_path / "target")


def test_a_manifest_that_names_a_shard_twice_is_refused(build: Path, tmp_path: Path) -> None:
    data = json.loads((build / "manifest.json").read_text())
    data["shards"].append(data["shards"][0])
    (build / "manifest.json").write_text(json.dumps(data))
    with pytest.raises(PublishError, match="names a shard twice"):
        publish_to_folder(build, tmp_path / "target")


def test_a_build_without_shards_is_refused(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    write_manifest(manifest(()), tmp_path / "build")
    with pytest.raises(PublishError, match="has no sealed shards yet"):
        publish_to_folder(tmp_path / "build", tmp_path / "target")


def test_what_is_published_is_a_function_of_the_build(build: Path) -> None:
    one, other = read_publication(build), read_publication(build)
    assert one == other
    assert parse_manifest(one.head()[-1].source, "memory") == one.manifest  # type: ignore[arg-type]


def test_publications_to_one_folder_take_turns(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, put, writing, most = tmp_path / "target", local._Folder.put, [0], [0]

    def slow(place: local._Folder, file: PublicationFile) -> None:
        writing[0] += 1
        most[0] = max(most[0], writing[0])
        time.sleep(0.02)
        put(place, file)
        writing[0] -= 1

    monkeypatch.setattr(local._Folder, "put", slow)
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: publish_to_folder(build, target), range(4)))
    assert most == [1]
    assert sorted(result.uploaded for result in results) == [0, 0, 0, 6]


def test_a_licence_that_somebody_put_there_stays(build: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    publish_to_folder(build, target)
    (target / "LICENSE").write_text("Mine")
    assert publish_to_folder(build, target).uploaded == 0
    assert (target / "LICENSE").read_text() == "Mine"
