"""A push to a repository that is not the publisher's alone: other people's commits, and closed doors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.utils._http import get_session

from publishers import hub as pushing
from publishers.handwritten import BEGIN, END
from publishers.hub import publish_to_hub
from publishers.hub_repository import HubRepository
from publishers.publication import read_publication
from publishers.result import PublicationResult
from schemas.errors import HubAuthError, PublishError
from tests.support.hub_server import CLIENT_WARNING, HubServer
from tests.support.hub_store import Commit, Repository
from tests.support.publishers_builds import make_build

pytestmark = pytest.mark.filterwarnings(CLIENT_WARNING)

REPO = "euskaltzaleak/proba"
SHARD = "data/magpie-eu/train-00001.parquet"


def push(build: Path, hub: HubServer, token: str = HubServer.token) -> PublicationResult:
    return publish_to_hub(build, REPO, private=False, token=token, endpoint=hub.endpoint)


def paths(build: Path) -> set[str]:
    return {file.path for file in read_publication(build, REPO).files()}


def by_hand(hub: HubServer, **files: bytes | None) -> None:
    """A commit of somebody else, who adds files or takes them away; `__` stands for a slash, `_` for a dot."""
    repository = hub.repositories[REPO]
    there = dict(repository.files)
    for name, content in files.items():
        path = name.replace("__", "/").replace("_", ".")
        if content is None:
            del there[path]
        else:
            there[path] = content
    repository.commits.append(Commit("by hand", there))


@pytest.mark.parametrize("number", [1, 2])
def test_commits_of_others_in_between_stay(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch, waits: list[float], number: int
) -> None:
    """Before the first commit of two, or before the last: each is refused once, and made on top of theirs."""
    build = tmp_path / "build"
    make_build(build, shards=4)
    HfApi(endpoint=hub.endpoint, token=hub.token).create_repo(REPO, repo_type="dataset")
    commit, calls = HubRepository.commit, [0]

    def late(repository: HubRepository, *arguments: object) -> None:
        calls[0] += 1
        if calls[0] == number:
            by_hand(hub, notes_txt=b"ours too")
        commit(repository, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pushing, "FILES_PER_COMMIT", 3)
    monkeypatch.setattr(HubRepository, "commit", late)
    result = push(build, hub)
    assert set(hub.files(REPO)) == paths(build) | {"notes.txt"}
    ours = [commit.message != "by hand" for commit in hub.commits(REPO)]
    assert ours == [[False, True, True], [True, False, True]][number - 1]
    assert result.revision == hub.commits(REPO)[-1].oid
    assert waits == [1.0]


def test_a_file_that_somebody_deleted_comes_back(build: Path, hub: HubServer) -> None:
    push(build, hub)
    before = hub.files(REPO)
    by_hand(hub, **{"data__magpie-eu__train-00001_parquet": None})
    assert SHARD not in hub.files(REPO)
    uploads = len(hub.uploads)
    assert push(build, hub).uploaded == 1
    assert hub.files(REPO) == before
    assert len(hub.uploads) == uploads, "the Hub has the object still"


def test_a_shard_that_somebody_replaced_is_put_back(build: Path, hub: HubServer) -> None:
    push(build, hub)
    before = hub.files(REPO)
    by_hand(hub, **{"data__magpie-eu__train-00001_parquet": b"mine"})
    assert push(build, hub).uploaded == 1
    assert hub.files(REPO) == before


def test_the_repository_that_was_deleted_is_made_again(build: Path, hub: HubServer) -> None:
    push(build, hub)
    del hub.repositories[REPO]
    push(build, hub)
    assert set(hub.files(REPO)) == paths(build)


def _gated(repository: Repository) -> None:
    repository.gated = "manual"


def _disabled(repository: Repository) -> None:
    repository.disabled = True


def _renamed(repository: Repository) -> None:
    repository.rename_branch("main", "old")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_gated, "is gated, and the token's owner has no access; ask for it"),
        (_disabled, "is disabled on the Hub, its page says why"),
        (_renamed, "has no branch main, .*; make it again on the Hub, or choose another repository"),
    ],
)
def test_a_repository_that_is_closed_is_one_line(
    tmp_path: Path, hub: HubServer, change: Callable[[Repository], None], says: str
) -> None:
    make_build(tmp_path / "build", shards=2)
    push(tmp_path / "build", hub)
    commits = len(next(iter(hub.repositories[REPO].branches.values())))
    change(hub.repositories[REPO])
    make_build(tmp_path / "build", shards=3)
    with pytest.raises(PublishError, match=f"^{REPO} {says}") as refused:
        push(tmp_path / "build", hub)
    assert "\n" not in str(refused.value)
    assert len(next(iter(hub.repositories[REPO].branches.values()))) == commits


def test_a_gated_repository_of_ones_own_is_published_to(tmp_path: Path, hub: HubServer) -> None:
    make_build(tmp_path / "build", shards=2)
    push(tmp_path / "build", hub)
    hub.repositories[REPO].gated = "manual"
    hub.repositories[REPO].granted.add(hub.token)
    make_build(tmp_path / "build", shards=3)
    push(tmp_path / "build", hub)
    assert set(hub.files(REPO)) == paths(tmp_path / "build")


def test_somebody_elses_repository_is_refused(build: Path, hub: HubServer) -> None:
    push(build, hub)
    by_hand(hub, **{"data__magpie-eu__train-00001_parquet": None})
    with pytest.raises(HubAuthError, match=r"may not write to euskaltzaleak/proba \(403\)"):
        push(build, hub, hub.other_token)


def test_a_rate_limit_in_the_middle_is_waited_for(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    make_build(tmp_path / "build", shards=6)
    monkeypatch.setattr(pushing, "FILES_PER_COMMIT", 2)
    hub.limit_commits(2, retry_after=7)

    def until_it_is_lifted(seconds: float) -> None:
        waits.append(seconds)
        hub.lift_limit()

    monkeypatch.setattr("time.sleep", until_it_is_lifted)
    push(tmp_path / "build", hub)
    assert waits == [7.0]
    assert hub.limited == 1
    assert set(hub.files(REPO)) == paths(tmp_path / "build")


def test_a_large_push_takes_larger_commits_and_not_more(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_build(tmp_path / "build", shards=30, rows=1)
    monkeypatch.setattr(pushing, "FILES_PER_COMMIT", 1)
    push(tmp_path / "build", hub)
    assert set(hub.files(REPO)) == paths(tmp_path / "build")
    assert 10 < len(hub.commits(REPO)) <= pushing.COMMITS + 1


def in_card(hub: HubServer, old: str, new: str) -> None:
    """A commit of somebody who edits the card."""
    text = hub.files(REPO)["README.md"].decode()
    assert old in text
    by_hand(hub, README_md=text.replace(old, new).encode())


def test_what_is_written_into_the_card_on_the_hub_stays(tmp_path: Path, hub: HubServer) -> None:
    make_build(tmp_path / "build", shards=2)
    push(tmp_path / "build", hub)
    in_card(hub, f"{BEGIN}\n", f"{BEGIN}\n## Nork egina\n\nGuk geuk.\n")
    assert push(tmp_path / "build", hub).uploaded == 0
    make_build(tmp_path / "build", shards=3)
    push(tmp_path / "build", hub)
    text = hub.files(REPO)["README.md"].decode()
    assert f"{BEGIN}\n## Nork egina\n\nGuk geuk.\n{END}" in text
    assert "train-00002.parquet" in text


def test_what_is_written_while_a_push_is_under_way_stays(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    make_build(tmp_path / "build", shards=2)
    push(tmp_path / "build", hub)
    make_build(tmp_path / "build", shards=3)
    commit, calls = HubRepository.commit, [0]

    def late(repository: HubRepository, *arguments: object) -> None:
        if not calls[0]:
            in_card(hub, f"{BEGIN}\n", f"{BEGIN}\nGuk geuk.\n")
        calls[0] += 1
        commit(repository, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(HubRepository, "commit", late)
    push(tmp_path / "build", hub)
    assert (calls, waits) == ([2], [1.0])
    text = hub.files(REPO)["README.md"].decode()
    assert "Guk geuk." in text and "train-00002.parquet" in text


def test_an_edit_of_the_card_that_would_be_lost_is_refused_and_nothing_is_sent(tmp_path: Path, hub: HubServer) -> None:
    make_build(tmp_path / "build", shards=2)
    push(tmp_path / "build", hub)
    in_card(hub, "## How to load", "## How I load it")
    commits, uploads = len(hub.commits(REPO)), len(hub.uploads)
    make_build(tmp_path / "build", shards=3)
    with pytest.raises(PublishError, match="edited where it is not yours, in `## How I load it`"):
        push(tmp_path / "build", hub)
    assert (len(hub.commits(REPO)), len(hub.uploads)) == (commits, uploads)


def test_a_card_that_was_deleted_is_written_anew(build: Path, hub: HubServer) -> None:
    push(build, hub)
    before = hub.files(REPO)
    by_hand(hub, README_md=None)
    push(build, hub)
    assert hub.files(REPO) == before


def test_a_change_log_of_somebody_else_is_not_written_over(build: Path, hub: HubServer) -> None:
    push(build, hub)
    by_hand(hub, CHANGELOG_md=b"# Mine\n")
    assert push(build, hub).uploaded == 0
    with pytest.raises(PublishError, match=r"holds a CHANGELOG\.md that Iturri has not written"):
        publish_to_hub(build, REPO, private=False, token=hub.token, endpoint=hub.endpoint, tag="v1.0")
    assert hub.files(REPO)["CHANGELOG.md"] == b"# Mine\n"


def test_what_others_add_after_a_push_that_broke_off_does_not_hinder_the_next(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    make_build(tmp_path / "build", shards=4)
    monkeypatch.setattr(pushing, "FILES_PER_COMMIT", 2)
    hub.limit_commits(1, retry_after=3600)
    with pytest.raises(PublishError, match="rate limit"):
        push(tmp_path / "build", hub)
    hub.lift_limit()
    by_hand(hub, notes_txt=b"ours too")
    push(tmp_path / "build", hub)
    assert set(hub.files(REPO)) == paths(tmp_path / "build") | {"notes.txt"}


def test_an_earlier_state_does_not_come_after_a_later_one(tmp_path: Path, hub: HubServer) -> None:
    make_build(tmp_path / "build", shards=3)
    push(tmp_path / "build", hub)
    make_build(tmp_path / "build", shards=2)
    with pytest.raises(PublishError, match="holds a later state of this build"):
        push(tmp_path / "build", hub)


def test_a_card_that_is_no_text_is_not_written_over(build: Path, hub: HubServer) -> None:
    push(build, hub)
    by_hand(hub, README_md="Españan".encode("latin-1"))
    with pytest.raises(PublishError, match="no text in UTF-8"):
        push(build, hub)


def test_a_tag_of_another_manifest_is_no_release(build: Path, hub: HubServer) -> None:
    push(build, hub)
    theirs = hub.files(REPO)
    by_hand(hub, manifest_json=b"{}")
    hub.repositories[REPO].tags["theirs"] = hub.commits(REPO)[-1].oid
    by_hand(hub, manifest_json=theirs["manifest.json"])
    publish_to_hub(build, REPO, private=False, token=hub.token, endpoint=hub.endpoint, tag="v1.0")
    assert b"theirs" not in hub.files(REPO)["CHANGELOG.md"]


def test_a_hub_that_goes_silent_is_not_waited_for_without_end(build: Path, hub: HubServer) -> None:
    push(build, hub)
    timeout = get_session().timeout
    assert None not in (timeout.connect, timeout.read, timeout.write)
