"""A model to the tests' own Hub, also by a process that is killed: it loads from there, and nothing else went up."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from schemas.errors import HubAuthError, HubBusyError, InputError, PublishError
from tests.support.cli_command import ROOT, environment
from tests.support.hub_faults import When
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.hub_store import Commit, Repository
from tests.support.training_reports import report
from training.card import write
from training.upload import upload

pytestmark = pytest.mark.filterwarnings(CLIENT_WARNING)

REPO = "euskaltzaleak/proba"
DEMO = ROOT / "demo" / "iturri-demo-eu"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with HubServer() as server:
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's directory with a model that is no real one: two shards, and what a run leaves beside and among them."""
    model = tmp_path / "run" / "model"
    model.mkdir(parents=True)
    for number, name in enumerate(SHARDS):
        (model / name).write_bytes(random.Random(number).randbytes(5000))
    index = {"weight_map": {f"layer.{number}": name for number, name in enumerate(SHARDS)}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    for name in ("config.json", "tokenizer.json", "chat_template.jinja", "curve.png"):
        (model / name).write_text("{}", encoding="utf-8")
    write(report(), model)
    for name in ("optimizer.pt", "training_args.bin", "trainer_state.json", "rows.jsonl", ".README.md.tmp"):
        (model / name).write_text("{}", encoding="utf-8")
    for name in (
        "data/eu.parquet",
        "model/checkpoint-5/model.safetensors",
        "checkpoints/checkpoint-5/model.safetensors",
    ):
        (model.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (model.parent / name).write_bytes(b"{}")
    return model.parent


WHOLE = {*SHARDS, "model.safetensors.index.json", "config.json", "tokenizer.json", "chat_template.jinja"}
WHOLE |= {"curve.png", "README.md"}


def put(hub: HubServer, run: Path, *, private: bool = False, token: str | None = HubServer.token) -> str:
    return upload(run, REPO, private=private, token=token, endpoint=hub.endpoint)


def test_the_model_goes_up_in_one_commit_and_nothing_else_of_the_run(hub: HubServer, run: Path) -> None:
    assert put(hub, run) == f"{hub.endpoint}/{REPO}"
    assert hub.files(REPO) == {name: (run / "model" / name).read_bytes() for name in WHOLE}
    assert len(hub.commits(REPO)) == 1
    assert (hub.repositories[REPO].kind, hub.repositories[REPO].private) == ("model", False)


def test_what_is_there_already_is_not_uploaded_again(hub: HubServer, run: Path) -> None:
    put(hub, run)
    hub.requests.clear()
    put(hub, run)
    assert (len(hub.commits(REPO)), len(hub.uploads)) == (1, 2)
    assert not [one for one in hub.requests if "PUT" in one or "/commit/" in one]
    (run / "model" / SHARDS[0]).write_bytes(b"other")
    put(hub, run)
    assert hub.commits(REPO)[1].added == {SHARDS[0]}
    assert len(hub.uploads) == 3


def test_weights_of_an_earlier_model_go_and_what_people_added_stays(hub: HubServer, run: Path) -> None:
    put(hub, run)
    theirs = {"NOTES.md": b"kaixo", "original/weights.safetensors": b"w"}
    branch = hub.repositories[REPO].branches["main"]
    branch.append(Commit("by hand", {**branch[-1].files, **theirs}))
    for name in (*SHARDS, "model.safetensors.index.json"):
        (run / "model" / name).unlink()
    (run / "model" / "model.safetensors").write_bytes(b"whole")
    put(hub, run)
    small = {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja", "curve.png", "README.md"}
    assert hub.files(REPO).keys() == small | theirs.keys()


def test_where_nothing_was_merged_the_adapter_goes_up(hub: HubServer, run: Path) -> None:
    put(hub, run)
    (run / "model").rename(run / "adapter")
    for name in (*SHARDS, "model.safetensors.index.json", "config.json"):
        (run / "adapter" / name).unlink()
    (run / "adapter" / "adapter_model.safetensors").write_bytes(b"adapter")
    config = run / "adapter" / "adapter_config.json"
    config.write_text(json.dumps({"base_model_name_or_path": "meta-llama/Llama-3.1-8B-Instruct"}), encoding="utf-8")
    write(report(), run / "adapter")
    put(hub, run)
    names = hub.files(REPO).keys()
    assert {"adapter_model.safetensors", "adapter_config.json"} <= names
    assert names.isdisjoint({*SHARDS, "config.json"})


def test_an_adapter_whose_base_is_a_folder_here_is_refused(hub: HubServer, run: Path) -> None:
    (run / "model").rename(run / "adapter")
    config = run / "adapter" / "adapter_config.json"
    config.write_text(json.dumps({"base_model_name_or_path": str(DEMO)}), encoding="utf-8")
    with pytest.raises(PublishError, match=r"adapter_config\.json names the base model by a folder of this machine"):
        put(hub, run)
    assert hub.requests == []


@pytest.mark.parametrize("lost", ["config.json", SHARDS[1], "README.md"])
def test_a_model_that_is_not_whole_is_refused_before_any_use_of_the_network(
    lost: str, hub: HubServer, run: Path
) -> None:
    (run / "model" / lost).unlink()
    with pytest.raises(PublishError, match=f"lacks {lost}; run the training again"):
        put(hub, run)
    assert hub.requests == []


def test_a_run_without_a_model_a_strange_card_and_a_damaged_index_are_refused(
    hub: HubServer, run: Path, tmp_path: Path
) -> None:
    with pytest.raises(PublishError, match="holds no model yet; train to the end first"):
        put(hub, tmp_path)
    (run / "model" / "README.md").write_text("---\ntags: [peft]\n---\n", encoding="utf-8")
    with pytest.raises(PublishError, match="is not the card of the run"):
        put(hub, run)
    (run / "model" / "model.safetensors.index.json").write_text("{", encoding="utf-8")
    with pytest.raises(PublishError, match=r"index\.json is damaged"):
        put(hub, run)
    assert hub.requests == []


def test_a_repository_of_others_is_left_as_it_is(hub: HubServer, run: Path) -> None:
    theirs = hub.repositories[REPO] = Repository(private=False, kind="model")
    for files in ({"model.safetensors": b"w"}, {"model.safetensors": b"w", "README.md": b"---\ntags: [x]\n---\n"}):
        theirs.branches["main"].append(Commit("theirs", {**files}))
        with pytest.raises(PublishError, match=r"holds model\.safetensors, which is of no run of Iturri"):
            put(hub, run)
    assert hub.files(REPO) == files


def test_a_private_model_is_made_private_and_never_put_into_a_public_one(hub: HubServer, run: Path) -> None:
    put(hub, run, private=True)
    assert hub.repositories[REPO].private
    hub.repositories[REPO].private = False
    (run / "model" / "config.json").write_text("{ }", encoding="utf-8")
    with pytest.raises(PublishError, match="is public already, but a private model is asked for"):
        put(hub, run, private=True)
    assert len(hub.commits(REPO)) == 1


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (None, "no Hub token; set HF_TOKEN"),
        ("hf_ñ", "characters that no token has"),
        ("hf_wrong", r"does not accept the token for .* \(401\)"),
        (HubServer.read_token, r"the token may not write to euskaltzaleak/proba \(403\); set HF_TOKEN"),
    ],
)
def test_a_token_that_is_none_or_may_not_write_is_told(
    token: str | None, words: str, hub: HubServer, run: Path
) -> None:
    with pytest.raises(HubAuthError, match=words) as caught:
        put(hub, run, token=token)
    assert "\n" not in str(caught.value)
    assert hub.repositories == {}


def test_a_name_that_is_no_repository_is_told(run: Path) -> None:
    with pytest.raises(InputError, match="no repository of the form namespace/name"):
        upload(run, "proba", private=False, token=HubServer.token)


def test_a_busy_hub_is_tried_again_and_then_told(hub: HubServer, run: Path, waits: list[float]) -> None:
    hub.fail("/commit/", times=2, status=503)
    put(hub, run)
    assert (waits, len(hub.commits(REPO)), len(hub.uploads)) == ([1.0, 4.0], 1, 2)
    (run / "model" / "config.json").write_text("{ }", encoding="utf-8")
    hub.fail("/commit/", times=4, status=503)
    with pytest.raises(HubBusyError, match=r"did not take the model \(503\): .*; publish again to go on from here"):
        put(hub, run)


def test_the_rate_limit_is_told_with_its_time(hub: HubServer, run: Path, waits: list[float]) -> None:
    hub.limit_commits(0, retry_after=1800)
    with pytest.raises(HubBusyError, match=r"rate limit is reached \(429\); publish again in 1800 s"):
        put(hub, run)
    assert waits == []


def test_a_hub_that_is_not_there_is_told(run: Path, hub: HubServer, waits: list[float]) -> None:
    hub.drop("", "before", times=10_000)
    with pytest.raises(HubBusyError, match=r"the Hub cannot be reached: .*; publish again") as caught:
        put(hub, run)
    assert "\n" not in str(caught.value)


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: HubServer, run: Path, waits: list[float]) -> None:
    hub.drop("/commit/", "after")
    put(hub, run)
    assert len(hub.commits(REPO)) == 1
    assert hub.files(REPO).keys() == WHOLE


def test_a_commit_of_others_meanwhile_is_looked_at_and_kept(hub: HubServer, run: Path, waits: list[float]) -> None:
    put(hub, run)
    (run / "model" / "config.json").write_text("{ }", encoding="utf-8")
    branch = hub.repositories[REPO].branches["main"]

    def between() -> None:
        branch.append(Commit("by hand", {**branch[-1].files, "NOTES.md": b"kaixo"}))

    hub.drop("/preupload/", "after", action=between)
    put(hub, run)
    assert hub.files(REPO)["NOTES.md"] == b"kaixo"
    assert hub.files(REPO)["config.json"] == b"{ }"


def test_what_a_gitignore_there_keeps_out_is_told(hub: HubServer, run: Path) -> None:
    hub.repositories[REPO] = Repository(private=False, kind="model", ignored=(SHARDS[1],))
    with pytest.raises(PublishError, match=rf"still lacks {SHARDS[1]}; look for a \.gitignore"):
        put(hub, run)


PUSH = """
import sys
from pathlib import Path
from training.upload import upload
sys.stdin.readline()
upload(Path(sys.argv[1]), sys.argv[2], private=False, token=sys.argv[3])
"""


@pytest.mark.parametrize(
    ("pattern", "when", "committed"),
    [("PUT /lfs/", "amid", 0), ("/commit/", "before", 0), ("/commit/", "late", 1), ("/commit/", "after", 1)],
    ids=["in mid-upload", "before the commit", "while the commit is still to be made", "after the commit"],
)
def test_an_upload_that_is_killed_is_finished_by_the_next(
    pattern: str, when: When, committed: int, hub: HubServer, run: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PUSH, str(run), REPO, HubServer.token]
    variables = environment(**hub.variables(tmp_path))
    process = subprocess.Popen(command, cwd=ROOT, env=variables, stdin=subprocess.PIPE, text=True)
    hub.drop(pattern, when, action=process.kill)
    process.communicate("go\n")
    assert process.returncode == -9
    deadline = time.monotonic() + 30
    while when == "late" and not hub.commits(REPO) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(hub.commits(REPO)) == committed
    hub.faults.clear()
    sent = list(hub.uploads)
    put(hub, run)
    assert len(hub.commits(REPO)) == 1
    assert hub.files(REPO) == {name: (run / "model" / name).read_bytes() for name in WHOLE}
    assert len(set(hub.uploads)) == len(hub.uploads) == 2 and (len(sent) == 2 or when == "amid")


LOAD = """
import hashlib, sys
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
for name, weight in sorted(model.state_dict().items()):
    print(name, hashlib.sha256(weight.float().numpy().tobytes()).hexdigest())
print(AutoTokenizer.from_pretrained(sys.argv[1]).chat_template is not None)
"""


def test_the_model_loads_from_the_hub_with_the_same_weights(hub: HubServer, tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "run" / "model")
    write(report(), tmp_path / "run" / "model")
    put(hub, tmp_path / "run")
    shutil.rmtree(tmp_path / "run")

    def loaded(name: str) -> list[str]:
        variables = environment(**hub.variables(tmp_path, token=None))
        done = subprocess.run(
            [sys.executable, "-c", LOAD, name], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    there = loaded(REPO)
    assert there == loaded(str(DEMO))
    assert there[-1] == "True" and len(there) > 10


def test_a_model_is_not_among_the_datasets(hub: HubServer, run: Path) -> None:
    put(hub, run)
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    assert api.repo_exists(REPO) and not api.repo_exists(REPO, repo_type="dataset")
