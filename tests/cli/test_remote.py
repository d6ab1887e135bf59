"""`iturri ... --server`: the same commands, done by a real server in a process of its own."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from publishers.shard import read_shard
from service.client.client import Client
from tests.support.cli_command import PATIENCE_S, ROOT, iturri, one_line, start, write_recipe
from tests.support.scripted_http import ScriptedServer, of, problem, scripted_server
from tests.support.served import job
from tests.support.service_servers import ServerProcess, serving, settings

FAST = {"backbone": "quick", "output": {"shard_rows": 8}}
LIGHT = """
import sys
from cli import remote_build, remote_check, remote_jobs, remote_publish, remote_show
print([name for name in ("fastapi", "psycopg", "vllm", "torch", "pyarrow", "transformers") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def running() -> Iterator[ServerProcess]:
    """A server with the backbones `quick` and `slow`, and a database of its own."""
    # Not below pytest's own folder: as root the database runs under another user, who cannot get in there.
    folder = Path(tempfile.mkdtemp(prefix="iturri-tests-"))
    with serving(settings(folder, None), folder / "log") as server:
        yield server
        server.end(signal.SIGTERM)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(running: ServerProcess) -> str:
    return f"http://127.0.0.1:{running.port}"


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server) as client:
        yield client


@pytest.fixture(scope="module")
def built(server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `iturri build --server --json` says of a small build: twenty accepted, and none too short."""
    folder = tmp_path_factory.mktemp("remote")
    filters = {"shape": {"min_chars": 60}, "language": {"enabled": False}, "duplicates": {"enabled": False}}
    write_recipe(folder / "good.json", **FAST, filters=filters)
    done = iturri("build", "good.json", "--json", "--server", server, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "good: queued as job" in done.stderr
    (result,) = json.loads(one_line(done.stdout))["results"]
    found: dict[str, Any] = result
    return found


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(one_line(done.stdout))
    return found


def test_a_build_is_done_by_the_server(built: dict[str, Any], client: Client) -> None:
    assert (built["outcome"], built["name"], built["directory"], built["error"]) == ("complete", "good", None, None)
    assert built["funnel"]["accepted"] == 20
    job = client.job(built["job"])
    assert job.state.value == "succeeded"
    assert job.recipe is not None
    assert job.recipe["backbone"] == "quick"


def test_recipes_are_built_one_after_another_and_one_that_is_bad_does_not_stop_the_rest(
    server: str, tmp_path: Path, client: Client
) -> None:
    write_recipe(tmp_path / "a.json", **FAST)
    write_recipe(tmp_path / "b.json", backbone="nonsense")
    (tmp_path / "c.json").write_text("{")
    gives_up = {"target": {"conversations": 10, "max_drafts": 5}, "filters": {"shape": {"min_chars": 5000}}}
    write_recipe(tmp_path / "d.json", **FAST, **gives_up)
    done = iturri("build", "a.json", "b.json", "c.json", "d.json", "--target", "4", "--server", server, cwd=tmp_path)
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("iturri: ")]
    assert [line.split(": ")[1] for line in said] == ["b.json", "c.json", "d.json"]
    assert "backbone: there is no backbone 'nonsense'; known: quick, slow (422 from" in said[0]
    assert re.search(r"d: job (\w+) has failed: .*; `iturri jobs retry \1 --server http://\S+` has it go on", said[2])
    table = done.stdout.splitlines()
    (first,) = client.jobs(name="a")
    assert all(word in table[1] for word in ("a.json", "4/4", "complete", first.id))
    assert "failed" in table[4]


def test_bad_input_alone_gives_2_and_a_server_that_is_away_1(server: str, tmp_path: Path) -> None:
    write_recipe(tmp_path / "bad.json", backbone="nonsense")
    done = iturri("build", "-q", "bad.json", "--server", server, cwd=tmp_path)
    assert done.returncode == 2
    assert one_line(done.stderr).startswith("iturri: bad.json: backbone: ")
    away = iturri("jobs", "list", "--server", "http://127.0.0.1:9", cwd=tmp_path)
    assert away.returncode == 1
    assert away.stderr.splitlines()[-1].startswith("iturri: http://127.0.0.1:9 cannot be reached")
    assert "trying again" in away.stderr
    nowhere = iturri("show", "nowhere", "--server", server, cwd=tmp_path)
    assert nowhere.returncode == 2
    assert "there is no job nowhere" in one_line(nowhere.stderr)


def test_ctrl_c_leaves_the_job_running_and_says_how_to_go_on(server: str, tmp_path: Path, client: Client) -> None:
    write_recipe(tmp_path / "slow.json", backbone="slow", target={"conversations": 100_000})
    process = start("build", "slow.json", "--json", "--server", server, cwd=tmp_path)
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"as job (\w+) of", line)
    assert found is not None, line
    job_id = found[1]
    next(event for event in client.events(job_id) if event.progress is not None and event.progress.accepted)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    (result,) = json.loads(out)["results"]
    assert (result["outcome"], result["job"]) == ("running", job_id)
    assert "Traceback" not in err
    commands = re.findall(r"`iturri ([^`]*)`", err.splitlines()[-1])
    watch, cancel = (shlex.split(command) for command in commands)
    assert watch == ["jobs", "watch", job_id, "--server", server]
    assert client.job(job_id).state.value == "running"

    paused = iturri("jobs", "pause", job_id, "--server", server, cwd=tmp_path)
    assert paused.stdout.strip() in (f"{job_id}: pausing", f"{job_id}: paused")
    next(event for event in client.events(job_id) if event.state.value == "paused")
    first = iturri("jobs", "priority", job_id, "--to", "-7", "--server", server, cwd=tmp_path)
    assert first.stdout.strip() == f"{job_id}: paused" and client.job(job_id).priority == -7
    resumed = document(iturri("jobs", "resume", job_id, "--json", "--server", server, cwd=tmp_path))
    assert [one["state"] for one in resumed["jobs"]] == ["queued"]
    watching = start(*watch, cwd=tmp_path)
    assert iturri(*cancel, cwd=tmp_path).returncode == 0
    out, err = watching.communicate(timeout=PATIENCE_S)
    assert watching.returncode == 1
    assert f"job {job_id} cancelled" in out
    assert f"job {job_id} was cancelled" in err.splitlines()[-1]
    listed = document(
        iturri("jobs", "list", "--state", "cancelled", "--name", "slow", "--json", "--server", server, cwd=tmp_path)
    )
    assert [one["id"] for one in listed["jobs"]] == [job_id]

    asked = iturri("jobs", "delete", job_id, "--server", server, cwd=tmp_path)
    assert asked.returncode == 2
    assert "--yes" in one_line(asked.stderr)
    done = iturri("jobs", "delete", job_id, "missing", "--yes", "--server", server, cwd=tmp_path)
    assert done.stdout == f"{job_id}: deleted\n"
    assert done.returncode == 2
    assert "missing: there is no job missing" in one_line(done.stderr)


def test_show(built: dict[str, Any], server: str, tmp_path: Path) -> None:
    done = iturri("show", built["job"], "-n", "2", "--server", server, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"good (job {built['job']} of {server}), succeeded: 20 of 20 conversations")
    assert "data/magpie-eu/train-00000.parquet" in done.stdout
    assert done.stdout.count("accepted 1: ") == done.stdout.count("accepted 2: ") == 1
    assert "accepted 3: " not in done.stdout
    dropped = document(iturri("show", built["job"], "--dropped", "--json", "--server", server, cwd=tmp_path))
    assert dropped["complete"] is True
    assert dropped["funnel"] == built["funnel"]
    assert dropped["accepted"] == []
    reasons = dropped["reasons"]
    assert {one["reason"] for one in dropped["dropped"]} <= set(reasons)
    assert len(dropped["dropped"]) == min(3, built["funnel"]["dropped"]) > 0
    unknown = iturri("show", built["job"], "--reason", "nonsense", "--server", server, cwd=tmp_path)
    assert unknown.returncode == 2
    assert all(word in one_line(unknown.stderr) for word in ("nonsense", *reasons))


def test_publish_and_what_is_no_build(built: dict[str, Any], server: str, tmp_path: Path, client: Client) -> None:
    result = document(iturri("publish", built["job"], "--json", "--server", server, cwd=tmp_path))
    assert (Path(result["target"]) / "README.md").is_file()
    assert result["uploaded"] == result["files"] > 2
    again = iturri("publish", built["job"], "--server", server, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert f"{result['files']} were there already" in again.stdout
    publication = next(client.jobs(kind="publication"))
    for command in (("show", publication.id), ("publish", publication.id)):
        done = iturri(*command, "--server", server, cwd=tmp_path)
        assert done.returncode == 2
        assert built["job"] in done.stderr.splitlines()[-1]
    hub = iturri("publish", built["job"], "--repo", "group/name", "--server", server, cwd=tmp_path)
    assert hub.returncode == 2
    assert "no Hub token" in hub.stderr.splitlines()[-1]
    tagged = iturri("publish", built["job"], "--tag", "v1.0", "--server", server, cwd=tmp_path)
    assert tagged.returncode == 2
    assert "only a repository on the Hub has tags" in tagged.stderr.splitlines()[-1]
    watched = iturri("jobs", "watch", publication.id, "-q", "--json", "--server", server, cwd=tmp_path)
    assert document(watched)["kind"] == "publication"


def test_download(built: dict[str, Any], server: str, tmp_path: Path, client: Client) -> None:
    found = document(iturri("jobs", "download", built["job"], "--json", "--server", server, cwd=tmp_path))
    rows = [row.id for file in found["files"] for row in read_shard(tmp_path / file)]
    assert len(set(rows)) == 20
    assert set(rows) == {row.id for row in client.conversations(built["job"])}
    done = iturri("jobs", "download", built["job"], "--out", "there", "--server", server, cwd=tmp_path)
    assert done.stdout.startswith(f"there: {len(found['files'])} files, ")


def test_the_list_for_people(built: dict[str, Any], server: str, tmp_path: Path) -> None:
    done = iturri(
        "jobs", "list", "--name", "good", "--kind", "build", "-n", "1", cwd=tmp_path, ITURRI_SERVER_URL=server
    )
    heading, line = done.stdout.splitlines()
    assert heading.split()[:4] == ["job", "kind", "state", "name"]
    assert all(word in line for word in (built["job"], "build", "succeeded", "good", "20/20", "local"))
    none = iturri("jobs", "list", "--language", "gl", cwd=tmp_path, ITURRI_SERVER_URL=server)
    assert none.stdout == "no jobs\n"


def test_a_recipe_is_tried_out(server: str, tmp_path: Path, client: Client) -> None:
    before = len(list(client.jobs()))
    write_recipe(tmp_path / "good.json", **FAST)
    write_recipe(tmp_path / "bad.json", backbone="nonsense")
    done = iturri("recipe", "check", "good.json", "bad.json", "--server", server, cwd=tmp_path)
    assert done.returncode == 2
    first = done.stdout.splitlines()[0]
    assert first.startswith("good.json: OK; 5 of 5 drafts accepted; 20 conversations take about ")
    assert done.stdout.count("draft ") == 5
    assert one_line(done.stderr).startswith("iturri: bad.json: backbone: ")
    found = document(iturri("recipe", "check", "good.json", "--json", "--server", server, cwd=tmp_path))
    (result,) = found["results"]
    assert result["ok"] is True
    assert len(result["dry_run"]["drafts"]) == 5
    assert result["dry_run"]["estimate"]["tokens"] > 0
    assert len(list(client.jobs())) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("build", "a.json", "--out", "x", "--server", "http://x"), ("--out", "this machine")),
        (("build", "a.json", "--backbones", "x", "--server", "http://x"), ("--backbones", "this machine")),
        (("build", "a.json", "--priority", "3"), ("--priority", "--server")),
        (("show", "x", "--steering", "--server", "http://x"), ("--steering",)),
        (("publish", "x", "--to", "y", "--server", "http://x"), ("--to",)),
        (("publish", "x", "--dry-run", "--server", "http://x"), ("--dry-run",)),
        (("recipe", "check", "a.json", "--backbones", "x", "--server", "http://x"), ("--backbones",)),
        (("jobs", "list"), ("--server",)),
        (("jobs", "list", "--server", "localhost:8000"), ("no address of a server", "http://127.0.0.1:8000")),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    done = iturri(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert all(word in one_line(done.stderr) for word in words), done.stderr


def test_the_key_is_that_of_the_setting(scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.on("GET /v1/jobs", of({"items": [job(state="failed", error="x")], "next": None}), problem(401, "who?"))
    done = iturri("jobs", "list", "--server", scripted.url, cwd=tmp_path, ITURRI_API_KEY="itr_secret_of_a_server")
    assert done.returncode == 0, done.stderr
    assert scripted.asked[0].headers["authorization"] == "Bearer itr_secret_of_a_server"
    wrong = iturri("jobs", "list", "--server", scripted.url, cwd=tmp_path, ITURRI_API_KEY="itr_secret_of_a_server")
    assert wrong.returncode == 2
    assert "ITURRI_API_KEY" in one_line(wrong.stderr)
    assert "itr_secret_of_a_server" not in wrong.stderr


def test_commands_for_a_server_load_nothing_of_it() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
