"""`iturri doctor`: each check by itself, and the command once."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from cli.checks import backbones, hub, service, software, storage
from cli.checks.embedders import check_embedders
from cli.checks.finding import Finding, Level
from cli.checks.languages import check_languages
from cli.checks.probe import ProbeError, probe
from languages.loader import load_pack
from languages.profile import build_profile
from languages.words import count_words
from schemas.backbones import BackboneSpec, EmbedderSpec, OpenAIBackbone, ScriptedBackbone, VllmBackbone
from schemas.settings import Settings
from tests.support.cli_command import ROOT, iturri, one_line
from tests.support.embedding_server import embedding_server
from tests.support.made_up_language import sentences

DEMO = ROOT / "demo" / "iturri-demo-eu"


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    assert (finding.cure is None) == (finding.level is Level.OK), "a cure is there when, and only when, one is needed"
    return finding


Serve = Callable[[Any], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that answer /v1/models with a given list, on a key; gives their base URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(models: Any) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                allowed = self.headers.get("Authorization") == "Bearer key"
                self.send_response(200 if allowed else 401)
                self.end_headers()
                self.wfile.write(json.dumps(models if allowed else {"error": "who are you?"}).encode())

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                known = "prompt_logprobs" in asked or "logprobs" not in asked
                self.send_response(200 if known else 400)
                self.end_headers()
                choice = {"text": "x", "finish_reason": "length", "prompt_logprobs": [None, {"7": {"logprob": -1.5}}]}
                answer = {"choices": [choice], "usage": {"completion_tokens": 1}}
                self.wfile.write(json.dumps(answer if known else {"error": "no logprobs here"}).encode())

            def log_message(self, format: str, *args: Any) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/v1"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def check_server(url: str, model: str = "m") -> Finding:
    spec = OpenAIBackbone(kind="openai", model=model, tokenizer=str(DEMO), endpoints=(url,), api_key_env="TRIAL_KEY")
    return only(backbones.check_backbones({"x": spec}))


def test_servers(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "_templates", lambda _: [])
    whole = serve({"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 512}]})
    text_only = serve({"data": [{"id": "m", "owned_by": "someone"}]})
    strange = serve(["no", "models"])
    monkeypatch.delenv("TRIAL_KEY", raising=False)
    assert "TRIAL_KEY is not set" in check_server(whole).text
    monkeypatch.setenv("TRIAL_KEY", "wrong")
    refused = check_server(whole)
    assert refused.level is Level.PROBLEM
    assert "401" in refused.text
    assert "wrong" not in refused.text
    monkeypatch.setenv("TRIAL_KEY", "key")
    vllm = check_server(whole)
    assert vllm.level is Level.OK
    assert "turns are watched, another model is seen by log-probabilities" in vllm.text
    assert check_server(text_only).level is Level.WARNING
    assert "text only, turns are not watched, another model is seen by what the server says" in (
        check_server(text_only).text
    )
    assert check_server(strange).level is Level.PROBLEM
    unknown = check_server(whole, "other")
    assert unknown.level is Level.PROBLEM
    assert "m" in unknown.text
    assert check_server("http://127.0.0.1:9/v1").level is Level.PROBLEM


def test_models(tmp_path: Path) -> None:
    for name in ("tokenizer.json", "config.json"):
        (tmp_path / name).write_bytes((DEMO / name).read_bytes())
    models = {"away": "nobody/nothing", "bare": tmp_path, "good": DEMO, "missing": tmp_path / "missing"}
    declared: dict[str, BackboneSpec] = {name: VllmBackbone(model=str(model)) for name, model in models.items()}
    found = {finding.subject.split()[1]: only([finding]) for finding in backbones.check_backbones(declared)}
    assert {name: finding.level for name, finding in found.items()} == {
        "away": Level.WARNING,
        "bare": Level.PROBLEM,
        "good": Level.OK,
        "missing": Level.PROBLEM,
    }
    assert "with a system role" in found["good"].text
    assert "chat template" in found["bare"].text


def test_embedders(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(check_embedders({})) == []
    with embedding_server() as server:
        spec = EmbedderSpec.model_validate(server.spec())
        found = only(list(check_embedders({"x": spec})))
        assert (found.level, found.subject) == (Level.OK, "embedder x")
        assert "256 numbers a text" in found.text
        other = only(list(check_embedders({"x": spec.model_copy(update={"model": "bestea"})})))
        assert other.level is Level.PROBLEM
        assert "does not exist" in other.text
    gone = only(list(check_embedders({"x": spec})))
    assert gone.level is Level.PROBLEM
    assert "gives no embeddings" in gone.text


def test_no_backbones_at_all() -> None:
    assert only(backbones.check_backbones({})).level is Level.WARNING
    scripted = ScriptedBackbone(kind="scripted", user_turns=("a",), replies=("b",))
    assert only(backbones.check_backbones({"x": scripted})).level is Level.OK


def test_vllm_that_is_missing_matters_to_those_who_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert only(software.check_vllm({})).level is Level.WARNING
    assert only(software.check_vllm({"demo": VllmBackbone(model="m")})).level is Level.PROBLEM


def test_vllm_that_crashes_does_not_take_the_doctor_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "_ENGINE", "import os; os.abort()")
    found = only(software.check_vllm({}))
    assert found.level is Level.PROBLEM
    assert "signal 6" in found.text


def test_a_probe_says_what_went_wrong() -> None:
    assert probe("print('noise'); answer([sys.argv[1]])", "x") == ["x"]
    with pytest.raises(ProbeError, match="ModuleNotFoundError: No module named 'nonsense'"):
        probe("import nonsense")
    with pytest.raises(ProbeError, match="exit code 0"):
        probe("pass")


def test_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(builds=tmp_path / "not" / "yet")
    findings = storage.check_storage(settings)
    assert [finding.subject for finding in findings] == ["builds", "disk", "locking", "renaming"]
    assert findings[0].level is findings[2].level is findings[3].level is Level.OK
    assert list(tmp_path.iterdir()) == [], "the doctor leaves nothing behind"
    monkeypatch.setattr(storage, "on_network_filesystem", lambda _: True)
    on_network = storage.check_storage(settings)
    assert on_network[0].level is Level.WARNING
    assert "delete journal" in on_network[2].text
    monkeypatch.setattr(storage, "NO_ROOM_BYTES", 1 << 62)
    assert storage.check_storage(settings)[1].level is Level.PROBLEM
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert only(storage.check_storage(Settings(builds=tmp_path / "file"))).level is Level.PROBLEM


def test_locks_that_do_not_hold_are_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for held in ({"sqlite": False, "lock": True}, {"sqlite": True, "lock": False}):
        monkeypatch.setattr(storage, "probe", lambda *_, held=held: held)
        assert storage.check_storage(Settings(builds=tmp_path))[2].level is Level.PROBLEM


def test_a_storage_that_cannot_flush_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr("os.fsync", refuse)
    last = storage.check_storage(Settings(builds=tmp_path))[-1]
    assert last.level is Level.PROBLEM
    assert "Invalid argument" in last.text


def test_languages(tmp_path: Path) -> None:
    assert {finding.level for finding in check_languages(Settings())} == {Level.OK}
    basque = load_pack("eu").model_dump(mode="json", exclude_none=True, exclude={"profile", "words"})
    profile = build_profile("an", sentences(100))
    files = {
        "an": {"profile.json": profile, "words.tsv": count_words(sentences(100)).dump()},
        "ast": {"profile.json": profile.replace('"an"', '"ast"')},
        "lad": {"profile.json": profile},
        "mwl": {"profile.json": profile.replace('"an"', '"mwl"'), "words.tsv": "no statistics"},
        "oc": {},
    }
    for code, others in files.items():
        name = "TRANSLATE: Asturian" if code == "ast" else code
        texts = {"pack.yaml": yaml.safe_dump({**basque, "code": code, "name": name}), **others}
        (tmp_path / code).mkdir()
        for file, text in texts.items():
            (tmp_path / code / file).write_text(text, encoding="utf-8")
    found = {finding.subject: finding for finding in check_languages(Settings(languages=tmp_path))}
    assert {subject: found[f"language {subject}"].level for subject in files} == {
        "an": Level.OK,
        "ast": Level.WARNING,
        "lad": Level.PROBLEM,
        "mwl": Level.PROBLEM,
        "oc": Level.PROBLEM,
    }
    assert "1 field to translate" in found["language ast"].text
    assert "iturri language check ast" in str(found["language ast"].cure)
    assert "not the profile of 'lad'" in found["language lad"].text
    assert "words.tsv, line 1" in found["language mwl"].text
    assert "profile.json is missing" in found["language oc"].text
    assert only(check_languages(Settings(languages=tmp_path / "missing"))).level is Level.PROBLEM


def test_database() -> None:
    assert "18" in only(service.check_database(Settings())).text
    for url in ("postgresql://user:secret@127.0.0.1:9/x", "secret nonsense", "postgresql://user:secret@[::"):
        found = only(service.check_database(Settings(database_url=SecretStr(url))))
        assert found.level is Level.PROBLEM
        assert "secret" not in f"{found.text}{found.cure}"


def test_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert only(service.check_port(port)).level is Level.WARNING
    assert only(service.check_port(port)).level is Level.OK


def test_hub_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hub, "get_token", lambda: None)
    assert hub.check_hub()[0].level is Level.WARNING
    monkeypatch.setattr(hub, "get_token", lambda: "hf_secret")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    found = hub.check_hub()[0]
    assert found.level is Level.OK
    assert "HF_TOKEN" in found.text
    assert "hf_secret" not in found.text


def test_the_command(tmp_path: Path) -> None:
    declared = "scripted: {kind: scripted, user_turns: [a], replies: [b]}\n"
    (tmp_path / "backbones.yaml").write_text(declared, encoding="utf-8")
    done = iturri("doctor", "--backbones", "backbones.yaml", "--json", cwd=tmp_path)
    found = json.loads(one_line(done.stdout))
    levels = {finding["subject"]: finding["level"] for finding in found["findings"]}
    assert levels["backbone scripted"] == levels["vllm"] == levels["locking"] == "ok"
    assert found["healthy"] == ("problem" not in levels.values())
    assert done.returncode == (0 if found["healthy"] else 1)
    assert done.stderr == ""


def test_the_command_finds_what_is_wrong(tmp_path: Path) -> None:
    done = iturri("doctor", cwd=tmp_path, ITURRI_WORKERS="many")
    assert done.returncode == 1
    assert "problem" in done.stdout
    assert "ITURRI_WORKERS" in done.stdout
