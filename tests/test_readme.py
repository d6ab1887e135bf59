"""The README stays true: its commands run, those that cannot run here are dry-run, and its links lead somewhere."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
import yaml
from s3fs import S3FileSystem

from schemas.modes import ModeSpec
from schemas.reading import read_recipe, read_training_recipe
from schemas.yaml_text import parse_yaml
from tests.support.bucket_server import bucket_server

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Every block of commands says in a comment before it how it is tested.
BLOCK = re.compile(r"<!-- (?P<kind>[a-z-]+) -->\n```bash\n(?P<body>.*?)```", re.DOTALL)
BLOCKS = [(match["kind"], match["body"]) for match in BLOCK.finditer(README)]
KINDS = {"run", "bucket", "serve", "client", "keys", "needs-gpu", "needs-hub", "needs-corpus", "make"}


def commands(kind: str) -> list[str]:
    lines = [line.split(" #")[0].strip() for found, body in BLOCKS if found == kind for line in body.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def environment() -> dict[str, str]:
    """The activated environment, without settings or tokens of this machine."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ITURRI_")}
    variables.pop("HF_TOKEN", None)
    path = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    return {**variables, "PATH": path, "HF_HUB_OFFLINE": "1"}


def shell(command: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a user has after cloning, as far as the commands need it."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("recipes", "demo"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_every_block_of_commands_says_how_it_is_tested() -> None:
    assert len(BLOCKS) == README.count("```bash\n")
    assert {kind for kind, _ in BLOCKS} == KINDS


@pytest.mark.engine
def test_the_commands_run_in_their_order_and_what_they_publish_loads(checkout: Path) -> None:
    script = "\n".join(body for kind, body in BLOCKS if kind == "run")
    shell(script, checkout)
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "'role': 'assistant'" in shell(f"python -c {shlex.quote(program)}", checkout)


@pytest.mark.engine
def test_what_was_built_goes_to_a_bucket(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the commands before it; the server is a test's own."""
    (command,) = commands("bucket")
    with bucket_server(tmp_path / "log") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        store = S3FileSystem(skip_instance_cache=True)
        store.mkdir("your-bucket")
        shell(command, checkout)
        assert "README.md" in {path.rpartition("/")[2] for path in store.find("your-bucket/your-dataset")}


@pytest.mark.engine
def test_the_service_starts_as_it_says_and_gets_ready(checkout: Path) -> None:
    (command,) = commands("serve")
    assert command.endswith(" --port 8000")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["bash", "-c", f"exec env {command.replace('8000', str(port))}"],
        cwd=checkout,
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(400):
            time.sleep(0.5)
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/readyz").is_success:
                    break
            assert server.poll() is None
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/docs").status_code == 200
        script = "\n".join(body for kind, body in BLOCKS if kind == "client")
        assert '"state":"queued"' in shell(script.replace("8000", str(port)), checkout)
        (command,) = commands("keys")
        key = shell(command, checkout).strip()
        answer = httpx.get(f"http://127.0.0.1:{port}/v1/me", headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, answer.json()["name"]) == (200, "ane")
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0


def test_commands_that_need_a_gpu_are_dry_run(checkout: Path) -> None:
    for command in commands("needs-gpu"):
        words = command.split()
        if words[:2] == ["pip", "install"]:
            extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            asked = re.findall(r"\[(\w+)\]", words[2])
            assert all(extra in extras["optional-dependencies"] for extra in asked)
        elif "train" in words and "--grid" in words:
            options = words[words.index("train") + 2 :]
            assert options == ["--grid", "--launcher", '"accelerate', 'launch"']
            assert "exp_2_111" in shell(f"iturri train {words[2]} --grid --list", checkout)
        elif "train" in words:
            assert read_training_recipe(checkout / words[words.index("train") + 1]).method == "full"
            assert words[0] == "iturri" or words[:4] == ["accelerate", "launch", "$(which", "iturri)"]
        elif words[:2] == ["iturri", "build"]:
            assert "OK" in shell(f"iturri recipe check {words[2]}", checkout)
        else:
            pytest.fail(f"no dry run is known for: {command}")


def test_commands_that_need_the_hub_are_dry_run(checkout: Path) -> None:
    for command in commands("needs-hub"):
        words = command.split()
        if words[:2] == ["iturri", "publish"]:
            options = {word for word in words if word.startswith("--")}
            helped = shell("iturri publish --help", checkout)
            assert "--repo" in options and all(option in helped for option in options)
        else:
            assert words[0] == "export", f"no dry run is known for: {command}"


def test_commands_that_need_a_corpus_are_dry_run(checkout: Path) -> None:
    for command in commands("needs-corpus"):
        words = command.split()
        assert words[:3] == ["iturri", "language", "new"], f"no dry run is known for: {command}"
        described = shell("iturri language new --help", checkout)
        assert all(word in described for word in words if word.startswith("--"))


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands("make"):
        word, target = command.split()
        assert word == "make"
        assert f"\n{target}:" in makefile


def test_links_lead_to_files_that_exist() -> None:
    for document in (ROOT / "README.md", ROOT / "demo" / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def yaml_blocks(document: Path) -> list[Any]:
    bodies = re.findall(r"```yaml\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    return [parse_yaml(body, document.name) for body in bodies]


def test_recipes_and_modes_in_the_documents_are_valid(tmp_path: Path) -> None:
    """Those that are whole, of builds or trainings, and those that show `modes` and leave the rest to the reader."""
    rest = {"name": "shown", "language": "eu", "backbone": "demo", "target": {"conversations": 1}}
    path = tmp_path / "recipe.yaml"
    seen: set[tuple[str, str]] = set()
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in yaml_blocks(document):
            if isinstance(block, dict) and block.keys() & {"name", "modes"}:
                whole = block if "name" in block else {**rest, **block}
                path.write_text(yaml.safe_dump(whole), encoding="utf-8")
                if "model" in whole:
                    seen.add((document.name, read_training_recipe(path).method))
                else:
                    seen |= {(document.name, spec.mode) for spec in read_recipe(path).modes}
    assert {("README.md", "magpie"), ("training.md", "full")} <= seen
    modes = {spec.model_fields["mode"].annotation.__args__[0] for spec in get_args(get_args(ModeSpec)[0])}
    assert {mode for name, mode in seen if name == "modes.md"} == modes


def test_what_the_commands_write_is_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    written = {name for kind, body in BLOCKS if kind == "run" for name in re.findall(r"--(?:out|to) (\w+)", body)}
    assert written == {"published", "filtered", "different"}
    assert {f"/{name}/" for name in written} <= set(ignored)


def test_more_links_each_document_once() -> None:
    more = README.partition("\n## More\n")[2]
    links = re.findall(r"\]\((docs/[^)]+)\)", more)
    assert sorted(links) == sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
