"""The unmodified client of the Hub against the tests' own Hub, over HTTP."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from publishers import hub as hub_module
from publishers.hub import publish_to_hub
from publishers.manifest import read_manifest, write_manifest
from publishers.publication import read_publication
from publishers.result import PublicationResult
from schemas.errors import HubAuthError, InputError, IturriError, PublishError, RecipeError
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.hub_store import Commit, Repository
from tests.support.publishers_builds import conversation, make_build, manifest, recipe_fields, seal

pytestmark = pytest.mark.filterwarnings(CLIENT_WARNING)

REPO = "euskaltzaleak/proba"


def push(build: Path, hub: HubServer, token: str | None = HubServer.token, private: bool = False) -> PublicationResult:
    return publish_to_hub(build, REPO, private=private, token=token, endpoint=hub.endpoint)


def expected(build: Path) -> dict[str, bytes]:
    files = read_publication(build, REPO).files()
    return {file.path: file.source if isinstance(file.source, bytes) else file.source.read_bytes() for file in files}


def test_a_push_puts_exactly_the_files_of_the_manifest_there(build: Path, hub: HubServer) -> None:
    result = push(build, hub)
    assert hub.files(REPO) == expected(build)
    assert (result.files, result.uploaded, result.skipped) == (6, 6, 0)
    assert result.bytes == sum(len(content) for content in expected(build).values())
    assert result.target == f"{hub.endpoint}/datasets/{REPO}"
    assert result.revision == hub.commits(REPO)[-1].oid
    assert REPO in hub.files(REPO)["README.md"].decode()


def test_a_second_push_uploads_and_commits_nothing(build: Path, hub: HubServer) -> None:
    first = push(build, hub)
    hub.uploads.clear()
    second = push(build, hub)
    assert (second.uploaded, second.skipped, second.bytes) == (0, 6, 0)
    assert second.revision == first.revision
    assert len(hub.commits(REPO)) == 1
    assert hub.uploads == []


def test_a_grown_build_uploads_only_what_is_new(build: Path, hub: HubServer) -> None:
    push(build, hub)
    hub.uploads.clear()
    new = seal(build, "magpie", "train", 2, [conversation(500)])
    write_manifest(manifest((*read_manifest(build).shards, new)), build)
    assert push(build, hub).uploaded == 4
    assert hub.uploads == [new.sha256]
    assert hub.files(REPO) == expected(build)


def test_commits_are_bounded_and_the_head_comes_with_the_last(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "FILES_PER_COMMIT", 2)
    make_build(tmp_path / "build", shards=4)
    push(tmp_path / "build", hub)
    *before, last = hub.commits(REPO)
    assert [len(commit.files) - 1 for commit in (*before, last)] == [2, 4, 8]
    assert not any({"README.md", "manifest.json"} & set(commit.files) for commit in before)
    assert {"README.md", "manifest.json"} < set(last.files)


def test_commits_are_bounded_by_bytes(tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "BYTES_PER_COMMIT", 1)
    make_build(tmp_path / "build", shards=2)
    push(tmp_path / "build", hub)
    assert len(hub.commits(REPO)) == 3
    assert hub.files(REPO) == expected(tmp_path / "build")


def test_interrupted_between_commits_then_repeated(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "FILES_PER_COMMIT", 2)
    build = tmp_path / "build"
    make_build(build, shards=4)
    with monkeypatch.context() as patch:
        real = HfApi.create_commit
        calls: list[int] = []

        def interrupted(*args: object, **kwargs: object) -> object:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return real(*args, **kwargs)  # type: ignore[call-overload]

        patch.setattr(HfApi, "create_commit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            push(build, hub)
    assert len(hub.files(REPO)) == 2
    hub.uploads.clear()
    result = push(build, hub)
    assert (result.uploaded, result.skipped) == (6, 2)
    assert len(hub.uploads) == 3
    assert hub.files(REPO) == expected(build)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_whose_connection_breaks_is_made_once(
    build: Path, hub: HubServer, waits: list[float], when: str
) -> None:
    hub.drop("POST /api/.*/commit/", when)  # type: ignore[arg-type]
    result = push(build, hub)
    assert hub.files(REPO) == expected(build)
    assert len(hub.commits(REPO)) == 1
    assert result.uploaded == 6
    assert waits == [1.0]


@pytest.mark.parametrize(
    "page",
    [
        "POST /api/repos/create",
        "GET /api/.*/tree/",
        "POST /api/validate-yaml",
        "POST /api/.*/preupload/",
        "POST /datasets/.*/batch",
        "PUT /lfs/",
        "POST /lfs/.*/verify",
        "POST /api/.*/commit/",
        f"GET /api/datasets/{REPO}/revision/main$",
    ],
)
@pytest.mark.parametrize("status", [500, 503])
def test_a_busy_hub_is_asked_again(build: Path, hub: HubServer, waits: list[float], page: str, status: int) -> None:
    hub.fail(page, times=2, status=status)
    push(build, hub)
    assert hub.files(REPO) == expected(build)
    assert len(hub.commits(REPO)) == 1
    assert sorted(waits)[-1] >= 1.0
    assert hub.faults[0].times == 0


@pytest.mark.parametrize("headers", [{"Retry-After": "17"}, {"RateLimit": '"api";r=0;t=17'}])
def test_the_wait_that_the_hub_asks_for_is_kept(
    build: Path, hub: HubServer, waits: list[float], headers: dict[str, str]
) -> None:
    hub.fail("POST /api/.*/commit/", status=429, headers=headers)
    push(build, hub)
    assert waits == [17.0]


def test_a_date_to_retry_after_is_understood(build: Path, hub: HubServer, waits: list[float]) -> None:
    hub.fail("POST /api/.*/commit/", status=429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    push(build, hub)
    assert waits == [0.0]


def test_a_wait_too_long_is_left_to_the_user(build: Path, hub: HubServer, waits: list[float]) -> None:
    hub.fail("POST /api/.*/commit/", status=429, headers={"Retry-After": "3000"})
    with pytest.raises(PublishError, match=r"rate limit is reached \(429\); publish again in 3000 s to go on"):
        push(build, hub)
    assert waits == []
    push(build, hub)
    assert hub.files(REPO) == expected(build)


def test_a_hub_that_stays_down_is_one_line(build: Path, hub: HubServer, waits: list[float]) -> None:
    hub.fail("POST /api/.*/commit/", times=99, status=503)
    with pytest.raises(PublishError, match=r"the Hub did not take the commit \(503\)") as caught:
        push(build, hub)
    assert "\n" not in str(caught.value)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_hub_that_cannot_be_reached_is_one_line(build: Path, waits: list[float]) -> None:
    with HubServer() as gone:
        endpoint = gone.endpoint
    with pytest.raises(PublishError, match=r"the Hub did not make the repository: .*publish again") as caught:
        publish_to_hub(build, REPO, private=False, token="hf_x", endpoint=endpoint)
    assert "\n" not in str(caught.value)
    assert len(waits) == 5


def test_offline_mode_is_named(build: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(PublishError, match="HF_HUB_OFFLINE is set"):
        push(build, hub)
    assert hub.requests == []


@pytest.mark.parametrize("token", [None, "", "  \n"])
def test_without_a_token_the_network_is_not_used(build: Path, hub: HubServer, token: str | None) -> None:
    with pytest.raises(HubAuthError, match="no Hub token; set HF_TOKEN"):
        push(build, hub, token)
    assert hub.requests == []


def test_stray_blanks_around_a_token_do_no_harm(build: Path, hub: HubServer) -> None:
    push(build, hub, f" {HubServer.token}\n")
    assert hub.files(REPO) == expected(build)


def test_an_unknown_token(build: Path, hub: HubServer) -> None:
    with pytest.raises(HubAuthError, match=r"does not accept the token for .* \(401\); set HF_TOKEN"):
        push(build, hub, "hf_wrong")
    assert hub.repositories == {}


def test_a_token_that_may_only_read(build: Path, hub: HubServer) -> None:
    with pytest.raises(HubAuthError, match=rf"the token may not write to {REPO} \(403\)"):
        push(build, hub, HubServer.read_token)
    assert hub.repositories == {}


def test_a_token_that_may_only_read_an_existing_repository(build: Path, hub: HubServer) -> None:
    hub.repositories[REPO] = Repository(private=False)
    with pytest.raises(HubAuthError, match=rf"the token may not write to {REPO} \(403\)"):
        push(build, hub, HubServer.read_token)
    assert hub.files(REPO) == {}


@pytest.mark.parametrize("token", ["hf_wrongSecret", "hf_bad Secret", "hf_bád", "hf_a\nSecret", HubServer.read_token])
def test_the_token_appears_nowhere(
    build: Path, hub: HubServer, caplog: pytest.LogCaptureFixture, token: str, waits: list[float]
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.fail("POST /api/repos/create", status=503)
    with pytest.raises(HubAuthError) as caught:
        push(build, hub, token)
    said = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert token not in said
    assert "Secret" not in said


def test_the_token_is_not_in_what_a_good_push_says(
    build: Path, hub: HubServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    result = push(build, hub)
    out = capfd.readouterr()
    assert HubServer.token not in result.model_dump_json() + caplog.text + out.out + out.err
    assert out.out == ""


def test_a_recipe_without_a_licence_stays_off_the_hub(tmp_path: Path, hub: HubServer) -> None:
    make_build(tmp_path / "build", recipe=recipe_fields(licence=None))
    with pytest.raises(RecipeError, match=r"publish\.licence: .*set it in the recipe"):
        push(tmp_path / "build", hub)
    assert hub.requests == []


def test_a_private_repository_is_made_private(build: Path, hub: HubServer) -> None:
    push(build, hub, private=True)
    assert hub.repositories[REPO].private
    assert push(build, hub, private=True).uploaded == 0


def test_private_data_never_go_to_a_public_repository(build: Path, hub: HubServer) -> None:
    hub.repositories[REPO] = Repository(private=False)
    with pytest.raises(PublishError, match="is public already"):
        push(build, hub, private=True)
    assert hub.files(REPO) == {}


@pytest.mark.parametrize(
    ("path", "content"),
    [("data.csv", b"a,b"), ("data/magpie-eu/train-00000.parquet", b"another"), ("data/x/train-00000.parquet", b"x")],
)
def test_a_repository_with_something_else_is_refused(build: Path, hub: HubServer, path: str, content: bytes) -> None:
    repository = hub.repositories[REPO] = Repository(private=False)
    repository.commits.append(Commit("earlier work", {path: content}))
    with pytest.raises(PublishError, match=rf"holds {path}, which is not of this build"):
        push(build, hub)
    assert hub.files(REPO) == {path: content}


def test_a_repository_made_by_hand_with_a_card_and_a_licence_is_taken(build: Path, hub: HubServer) -> None:
    repository = hub.repositories[REPO] = Repository(private=False)
    repository.commits.append(Commit("made on the web", {"README.md": b"# Hi", "LICENSE": b"CC0"}))
    push(build, hub)
    files = hub.files(REPO)
    assert b"\n# Hi\n" in files.pop("README.md")
    assert files | {"README.md": b""} == {"LICENSE": b"CC0"} | expected(build) | {"README.md": b""}


def test_the_publication_of_another_build_is_refused(build: Path, hub: HubServer, tmp_path: Path) -> None:
    push(build, hub)
    before = hub.files(REPO)
    other = tmp_path / "other"
    write_manifest(manifest((seal(other, "magpie", "train", 0, [conversation(77)]),)), other)
    with pytest.raises(PublishError, match="holds the publication of another build"):
        push(other, hub)
    assert hub.files(REPO) == before


def test_what_else_is_in_a_published_repository_is_left_alone(build: Path, hub: HubServer) -> None:
    push(build, hub)
    repository = hub.repositories[REPO]
    repository.commits.append(Commit("by hand", repository.files | {"LICENSE": b"CC0", "notes/mine.txt": b"Mine"}))
    push(build, hub)
    assert hub.files(REPO) == expected(build) | {"LICENSE": b"CC0", "notes/mine.txt": b"Mine"}


def test_a_file_that_the_hub_leaves_out_is_noticed(build: Path, hub: HubServer) -> None:
    hub.repositories[REPO] = Repository(private=False, ignored=("data/magpie-eu/train-00001.parquet",))
    with pytest.raises(PublishError, match=r"still lacks data/magpie-eu/train-00001\.parquet"):
        push(build, hub)


def test_a_damaged_shard_reaches_no_hub(build: Path, hub: HubServer) -> None:
    (build / "data/magpie-eu/train-00000.parquet").write_bytes(b"damaged")
    with pytest.raises(PublishError, match=r"train-00000\.parquet is damaged"):
        push(build, hub)
    assert hub.requests == []


def test_a_name_that_is_no_repository(build: Path, hub: HubServer) -> None:
    with pytest.raises(IturriError) as caught:
        publish_to_hub(build, "no such name!", private=False, token=HubServer.token, endpoint=hub.endpoint)
    assert isinstance(caught.value, InputError)
    assert str(caught.value).startswith("'no such name!' is no repository of the form namespace/name")
    assert hub.requests == []
