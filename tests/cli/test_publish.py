"""`iturri publish`, to a folder and to the tests' own Hub."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from pathlib import Path

from pipeline.reader import BuildReader
from publishers.manifest import read_manifest
from publishers.reviews import REVIEWS_NAME, REVIEWS_PATH, write_reviews
from schemas.review import Review
from tests.support.cli_command import iturri, one_line, start, stop, wait_until, write_recipe
from tests.support.hub_server import HubServer

REPO = "euskaltzaleak/proba"


def test_to_a_folder_and_again(built: Path, tmp_path: Path) -> None:
    target = tmp_path / "publication"
    first = iturri("publish", "good", "--to", target, "--json", cwd=built)
    assert first.returncode == 0, first.stderr
    result = json.loads(one_line(first.stdout))
    files = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert {"README.md", "manifest.json", "data/magpie-eu/train-00000.parquet"} <= files
    assert result["uploaded"] == len(files)
    second = iturri("publish", "good", "--to", target, cwd=built)
    assert second.returncode == 0
    assert "0 files written" in second.stdout
    assert f"{len(files)} were there already" in second.stdout


def test_of_a_build_that_gave_up_it_says_what_to_do(tmp_path: Path) -> None:
    write_recipe(tmp_path / "short.json", target={"conversations": 1000, "max_drafts": 20})
    assert iturri("build", "-q", "short.json", cwd=tmp_path).returncode == 1
    accepted = json.loads(iturri("show", "short", "-n", "0", "--json", cwd=tmp_path).stdout)["funnel"]["accepted"]
    done = iturri("publish", "short", "--to", "publication", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    line = one_line(done.stderr)
    assert "run the build again, then publish again" in line
    assert f"lower target.conversations to {accepted} and run it again to call it complete" in line
    assert "**Not finished:**" in (tmp_path / "publication" / "README.md").read_text(encoding="utf-8")


def test_what_a_stopped_build_has_is_sealed_and_published(tmp_path: Path) -> None:
    write_recipe(tmp_path / "long.json", target={"conversations": 100_000}, output={"shard_rows": 1000}, delay_s=0.02)
    running = start("build", "-q", "long.json", cwd=tmp_path)
    wait_until(
        lambda: (tmp_path / "builds/long/recipe.json").exists() and BuildReader(tmp_path / "builds/long").rows() > 3
    )
    assert iturri("publish", "long", "--to", "early", cwd=tmp_path).returncode == 1, "it runs, and has sealed nothing"
    assert stop(running, signal.SIGKILL)[0] == -signal.SIGKILL
    done = iturri("publish", "long", "--to", "publication", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "is not finished: what it has so far is published" in one_line(done.stderr)
    published = read_manifest(tmp_path / "publication")
    assert published.rows == BuildReader(tmp_path / "builds/long").rows() > 3


def test_review_marks_that_lie_in_the_build_are_published(tmp_path: Path) -> None:
    write_recipe(tmp_path / "good.json", target={"conversations": 3})
    assert iturri("build", "-q", "good.json", cwd=tmp_path).returncode == 0
    build = tmp_path / "builds" / "good"
    ((_, row), *_) = BuildReader(build).accepted()
    at = datetime(2026, 11, 5, tzinfo=UTC)
    write_reviews(
        [Review(row_id=row.id, reviewer="reviewer-1", language="good", content=None, note=None, at=at)], build
    )
    done = iturri("publish", "good", "--to", "publication", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "publication" / REVIEWS_PATH).read_bytes() == (build / REVIEWS_NAME).read_bytes()


def test_a_dry_run_lists_and_writes_nothing(built: Path, tmp_path: Path) -> None:
    target = tmp_path / "publication"
    done = iturri("publish", "good", "--to", target, "--dry-run", "--json", cwd=built)
    assert done.returncode == 0, done.stderr
    assert "README.md" in {file["path"] for file in json.loads(one_line(done.stdout))["files"]}
    assert not target.exists()
    plain = iturri("publish", "good", "--dry-run", cwd=built)
    assert plain.returncode == 0, "a dry run asks for no token"
    assert f"would go to {REPO}" in plain.stdout


def test_to_the_repository_of_the_recipe(built: Path, tmp_path: Path, hub: HubServer) -> None:
    done = iturri("publish", "good", "--private", cwd=built, **hub.variables(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "manifest.json" in hub.files(REPO)
    assert f"{hub.endpoint}/datasets/{REPO}" in done.stdout
    assert hub.token not in done.stdout + done.stderr


def test_without_a_token(built: Path, tmp_path: Path, hub: HubServer) -> None:
    done = iturri("publish", "good", "--repo", "other/name", cwd=built, **hub.variables(tmp_path, token=None))
    assert done.returncode == 1
    assert "HF_TOKEN" in one_line(done.stderr)


def test_a_token_that_the_hub_refuses_is_not_repeated(built: Path, tmp_path: Path, hub: HubServer) -> None:
    done = iturri("publish", "good", cwd=built, **hub.variables(tmp_path, token="hf_nonsense"))
    assert done.returncode == 1
    assert "401" in one_line(done.stderr)
    assert "hf_nonsense" not in done.stderr


def test_nobody_says_where_to(tmp_path: Path) -> None:
    write_recipe(tmp_path / "good.json", target={"conversations": 3})
    assert iturri("build", "-q", "good.json", cwd=tmp_path).returncode == 0
    done = iturri("publish", "good", cwd=tmp_path)
    assert done.returncode == 2
    assert all(word in one_line(done.stderr) for word in ("--to", "--repo", "publish.repo"))


def test_a_file_where_the_folder_should_be(built: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = iturri("publish", "good", "--to", tmp_path / "file", cwd=built)
    assert done.returncode == 1
    assert "is no folder" in one_line(done.stderr)


def test_exported_for_a_trainer(built: Path) -> None:
    asked = iturri("export", "good", "--for", "axolotl", cwd=built)
    assert asked.returncode == 2 and "give --model, a folder or namespace/name" in one_line(asked.stderr)
    options = ("--model", "group/model", "--gpus", "16", "--corpus", "group/corpus")
    done = iturri("export", "good", "--for", "axolotl", *options, cwd=built)
    assert done.returncode == 0, done.stderr
    config = (built / "exports" / "good-axolotl" / "axolotl.yaml").read_text(encoding="utf-8")
    assert "base_model: group/model\n" in config and "gradient_accumulation_steps: 16\n" in config
    assert "path: group/corpus\n" in config
    assert done.stdout.startswith("exports/good-axolotl: ") and "rows in 2 files" in done.stdout
    assert done.stdout.endswith("\ntrain with: cd exports/good-axolotl && axolotl train axolotl.yaml\n")
    assert {path.name for path in (built / "exports" / "good-axolotl").iterdir()} >= {"axolotl.yaml"}
    assert done.stderr == "", "of a corpus that is not counted nothing is said"
    few = iturri("export", "good", "--for", "axolotl", *options[:2], "--json", cwd=built)
    (warning,) = json.loads(one_line(few.stdout))["warnings"]
    assert few.stderr == f"iturri: {warning}\n" and "lower gradient_accumulation_steps from 32" in warning
    told = json.loads(one_line(iturri("export", "good", "--for", "jsonl", "--to", "rows", "--json", cwd=built).stdout))
    assert told["target"] == "rows" and told["rows"] == read_manifest(built / "builds" / "good").rows
    assert (told["command"], told["warnings"]) == (None, [])
    other = iturri("export", "good", "--for", "sharegpt", "--to", "rows", cwd=built)
    assert (
        other.returncode == 0 and "train with" not in other.stdout
    )  # the same names, and so one export in place of another
    refused = iturri("export", "good", "--for", "alpaca", "--to", "exports/good-axolotl", cwd=built)
    assert refused.returncode == 1 and "holds axolotl.yaml, which is not of this export" in refused.stderr
