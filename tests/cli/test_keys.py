"""`iturri keys`, beside a server's database and without one that runs."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import keys
from schemas.errors import InputError
from schemas.keys import Limits, Scope
from service.postgres import EmbeddedPostgres
from tests.support.cli_command import iturri, one_line

NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
FORM = r"itr_[0-9a-f]{8}_[A-Za-z0-9_-]{43}"


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A server's data folder. Not below pytest's own: as root the database runs under another user, who is kept out."""
    folder = Path(tempfile.mkdtemp(prefix="iturri-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def running(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The folder is in use; the database's address. The settings of this process name it."""
    monkeypatch.setenv("ITURRI_DATA", str(data))
    postgres = EmbeddedPostgres(data / "postgres")
    yield postgres.start()
    postgres.stop()


def made(capsys: pytest.CaptureFixture[str], name: str, scopes: str = "submit,read", **options: Any) -> dict[str, Any]:
    given = {"namespaces": "", "limits": Limits(), "expires": None, **options}
    assert keys.create(name, scopes, as_json=True, **given) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_made_listed_and_revoked_without_a_server(tmp_path: Path, data: Path) -> None:
    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        done = iturri(*arguments, cwd=tmp_path, ITURRI_DATA=str(data))
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    limits = ("--unfinished-jobs", "3", "--tokens-a-day", "1000000", "--expires", "90d")
    given, said = run("keys", "create", "ane", "--scopes", "submit, read", "--namespaces", "ours, theirs", *limits)
    assert re.fullmatch(FORM, given.strip())
    told, closed = said.splitlines()
    assert told == "iturri: this is the key ane, with submit, read; keep it now, it is not shown again"
    assert "asks for a key from now on" in closed
    out, _ = run("keys", "list")
    assert given.strip()[-43:] not in out
    for text in ("ane", "submit, read", "ours, theirs", "3 unfinished jobs", "good until", "never"):
        assert text in " ".join(out.split())
    out, _ = run("keys", "revoke", "ane", "--json")
    assert json.loads(out)["revoked"] is not None
    _, said = run("serve", "--host", "0.0.0.0", code=2)  # noqa: S104
    assert "make one with `iturri keys create`, set ITURRI_API_KEY, or serve 127.0.0.1" in said
    assert not (data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("by_address", [True, False])
def test_beside_a_server_that_runs(
    running: str, by_address: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_address:
        monkeypatch.setenv("ITURRI_DATABASE_URL", running)
        monkeypatch.setenv("ITURRI_DATA", "/nowhere")
    name = f"jon-{by_address}".lower()
    document = made(capsys, name, "admin", limits=Limits(requests_a_minute=60), expires="2100-01-31")
    assert re.fullmatch(FORM, document["secret"])
    key = document["key"]
    assert (key["scopes"], key["limits"]["requests_a_minute"]) == (["admin"], 60)
    assert key["expires"] == "2100-02-01T00:00:00Z"
    assert keys.show_all(as_json=True) == 0
    out = capsys.readouterr().out
    assert key in json.loads(out)["keys"] and document["secret"][-43:] not in out
    assert keys.revoke(name, as_json=False) == 0
    assert capsys.readouterr().out == f"{name} is revoked; servers that run refuse it within 3 seconds\n"
    with pytest.raises(InputError, match=f"there is no key '{name}' to revoke"):
        keys.revoke(name, as_json=False)


def test_a_name_that_is_taken(running: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert running
    made(capsys, "twice")
    with pytest.raises(InputError, match="there is a key 'twice' already"):
        made(capsys, "twice")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "ane"), ("--scopes",)),
        (("create", "ane", "--scopes", "read", "--expires", "soon"), ("--expires: 'soon'", "90d")),
    ],
)
def test_bad_input_is_one_line_and_starts_no_database(
    tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = iturri("keys", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    line = one_line(done.stderr)
    assert all(word in line for word in words), line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("read,write", "--scopes: 'write' is none; there are: submit, read, publish"),
        (" , ", "--scopes: .* opens nothing"),
    ],
)
def test_scopes_that_there_are_not(given: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        keys.create("ane", given, "", Limits(), None, as_json=False)


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ("90d", NOW + timedelta(days=90)),
        ("1d", NOW + timedelta(days=1)),
        ("2027-01-31", datetime(2027, 2, 1, tzinfo=UTC)),
        ("2028-02-28", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_when_a_key_ends(given: str, end: datetime) -> None:
    assert keys._end(given, NOW) == end


@pytest.mark.parametrize(
    "given", ["", "d", "0d", "-1d", "90", "90h", "2027-13-01", "31-01-2027", "999999d", "9999-12-31"]
)
def test_what_is_no_end(given: str) -> None:
    with pytest.raises(InputError, match="--expires"):
        keys._end(given, NOW)


def test_scopes_are_all_known() -> None:
    assert keys._scopes("submit,read,publish,review,admin") == list(Scope)
