"""`iturri build`, from recipe to shards, with scripted backbones."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from publishers.shard import read_shard
from schemas.manifest import Manifest
from tests.support.cli_command import ROOT, iturri, one_line, start, stop, wait_until, write_recipe


def rows(build: Path) -> list[str]:
    """The ids of all rows in the build's shards."""
    manifest = Manifest.model_validate_json((build / "manifest.json").read_text(encoding="utf-8"))
    return [row.id for shard in manifest.shards for row in read_shard(build / shard.path)]


def results(stdout: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(one_line(stdout))["results"]
    return found


def test_a_build_reaches_its_target_and_says_so(tmp_path: Path) -> None:
    write_recipe(tmp_path / "good.json")
    done = iturri("build", "good.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(set(rows(tmp_path / "builds" / "good"))) == 20
    heading, line = done.stdout.splitlines()
    assert heading.split("  ")[0] == "recipe"
    assert all(word in line for word in ("good.json", "20/20", "100.0%", "complete", "builds/good"))
    assert "starting the backbone scripted" in done.stderr


def test_a_licence_that_cannot_be_is_refused_before_the_backbone_starts(tmp_path: Path) -> None:
    backbone = {"kind": "openai", "model": "Llama-3.1-8B", "endpoints": ["http://127.0.0.1:9/v1"]}
    write_recipe(tmp_path / "bad.json", backbone=backbone, publish={"licence": "cc-by-4.0"})
    done = iturri("build", "bad.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "publish.licence: cc-by-4.0 does not go with the backbone Llama-3.1-8B" in done.stderr
    assert "starting the backbone" not in done.stderr
    assert not (tmp_path / "builds").exists()


def test_quiet_says_nothing(tmp_path: Path) -> None:
    write_recipe(tmp_path / "good.json")
    done = iturri("build", "-q", "good.json", "--out", "elsewhere", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(rows(tmp_path / "elsewhere")) == 20


def test_one_that_fails_does_not_stop_the_rest(tmp_path: Path) -> None:
    write_recipe(tmp_path / "a.json", name="first")
    write_recipe(
        tmp_path / "b.json",
        target={"conversations": 10, "max_drafts": 5},
        filters={"shape": {"min_chars": 5000}, "language": {"enabled": False}},
    )
    (tmp_path / "c.json").write_text("{", encoding="utf-8")
    write_recipe(tmp_path / "d.json", name="last", seed=5)
    done = iturri("build", "--json", "a.json", "b.json", "c.json", "d.json", "missing.json", cwd=tmp_path)
    assert done.returncode == 1
    found = {result["recipe"]: result for result in results(done.stdout)}
    assert list(found) == ["a.json", "b.json", "c.json", "d.json", "missing.json"]
    assert [result["outcome"] for result in found.values()] == ["complete", "failed", "failed", "complete", "failed"]
    assert found["a.json"]["funnel"]["accepted"] == found["d.json"]["funnel"]["accepted"] == 20
    assert found["b.json"]["error"]["kind"] == "BuildError"
    assert found["b.json"]["funnel"]["dropped"] >= 5
    assert found["c.json"]["error"]["exit_code"] == found["missing.json"]["error"]["exit_code"] == 2
    said = [line for line in done.stderr.splitlines() if line.startswith("iturri: ")]
    assert sorted(line.split(": ")[1] for line in said) == ["b.json", "c.json", "missing.json"]
    assert done.stderr.count("starting the backbone") == 1, "the recipes share a backbone"


def test_only_bad_input_gives_2(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"name": 3}', encoding="utf-8")
    write_recipe(tmp_path / "good.json")
    done = iturri("build", "bad.json", "good.json", cwd=tmp_path)
    assert done.returncode == 2
    assert len(rows(tmp_path / "builds" / "good")) == 20


def test_a_higher_target_extends_a_build(tmp_path: Path) -> None:
    write_recipe(tmp_path / "good.json")
    assert iturri("build", "-q", "good.json", "--target", "5", cwd=tmp_path).returncode == 0
    before = rows(tmp_path / "builds" / "good")
    assert len(before) == 5
    assert iturri("build", "-q", "good.json", cwd=tmp_path).returncode == 0
    after = rows(tmp_path / "builds" / "good")
    assert after[:5] == before
    assert len(set(after)) == 20


def test_the_build_directory_of_another_recipe(tmp_path: Path) -> None:
    write_recipe(tmp_path / "good.json")
    assert iturri("build", "-q", "good.json", cwd=tmp_path).returncode == 0
    write_recipe(tmp_path / "good.json", seed=4)
    done = iturri("build", "-q", "good.json", cwd=tmp_path)
    assert done.returncode == 2
    line = one_line(done.stderr)
    assert "builds/good" in line
    assert "seed" in line


def test_a_build_directory_in_use(tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "slow.json", delay_s=0.2, target={"conversations": 2000})
    build = tmp_path / "builds" / "slow"
    first = start("build", path, cwd=tmp_path)
    wait_until((build / "ledger.sqlite").exists)
    done = iturri("build", "-q", path, cwd=tmp_path)
    stop(first, signal.SIGTERM)
    assert done.returncode == 2
    assert "in use by another run" in one_line(done.stderr)


@pytest.mark.parametrize(
    ("backbones", "words"),
    [
        (None, ("none is declared", "ITURRI_BACKBONES")),
        ("other: {kind: vllm, model: m}", ("known: other", "ITURRI_BACKBONES")),
        ("demo: {kind: nonsense}", ("ITURRI_BACKBONES", "demo")),
        ("demo: [", ("ITURRI_BACKBONES", "cannot be read")),
    ],
)
def test_backbones_that_are_not_declared(tmp_path: Path, backbones: str | None, words: tuple[str, ...]) -> None:
    write_recipe(tmp_path / "good.json", backbone="demo")
    variables = {}
    if backbones is not None:
        (tmp_path / "backbones.yaml").write_text(backbones, encoding="utf-8")
        variables["ITURRI_BACKBONES"] = "backbones.yaml"
    done = iturri("build", "-q", "good.json", cwd=tmp_path, **variables)
    assert done.returncode == 2
    assert all(word in one_line(done.stderr) for word in ("good.json", *words)), done.stderr
    assert not (tmp_path / "builds").exists()


def test_a_backbone_that_cannot_be_reached_fails_only_its_own_recipes(tmp_path: Path) -> None:
    away = {
        "kind": "openai",
        "model": "m",
        "tokenizer": str(ROOT / "demo" / "iturri-demo-eu"),
        "endpoints": ["http://127.0.0.1:9/v1"],
        "retries": 0,
    }
    write_recipe(tmp_path / "away.json", backbone=away)
    write_recipe(tmp_path / "good.json")
    done = iturri("build", "-q", "away.json", "good.json", cwd=tmp_path)
    assert done.returncode == 1
    line = one_line(done.stderr)
    assert line.startswith("iturri: away.json: ")
    assert "127.0.0.1:9" in line
    assert len(rows(tmp_path / "builds" / "good")) == 20


def test_a_tokenizer_without_a_chat_template(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("tokenizer.json", "config.json"):
        (bare / name).write_bytes((ROOT / "demo" / "iturri-demo-eu" / name).read_bytes())
    backbone = {"kind": "openai", "model": "m", "tokenizer": str(bare), "endpoints": ["http://127.0.0.1:9/v1"]}
    write_recipe(tmp_path / "bare.json", backbone=backbone)
    done = iturri("build", "-q", "bare.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "chat template" in one_line(done.stderr)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    write_recipe(tmp_path / "good.json")
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = iturri("build", "-q", "good.json", "--out", "file/build", cwd=tmp_path)
    assert done.returncode == 1
    assert "file/build" in one_line(done.stderr)
