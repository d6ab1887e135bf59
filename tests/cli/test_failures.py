"""What the command says when it fails: one line and an exit code, never a traceback."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from cli.failures import failure, run
from schemas.errors import BackboneError, RecipeError
from tests.support.cli_command import PROGRAM, environment, iturri, one_line


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RecipeError("a.yaml: target:\n wrong"), 2, "a.yaml: target: wrong"),
        (BackboneError("it died"), 1, "it died"),
        (OSError(errno.ENOSPC, "No space left on device", "x.parquet"), 1, "make room and run the same command again"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 1, "x: Permission denied"),
        (KeyError("x"), 1, "this is a bug in Iturri"),
        (ExceptionGroup("tasks", [ExceptionGroup("inner", [RecipeError("deep")])]), 2, "deep"),
    ],
)
def test_errors_become_a_line_and_a_code(error: Exception, code: int, words: str) -> None:
    found = failure(error)
    assert found.exit_code == code
    assert words in found.message
    assert "\n" not in found.message


def test_a_bug_shows_its_traceback_to_those_who_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise ZeroDivisionError("by zero")

    assert run(fail) == 1
    said = one_line(capsys.readouterr().err)
    assert "ZeroDivisionError: by zero" in said
    assert "ITURRI_DEBUG=1" in said
    monkeypatch.setenv("ITURRI_DEBUG", "1")
    assert run(fail) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("build",),
        ("build", "a.yaml", "b.yaml", "--out", "somewhere"),
        ("build", "a.yaml", "--target", "0"),
        ("build", "a.yaml", "--colour"),
        ("nonsense",),
        ("publish", "somewhere", "--to", "x", "--repo", "a/b"),
        ("serve", "--port", "99999"),
        ("show", "x", "-n", "-1"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = iturri(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert one_line(done.stderr).startswith("iturri: ")
    assert "--help" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (("build", "missing.yaml"), {}, "missing.yaml: no such recipe"),
        (("show", "nowhere"), {}, "nowhere is no build directory"),
        (("publish", "nowhere", "--to", "x"), {}, "nowhere is no build directory"),
        (("build", "a.yaml", "--backbones", "missing.yaml"), {}, "--backbones: missing.yaml"),
        (("build", "a.yaml"), {"ITURRI_WORKERS": "-3"}, "ITURRI_WORKERS"),
        (("build", "a.yaml"), {"ITURRI_LOG_LEVEL": "loud"}, "ITURRI_LOG_LEVEL"),
    ],
)
def test_bad_input(tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], words: str) -> None:
    done = iturri(*arguments, "-q" if arguments[0] == "build" else "--json", cwd=tmp_path, **variables)
    assert done.returncode == 2
    assert words in one_line(done.stderr)
    assert done.stdout == ""


def test_version_and_help(tmp_path: Path) -> None:
    done = iturri("--version", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("iturri ")
    helped = iturri("--help", cwd=tmp_path)
    assert helped.returncode == 0
    assert all(command in helped.stdout for command in ("build", "show", "publish", "serve", "recipe", "doctor"))
    bare = iturri(cwd=tmp_path)
    assert "build" in bare.stdout + bare.stderr


def test_a_reader_that_leaves_is_no_failure_to_talk_about(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, *PROGRAM, "recipe", "schema"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert said == b""


def test_a_full_disk_under_our_output(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, *PROGRAM, "recipe", "schema"],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in one_line(done.stderr)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_swallow_what_is_said(tmp_path: Path, closed: str) -> None:
    command = [sys.executable, *PROGRAM, "recipe", "schema"]
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" "$@" {closed}', *command],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_an_encoding_lacks_is_escaped(tmp_path: Path) -> None:
    done = iturri("recipe", "check", "ñ.yaml", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert one_line(done.stderr) == "iturri: \\xf1.yaml: no such recipe"


def test_help_that_is_shown_for_want_of_a_command_is_all_that_is_said(tmp_path: Path) -> None:
    done = iturri("recipe", cwd=tmp_path)
    assert done.returncode == 2
    assert "iturri: " not in done.stderr
