"""The client against a server that does as it is told: what is sent, what is tried again, what is said of refusals."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ClientError, InputError, RecipeError
from schemas.job import JobState
from service.client.client import Client
from tests.support.builds import recipe
from tests.support.rooms import ROOT
from tests.support.scripted_http import HANG_UP, Answer, ScriptedServer, of, problem
from tests.support.served import AT, job

RECIPE = {"name": "small", "language": "eu", "backbone": "demo", "target": {"conversations": 5}}
SUBMIT = "POST /v1/jobs"
LIGHT = """
import sys, iturri
iturri.Client
ours = sorted(name for name in sys.modules if name.partition(".")[0] == "service")
heavy = ("fastapi", "psycopg", "vllm", "torch", "pyarrow", "transformers")
print(ours, [name for name in heavy if name in sys.modules])
"""
FUNNEL: dict[str, Any] = {"target": 20, "rows": [], "drafts": 0, "accepted": 0, "modes": []}


def test_a_job_as_a_newer_server_has_it(server: ScriptedServer, client: Client) -> None:
    server.on("GET /v1/jobs/j1", of(job(funnel={**FUNNEL, "colour": 1}, colour="red")))
    found = client.job("j1")
    assert found.state is JobState.RUNNING
    assert found.funnel is not None
    assert found.funnel.target == 20
    assert server.asked[0].headers["accept"] == "application/json"
    assert "authorization" not in server.asked[0].headers


def test_the_key_goes_with_every_request(server: ScriptedServer) -> None:
    server.on("GET /v1/jobs/j1", of(job()))
    with Client(f"{server.url}/", key="itr_12345678_x") as client:
        client.job("j1")
    assert server.asked[0].headers["authorization"] == "Bearer itr_12345678_x"


def test_recipes_may_be_nouns_fields_or_files(server: ScriptedServer, client: Client, tmp_path: Path) -> None:
    server.on(SUBMIT, of(job(), 202))
    whole = recipe(backbone="demo")
    (tmp_path / "small.yaml").write_text("{name: small, language: eu, backbone: demo, target: {conversations: 5}}")
    for given in (whole, RECIPE, tmp_path / "small.yaml", str(tmp_path / "small.yaml")):
        client.submit(given, priority=7)
    sent = [one.body for one in server.asked]
    assert sent[0] == whole.model_dump(mode="json")
    assert sent[1] == RECIPE
    assert sent[2] == sent[3]
    assert sent[2]["target"]["conversations"] == 5
    assert {one.query for one in server.asked} == {"priority=7"}
    with pytest.raises(RecipeError, match=r"missing.yaml: no such recipe"):
        client.submit(tmp_path / "missing.yaml")


def test_a_submission_is_tried_again_with_the_same_key(
    server: ScriptedServer, client: Client, pauses: list[float]
) -> None:
    busy = problem(429, "you have 3 unfinished jobs", Retry_After="7")
    away = problem(503, "the database cannot be used", Retry_After="5")
    server.on(SUBMIT, HANG_UP, busy, away, of(job(), 202))
    assert client.submit(RECIPE).id == "j1"
    keys = [one.headers["idempotency-key"] for one in server.asked]
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert pauses[0] <= 0.5
    assert pauses[1:] == [7.0, 5.0]
    client.submit(RECIPE)
    assert server.asked[-1].headers["idempotency-key"] != keys[0]
    client.submit(RECIPE, idempotency_key="mine")
    assert server.asked[-1].headers["idempotency-key"] == "mine"


def test_tries_come_to_an_end(server: ScriptedServer, client: Client, pauses: list[float]) -> None:
    server.on("GET /v1/jobs/j1", problem(503, "the database cannot be used", Retry_After="5"))
    server.on("GET /v1/jobs/j2", HANG_UP)
    server.on("GET /v1/jobs/j3", problem(429, "come back tomorrow", Retry_After="3600"))
    with pytest.raises(ClientError, match="the database cannot be used") as caught:
        client.job("j1")
    assert (caught.value.status, caught.value.exit_code, len(pauses)) == (503, 1, 4)
    with pytest.raises(ClientError, match=r"the connection to .* was lost") as caught:
        client.job("j2")
    assert (caught.value.status, caught.value.exit_code, len(pauses)) == (None, 1, 8)
    with pytest.raises(ClientError, match="come back tomorrow") as caught:
        client.job("j3")
    assert (caught.value.status, caught.value.exit_code, len(pauses)) == (429, 1, 8)


def test_what_may_have_been_done_is_not_done_again(server: ScriptedServer, client: Client) -> None:
    server.on("POST /v1/jobs/j1/cancel", HANG_UP)
    with pytest.raises(ClientError, match="whether `POST /v1/jobs/j1/cancel` was done is not known"):
        client.cancel("j1")
    assert server.paths() == ["POST /v1/jobs/j1/cancel"]
    server.on("POST /v1/jobs/j1/pause", problem(429, "slowly", Retry_After="1"), of(job(state="pausing"), 202))
    assert client.pause("j1").state is JobState.PAUSING


def test_a_server_that_is_not_there_and_one_that_comes(pauses: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Client(url, retries=2) as client, pytest.raises(ClientError, match=f"{url} cannot be reached") as caught:
            client.cancel("j1")
    assert caught.value.exit_code == 1
    assert len(pauses) == 2


def test_a_refusal_carries_the_problem_details(server: ScriptedServer, client: Client) -> None:
    fields = [{"field": "target.conversations", "message": "must be > 0"}, {"field": "colour", "message": "no field"}]
    server.on(SUBMIT, problem(422, "target.conversations: must be > 0", fields))
    with pytest.raises(ClientError) as caught:
        client.submit(RECIPE)
    error = caught.value
    assert (error.status, error.exit_code) == (422, 2)
    assert error.detail == "target.conversations: must be > 0"
    assert [one.field for one in error.errors] == ["target.conversations", "colour"]
    assert str(error) == f"target.conversations: must be > 0; colour: no field (422 from {server.url})"
    with pytest.raises(ClientError, match=r"there is no /v1/jobs/j9 \(404 from") as caught:
        client.job("j9")
    assert caught.value.exit_code == 2


def test_a_wrong_key_is_said_and_never_repeated(server: ScriptedServer) -> None:
    server.on("GET /v1/jobs/j1", problem(401, "send an API key"))
    with Client(server.url, "itr_secret") as client, pytest.raises(ClientError, match="ITURRI_API_KEY") as caught:
        client.job("j1")
    assert "itr_secret" not in str(caught.value)
    assert caught.value.exit_code == 2
    with pytest.raises(InputError) as refused:
        Client(server.url, "itr_secret\n")
    assert "itr_secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(200, b"<html>a router</html>"), "does not answer as a server of Iturri does"),
        (Answer(200, b'{"id": "j1"}'), "does not answer as a server of Iturri does"),
        (Answer(200, b"\xff\xfe"), "does not answer as a server of Iturri does"),
        (Answer(500, b"<html>"), "answers 500 Internal Server Error"),
        (Answer(302, b"", {"Location": "https://elsewhere/"}), "answers 302 Found to https://elsewhere/"),
        (Answer(599, b""), "answers 599"),
        (Answer(200, b"nonsense", {"Content-Encoding": "gzip"}), "does not answer as a server of Iturri does"),
    ],
)
def test_answers_that_are_none(server: ScriptedServer, client: Client, answer: Answer, words: str) -> None:
    server.on("GET /v1/jobs/j1", answer)
    with pytest.raises(ClientError, match=words) as caught:
        client.job("j1")
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://x", "http://", "http://a:b@x", "http://x/?y=1", "http://[::"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError, match="address of a server"):
        Client(url)


def test_bad_input_does_not_get_to_the_server(server: ScriptedServer, client: Client) -> None:
    for bad in (
        lambda: client.job(""),
        lambda: client.job(".."),
        lambda: client.job("../../healthz?x=1#y"),
        lambda: client.job("builds/small"),
        lambda: client.set_priority("j1", 101),
        lambda: client.publish("j1", "nonamespace"),
        lambda: client.publish("j1", "group/name", tag="no tag"),
        lambda: client.submit(RECIPE, idempotency_key="a b"),
        lambda: client.mark("j1", "r1"),
    ):
        with pytest.raises(InputError):
            bad()
    assert server.asked == []


def test_pages_are_fetched_as_they_are_needed(server: ScriptedServer, client: Client) -> None:
    server.on(
        "GET /v1/jobs",
        of({"items": [job("j3"), job("j2")], "next": 2}),
        of({"items": [job("j1")], "next": None}),
    )
    jobs = client.jobs(state="running", mine=True)
    assert next(jobs).id == "j3"
    assert len(server.asked) == 1
    assert [one.id for one in jobs] == ["j2", "j1"]
    assert [sorted(one.query.split("&")) for one in server.asked] == [
        ["limit=200", "mine=true", "state=running"],
        ["cursor=2", "limit=200", "mine=true", "state=running"],
    ]


def test_dropped_drafts_of_one_reason(server: ScriptedServer, client: Client) -> None:
    drop = {"draft_id": "d", "mode": "magpie-eu", "gate": "reply", "reason": "shape.short", "evidence": "x", "turn": 1}
    page = {"verdict": "dropped", "items": [{**drop, "messages": [], "segment": {"start": 0, "end": 1}}], "next": None}
    server.on("GET /v1/jobs/j1/conversations", of(page))
    (found,) = client.conversations("j1", "dropped", "shape.short")
    assert found.evidence == "x"
    assert sorted(server.asked[0].query.split("&")) == ["limit=200", "reason=shape.short", "verdict=dropped"]


def test_publishing_and_waiting(server: ScriptedServer, client: Client) -> None:
    publication = {"kind": "publication", "build_id": "j1", "recipe": None}
    server.on("POST /v1/jobs/j1/publish", HANG_UP, of(job("p1", "queued", **publication), 202))
    server.on("GET /v1/jobs/p1/events", Answer(200, b"", {"Content-Type": "text/event-stream"}))
    server.on("GET /v1/jobs/p1", of(job("p1", "succeeded", **publication)))
    assert client.publish("j1", "group/name", private=True, tag="v1.0", wait=True).state is JobState.SUCCEEDED
    assert server.asked[0].body == {"repo": "group/name", "private": True, "tag": "v1.0"}
    assert server.asked[0].headers["idempotency-key"] == server.asked[1].headers["idempotency-key"]


def test_what_changes_a_job(server: ScriptedServer, client: Client) -> None:
    for deed, state in (("cancel", "cancelling"), ("pause", "pausing"), ("resume", "queued"), ("retry", "queued")):
        server.on(f"POST /v1/jobs/j1/{deed}", of(job(state=state), 202))
        assert getattr(client, deed)("j1").state == state
    server.on("PATCH /v1/jobs/j1", of(job(priority=5)))
    assert client.set_priority("j1", 5).priority == 5
    assert server.asked[-1].body == {"priority": 5}
    server.on("DELETE /v1/jobs/j1", Answer(204))
    client.delete("j1")
    assert server.paths()[-1] == "DELETE /v1/jobs/j1"


def test_reviews(server: ScriptedServer, client: Client) -> None:
    review = {"row_id": "r1", "reviewer": "local", "language": "good", "content": None, "note": "ondo", "at": AT}
    server.on("PUT /v1/jobs/j1/reviews/r1", of(review))
    assert client.mark("j1", "r1", language="good", note="ondo").language == "good"
    assert server.asked[0].body == {"language": "good", "content": None, "note": "ondo"}
    server.on(
        "GET /v1/jobs/j1/reviews",
        of({"items": [review], "next": "r1~local"}),
        of({"items": [{**review, "row_id": "r2"}], "next": None}),
    )
    assert [one.row_id for one in client.reviews("j1", mine=True)] == ["r1", "r2"]
    assert "after=r1~local" in server.asked[-1].query
    server.on("DELETE /v1/jobs/j1/reviews/r1", Answer(204))
    client.unmark("j1", "r1")


def test_whether_a_server_is_ready_is_asked_once(server: ScriptedServer, client: Client, pauses: list[float]) -> None:
    server.on(
        "GET /readyz",
        problem(503, "not ready", [{"field": "backbones.demo", "message": "it is starting"}], Retry_After="5"),
        of({"status": "ready", "backbones": ["demo"]}),
    )
    with pytest.raises(ClientError) as caught:
        client.ready()
    assert [one.field for one in caught.value.errors] == ["backbones.demo"]
    assert pauses == []
    assert client.ready().backbones == ("demo",)


def test_the_client_is_light() -> None:
    said = subprocess.run([sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    own = [f"service.client.{name}" for name in ("client", "download", "events", "sending", "transport")]
    assert said.strip() == f"{['service', 'service.client', *own]} []"
