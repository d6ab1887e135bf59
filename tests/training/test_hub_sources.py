"""Publications and other datasets on the tests' Hub, read over HTTP by the Hub's own client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from publishers.hub import publish_to_hub
from publishers.manifest import write_manifest
from schemas.errors import DatasetError, InputError
from schemas.training import ConversationSource, CorpusSource
from tests.support.dataset_rows import exchange, write_jsonl, write_parquet
from tests.support.hub_reader import read_from, upload
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.publishers_builds import conversation, make_build, manifest, seal
from training.corpora import Documents, open_documents
from training.publications import Conversations, open_conversations

REPO = "euskaltzaleak/proba"
FIELD = "data.conversations.0"
CORPUS = "data.corpus.0"

pytestmark = pytest.mark.filterwarnings(CLIENT_WARNING)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        read_from(server, tmp_path / "home", monkeypatch)
        yield server


def publish(hub: HubServer, build: Path, tag: str | None = None) -> str:
    done = publish_to_hub(build, REPO, private=True, token=hub.token, endpoint=hub.endpoint, tag=tag)
    assert done.revision is not None
    return done.revision


def conversations(source: str, revision: str | None = None, **chosen: tuple[str, ...]) -> Conversations:
    asked = ConversationSource.model_validate({"source": source, "revision": revision, **chosen})
    return open_conversations(asked, ("eu", "en"), FIELD)


def documents(source: str, **more: str) -> Documents:
    return open_documents(CorpusSource.model_validate({"source": source, "language": "eu", **more}), CORPUS)


def test_a_private_publication_is_read_at_the_commit_that_is_recorded(hub: HubServer, tmp_path: Path) -> None:
    make_build(tmp_path / "build")
    commit = publish(hub, tmp_path / "build")
    read = conversations(REPO)
    assert (read.name, read.revision) == (REPO, commit)
    rows = list(read)
    assert [row.id for row in rows] == [conversation(number).id for number in (*range(6), 1_000_000, 1_000_001)]
    assert {row.split for row in rows[:6]} == {"train"}
    assert {row.split for row in rows[6:]} == {"validation"}
    asked = len(hub.requests)
    assert list(read) == rows
    assert len(hub.requests) == asked  # from the cache, which has the commit


def test_a_release_is_read_as_it_was(hub: HubServer, tmp_path: Path) -> None:
    build = tmp_path / "build"
    old = make_build(build)
    first = publish(hub, build, tag="v1")
    write_manifest(manifest((*old.shards, seal(build, "magpie", "train", 2, [conversation(900)]))), build)
    publish(hub, build)
    read = conversations(REPO, "v1")
    assert read.revision == first
    assert [sum(1 for _ in read), sum(1 for _ in conversations(REPO))] == [8, 9]


def test_a_publication_without_its_manifest_is_read_by_its_card(hub: HubServer, tmp_path: Path) -> None:
    make_build(tmp_path / "build")
    publish(hub, tmp_path / "build")
    whole = list(conversations(REPO))
    del hub.repositories[REPO].branches["main"][-1].files["manifest.json"]
    read = conversations(REPO, modes=("magpie",), languages=("eu",))
    assert list(read) == whole
    with pytest.raises(InputError, match=r"^data\.conversations\.0\.modes: .* has no mode grounded; it has: magpie$"):
        conversations(REPO, modes=("grounded",))


def test_another_dataset_is_read_by_its_own_splits(hub: HubServer, tmp_path: Path) -> None:
    for split, count in (("train", 3), ("validation", 2), ("test", 9)):
        turns = [{"messages": exchange(f"Zer da {number}?", "Zenbaki bat.")} for number in range(count)]
        write_jsonl(tmp_path / "data" / f"{split}.jsonl", turns)
    commit = upload(hub, "euskaltzaleak/besteak", tmp_path / "data")
    read = conversations("euskaltzaleak/besteak", languages=("eu",))
    assert read.revision == commit
    assert [(row.id, row.split, row.language, row.mode) for row in read] == [
        *((f"euskaltzaleak/besteak#{number}", "train", "eu", None) for number in range(3)),
        *((f"euskaltzaleak/besteak#{number}", "validation", "eu", None) for number in range(3, 5)),
    ]


def test_of_several_configs_of_another_dataset_modes_name_those_that_are_read(hub: HubServer, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name in ("chat", "maths", "all"):
        write_jsonl(folder / f"{name}.jsonl", [{"messages": exchange(name, "Bai.")}])
    configs = "".join(f"- config_name: {name}\n  data_files: {name}.jsonl\n" for name in ("chat", "maths", "all"))
    (folder / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    upload(hub, "euskaltzaleak/hiru", folder)
    read = conversations("euskaltzaleak/hiru", languages=("eu",), modes=("maths", "chat"))
    assert [(row.messages[0]["content"], row.mode) for row in read] == [("maths", "maths"), ("chat", "chat")]
    with pytest.raises(InputError, match=r"0\.modes: name configs of euskaltzaleak/hiru; it has: chat, maths, all"):
        conversations("euskaltzaleak/hiru", languages=("eu",))
    with pytest.raises(InputError, match=r"0\.modes: .* has no mode code; it has: chat, maths, all"):
        conversations("euskaltzaleak/hiru", languages=("eu",), modes=("code",))


def test_a_corpus_by_config_and_split(hub: HubServer, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "eu").mkdir(parents=True)
    write_parquet(folder / "eu" / "train-0.parquet", [{"edukia": "Bat"}, {"edukia": "Bi"}])
    write_parquet(folder / "eu" / "test-0.parquet", [{"edukia": "Hiru"}])
    write_jsonl(folder / "gl.jsonl", [{"text": "un"}])
    eu = "- config_name: eu\n  data_files:\n  - {split: train, path: eu/train-*}\n  - {split: test, path: eu/test-*}\n"
    (folder / "README.md").write_text(f"---\nconfigs:\n{eu}- config_name: gl\n  data_files: gl.jsonl\n---\n")
    commit = upload(hub, "euskaltzaleak/corpus", folder)
    name = "euskaltzaleak/corpus"
    read = documents(name, config="eu", text_field="edukia")
    assert (read.name, read.revision) == (name, commit)
    assert [(one.id, one.text) for one in read] == [(f"{name}#0", "Bat"), (f"{name}#1", "Bi")]
    assert [one.text for one in documents(name, config="eu", text_field="edukia", split="test")] == ["Hiru"]
    assert [one.text for one in documents(name, config="gl")] == ["un"]
    for more, words in (
        ({}, r"0\.config: name the one that is meant; euskaltzaleak/corpus has: eu, gl"),
        ({"config": "es"}, r"0\.config: .* has no config 'es'; it has: eu, gl"),
        ({"config": "gl", "split": "dev"}, r"0\.split: .* has no split 'dev'; it has: train"),
        ({"config": "eu"}, r"0\.text_field: eu/train-0.parquet has no column 'text'; it has: edukia"),
    ):
        with pytest.raises(InputError, match=words):
            documents(name, **more)


def test_a_card_may_not_name_the_files_of_others(hub: HubServer, tmp_path: Path) -> None:
    secret = write_jsonl(tmp_path / "elsewhere" / "secret.jsonl", [{"text": "isilpean"}])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").write_text(f"---\nconfigs:\n- config_name: x\n  data_files: {secret}\n---\n")
    upload(hub, "euskaltzaleak/corpus", tmp_path / "data")
    with pytest.raises(InputError, match=r"source: .* Data files don't belong to euskaltzaleak/corpus"):
        documents("euskaltzaleak/corpus")


@pytest.mark.parametrize("open_source", [conversations, documents])
def test_a_repository_that_is_not_there(hub: HubServer, open_source: type) -> None:
    with pytest.raises(InputError, match=r"0\.source: there is no folder euskaltzaleak/ez here, and the Hub has no"):
        open_source("euskaltzaleak/ez")


def test_a_repository_without_data(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    HfApi(endpoint=hub.endpoint, token=hub.token).create_repo("euskaltzaleak/hutsa", repo_type="dataset")
    (tmp_path / "data" / "notes.md").write_text("Ezer ez.")
    upload(hub, "euskaltzaleak/oharrak", tmp_path / "data")
    for open_source in (conversations, documents):
        with pytest.raises(InputError, match=r"0\.source: euskaltzaleak/hutsa cannot be read as a dataset: "):
            open_source("euskaltzaleak/hutsa")
        with pytest.raises(
            InputError, match=r"0\.source: notes.md is neither Parquet, JSONL nor plain text by its name"
        ):
            open_source("euskaltzaleak/oharrak")


def test_a_private_repository_of_others_a_gated_one_and_a_revision_that_is_not_there(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_build(tmp_path / "build")
    publish(hub, tmp_path / "build")
    with pytest.raises(InputError, match=r"0\.revision: euskaltzaleak/proba has no branch, tag or commit 'v9'"):
        conversations(REPO, "v9")
    hub.repositories[REPO].gated = "manual"
    with pytest.raises(
        InputError, match=r"0\.source: euskaltzaleak/proba is gated, and you have no access; ask for it"
    ):
        conversations(REPO)
    monkeypatch.setenv("HF_TOKEN", hub.other_token)
    with pytest.raises(
        InputError, match=r"0\.source: .* the Hub has no dataset of that name that you may read; .*HF_TO"
    ):
        conversations(REPO)


def test_a_hub_that_fails_is_no_fault_of_the_recipe(hub: HubServer, tmp_path: Path) -> None:
    make_build(tmp_path / "build")
    publish(hub, tmp_path / "build")
    read = conversations(REPO)
    hub.fail("train-00001", times=50, status=403)
    with pytest.raises(
        DatasetError, match=r"euskaltzaleak/proba here, and the Hub does not give it \(.*try again later"
    ):
        list(read)


def test_a_folder_that_is_not_here_is_not_blamed_on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DatasetError) as caught:
        conversations("builds/small")
    assert str(caught.value) == (
        "data.conversations.0.source: there is no folder builds/small here, and the Hub cannot be reached "
        "([Errno 111] Connection refused); mend the name, or try again later"
    )


def test_what_was_read_before_is_read_without_a_network(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_build(tmp_path / "build")
    publish(hub, tmp_path / "build")
    rows = list(conversations(REPO))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = len(hub.requests)
    assert list(conversations(REPO)) == rows
    with pytest.raises(
        DatasetError, match=r"no folder euskaltzaleak/ez here, and the Hub does not give it .* unset HF_HUB_OFFLINE"
    ):
        conversations("euskaltzaleak/ez")
    assert len(hub.requests) == asked
