"""The page in front of a server of fixtures: every state and every kind of text at once, and nothing to wait for."""

from __future__ import annotations

import asyncio
import json
import math
import random
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from schemas.funnel import Funnel, FunnelRow
from service.page_routes import router

START = datetime(2026, 11, 27, 18, 30, tzinfo=UTC)
XSS = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script> zer moduz?"


def funnel(scale: float = 1.0, target: int = 10_000) -> Funnel:
    """A funnel of 24,000 drafts, or so many times as many."""
    ends = [
        ("sampling", 1, "language.foreign", 2140, 41_000),
        ("user_turn", 1, "language.foreign", 1620, 71_000),
        ("user_turn", 1, "duplicates.near", 2480, 109_000),
        ("user_turn", 1, "duplicates.exact", 310, 13_000),
        ("user_turn", 2, "language.mixed", 420, 60_000),
        ("user_turn", 1, "shape.role_marker", 96, 5_200),
        ("reply", 1, "repetition.loop", 720, 402_000),
        ("reply", 1, "language.foreign", 1310, 498_000),
        ("reply", 2, "shape.cut_off", 388, 611_000),
        ("reply", 1, "repetition.ngram", 204, 112_000),
        ("reply", 2, "language.gibberish", 61, 30_000),
        ("conversation", 2, "duplicates.semantic", 240, 120_000),
        ("conversation", 1, "contamination.ngram", 12, 6_000),
        ("accepted", 2, "accepted", 10_000, 4_410_000),
        ("not_needed", 1, "not_needed", 64, 9_000),
    ]
    rows = []
    for gate, exchange, reason, drafts, tokens in ends:
        turns, replies = (exchange, exchange - 1) if gate in ("user_turn", "sampling") else (exchange, exchange)
        count = max(1, round(drafts * scale))
        done = gate in ("accepted", "not_needed", "conversation")
        rows.append(
            FunnelRow(
                mode="magpie-eu", gate=gate, exchange=exchange, reason=reason, drafts=count,
                prompt_tokens=0, completion_tokens=round(tokens * scale),
                user_turns=0 if gate == "sampling" else count * turns, user_tokens=0 if gate == "sampling" else 42 * count * turns,
                replies=count * replies, reply_tokens=160 * count * replies,
                user_turns_saved=0 if done else count, replies_saved=0 if done else 2 * count - count * replies,
            )
        )  # fmt: skip
    return Funnel(target=target, rows=tuple(rows), unfinished_completion_tokens=20_000, engine_seconds=3600)


def progress(accepted: int, target: int = 10_000) -> dict[str, Any]:
    drafts = max(accepted, round(accepted * (2.0 + 0.4 * math.exp(-accepted / 2000))))
    tokens = drafts * 326
    return {
        "accepted": accepted, "target": target, "drafts": drafts, "tokens": tokens,
        "acceptance": accepted / drafts if drafts else None, "tokens_per_accepted": tokens / accepted if accepted else None,
        "in_flight": 256, "tokens_per_second": 2412.0, "seconds_left": (target - accepted) * 0.27 if accepted else None,
    }  # fmt: skip


def points(until: int, count: int = 240) -> list[dict[str, Any]]:
    chance = random.Random(1)
    found, accepted, at = [], 0.0, START
    for number in range(1, count + 1):
        at += timedelta(seconds=30)
        accepted += until / count * chance.uniform(0.7, 1.3) * (0.75 + 0.25 * min(1, number / 60))
        now = progress(min(until, round(accepted)))
        found.append({"at": at.isoformat(), "number": number, "progress": now})
    return found


def job(job_id: str, state: str, name: str = "euskara-magpie", **fields: Any) -> dict[str, Any]:
    recipe = {
        "name": name, "language": "eu", "backbone": "latxa-8b", "modes": [{"mode": "magpie"}],
        "target": {"conversations": 10_000}, "publish": {"licence": "cc-by-4.0"},
    }  # fmt: skip
    return {
        "id": job_id, "kind": "build", "state": state, "created": START.isoformat(), "updated": START.isoformat(),
        "started": None if state == "queued" else START.isoformat(), "finished": None, "attempts": 1, "priority": 0,
        "key": "hitz", "recipe": recipe, "build_id": None, "publication": None, "result": None, "error": None,
        "progress": None, "funnel": None, **fields,
    }  # fmt: skip


DROPPED = [
    ("language.foreign", "segment 2: es (0.98), not eu: Claro que sí, te explico cómo preparar el marmitako paso a paso.", 1,
     ["Nola prestatzen da marmitakoa etxean?",
      "Marmitakoa arrantzaleen platera da, hegaluzez eta patatez egina. Claro que sí, te explico cómo preparar el marmitako"
      " paso a paso. Lehenik, garbitu hegaluzea eta moztu zati handitan."]),
    ("repetition.loop", "over and over: eta gero berriro", 1,
     ["Kontatu ipuin labur bat otso bati buruz.",
      "Bazen behin otso bat mendian bizi zena, eta gero berriro eta gero berriro eta gero berriro eta gero berriro eta gero"
      " berriro joan zen basora."]),
    ("language.mixed", "en in 5 of 14 words, such as: the best way to learn", 1,
     ["Zein da gitarra jotzen ikasteko modurik onena?",
      "Nire ustez egunero hamar minutuz jotzea da the best way to learn, eta lagunekin batera jotzea."]),
    ("shape.role_marker", "holds 'Erabiltzailea:'", 0, ["Zer da Korrika? Erabiltzailea: Korrika lasterketa bat da."]),
    ("duplicates.near", "repeats row a91 (similarity 0.91); this one: Zergatik gustatzen zaio jendeari mendian ibiltzea?", 0,
     ["Zergatik gustatzen zaio jendeari mendian ibiltzea?"]),
    ("language.foreign", "en (0.99), not eu: <img src=x onerror=\"window.hacked=1\">", 0, [XSS]),
]  # fmt: skip

ACCEPTED = [
    ["Zer egin dezaket asteburuan Donostian euria egiten badu?",
     "Euria egiten duenean, San Telmo museoa bisita dezakezu, edo Aquariumera joan. Gosea izanez gero, Alde Zaharreko"
     " tabernetan pintxoak dastatzea ere plan ederra da.",
     "Eta haurrekin bagoaz?",
     "Haurrekin, Eureka! Zientzia Museoa da aukerarik onena: esperimentuak egin ditzakete, eta planetarioa ere badago."],
    ["Idatzi lau lerroko olerki bat itsasoari buruz.",
     "Olatuen hotsa belarrian,\nhondartza hutsik goizean,\nitsasoak badaki gure izena,\nesaten du gau osoan."],
    [XSS, "Kaixo! Ondo, eskerrik asko. Zertan lagun diezazuket?"],
]  # fmt: skip


def dropped() -> list[dict[str, Any]]:
    return [
        {
            "draft_id": f"d{number}", "mode": "magpie-eu", "gate": "reply" if turn else "user_turn", "reason": reason,
            "evidence": evidence, "turn": turn,
            "messages": [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)],
        }
        for number, (reason, evidence, turn, texts) in enumerate(DROPPED)
    ]  # fmt: skip


def accepted() -> list[dict[str, Any]]:
    return [
        {
            "id": f"r{number}", "mode": "magpie-eu", "language": "eu", "turn_languages": ["eu"] * len(texts),
            "scores": {"language": 0.98}, "completion_tokens": 212, "exchanges": len(texts) // 2,
            "messages": [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)],
        }
        for number, texts in enumerate(ACCEPTED)
    ]  # fmt: skip


class Fixtures:
    """What the server holds; a test changes it, and sees what was asked of it."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.jobs = {
            one["id"]: one
            for one in (
                job("running1", "running", progress=progress(4_000)),
                job("queued1", "queued", "zientzia-galderak"),
                job("done1", "succeeded", "elkarrizketak-2026", progress=progress(10_000), result={"conversations": 10_000}),
                job("failed1", "failed", "ipuinak", progress=progress(120), error="the backbone latxa-8b cannot be reached"),
                job("pub1", "succeeded", kind="publication", recipe=None, build_id="done1",
                    publication={"repo": "hitz/elkarrizketak", "private": False}, result={"target": "hitz/elkarrizketak"}),
            )
        }  # fmt: skip
        self.asked: list[tuple[str, str, Any]] = []
        self.reviews: dict[str, dict[str, Any]] = {}
        self.release = asyncio.Event()
        self.steps = 40
        self.funnel_scale = 1.0


def create(fixtures: Fixtures) -> FastAPI:
    app = FastAPI()
    app.include_router(router)

    @app.middleware("http")
    async def guarded(request: Request, follow: Any) -> Response:
        needed = fixtures.key and request.url.path.startswith("/v1")
        if needed and request.headers.get("authorization") != f"Bearer {fixtures.key}":
            return problem(401, "send a key")
        if request.method != "GET":
            body = await request.body()
            fixtures.asked.append((request.method, str(request.url.path), json.loads(body) if body else None))
        answer: Response = await follow(request)
        return answer

    @app.get("/v1/me")
    def me() -> Any:
        usage = {"unfinished_jobs": 2, "conversations_today": 0, "tokens_today": 0}
        return {"name": "hitz", "scopes": ["admin"], "limits": {}, "usage": usage, "open": fixtures.key is None}

    @app.get("/v1/jobs")
    def jobs(name: str = "", state: str = "") -> Any:
        fits = [one for one in fixtures.jobs.values() if state in ("", one["state"])]
        return {"items": [one for one in fits if name in str(one["recipe"])], "next": None}

    @app.get("/v1/jobs/{job_id}")
    def look(job_id: str) -> Any:
        if job_id not in fixtures.jobs:
            return problem(404, f"there is no job {job_id}")
        found = fixtures.jobs[job_id]
        if not found["progress"]:
            return found
        share = fixtures.funnel_scale * found["progress"]["accepted"] / 10_000
        return {**found, "funnel": funnel(share).model_dump(mode="json")}

    @app.post("/v1/jobs")
    def submit(recipe: dict[str, Any], dry_run: bool = False) -> Any:
        count = recipe.get("target", {}).get("conversations")
        if not isinstance(count, int) or count < 1:
            what = {"field": "target.conversations", "message": "must be greater than or equal to 1"}
            return problem(422, f"{what['field']}: {what['message']}", [what])
        if dry_run:
            return dry(recipe, count)
        made = job(f"made{len(fixtures.jobs)}", "queued", recipe["name"])
        fixtures.jobs = {made["id"]: made, **fixtures.jobs}
        return JSONResponse(made, 202)

    @app.delete("/v1/jobs/{job_id}", status_code=204)
    def delete(job_id: str) -> None:
        del fixtures.jobs[job_id]

    @app.get("/v1/jobs/{job_id}/progress")
    def history(job_id: str) -> Any:
        now = fixtures.jobs[job_id]["progress"]
        return {"items": points(now["accepted"]) if now else []}

    @app.get("/v1/jobs/{job_id}/events")
    async def events(request: Request, job_id: str) -> Response:
        after = int(request.headers.get("last-event-id", "0"))
        return StreamingResponse(happening(fixtures, job_id, after), media_type="text/event-stream")

    @app.get("/v1/jobs/{job_id}/conversations")
    def conversations(verdict: str = "accepted", reason: str = "") -> Any:
        items = dropped() if verdict == "dropped" else accepted()
        return {"verdict": verdict, "items": [one for one in items if reason in ("", one.get("reason"))], "next": None}

    @app.get("/v1/jobs/{job_id}/reviews")
    def reviews() -> Any:
        return {"items": list(fixtures.reviews.values()), "next": None}

    @app.put("/v1/jobs/{job_id}/reviews/{row_id}")
    def put(row_id: str, body: dict[str, Any]) -> Any:
        fixtures.reviews[row_id] = {"row_id": row_id, "reviewer": "hitz", **body}
        return fixtures.reviews[row_id]

    @app.delete("/v1/jobs/{job_id}/reviews/{row_id}", status_code=204)
    def unmark(row_id: str) -> None:
        del fixtures.reviews[row_id]

    @app.post("/v1/jobs/{job_id}/publish")
    def publish(job_id: str, body: dict[str, Any]) -> Any:
        made = job("pub2", "queued", kind="publication", recipe=None, build_id=job_id, publication=body)
        fixtures.jobs["pub2"] = made
        return JSONResponse(made, 202)

    @app.post("/v1/jobs/{job_id}/{action}")
    def act(job_id: str, action: str) -> Any:
        after = {"pause": "paused", "resume": "queued", "cancel": "cancelled", "retry": "queued"}[action]
        fixtures.jobs[job_id] = {**fixtures.jobs[job_id], "state": after}
        return JSONResponse(fixtures.jobs[job_id], 202)

    @app.get("/v1/recipes")
    def recipes() -> Any:
        start = {"name": "small", "language": "eu", "backbone": "latxa-8b", "modes": [{"mode": "magpie"}]}
        small = {**start, "target": {"conversations": 20}, "publish": {"licence": "apache-2.0"}}
        large = {**small, "name": "large", "target": {"conversations": 10_000}}
        return {
            "items": [
                {"name": "small", "title": "Small", "description": "Twenty conversations: the smallest real build.", "recipe": small},
                {"name": "large", "title": "Large", "description": "Ten thousand.", "recipe": large},
            ]
        }  # fmt: skip

    @app.get("/v1/languages")
    def languages() -> Any:
        known = [("en", "English", "English"), ("eu", "Basque", "euskara"), ("gl", "Galician", "galego")]
        return {"items": [{"code": c, "name": n, "autonym": a, "complete": True} for c, n, a in known]}

    @app.get("/v1/backbones")
    def backbones() -> Any:
        return {
            "items": [
                {"name": "latxa-8b", "ready": True, "problem": None, "tokens_per_second": 2400},
                {"name": "other", "ready": False, "problem": "no server answers", "tokens_per_second": None},
            ]
        }

    return app


def dry(recipe: dict[str, Any], count: int) -> dict[str, Any]:
    drafts: list[dict[str, Any]] = [
        {"accepted": True, "messages": one["messages"], "verdict": None, "mode": "magpie-eu", "tokens": 140} for one in accepted()
    ]  # fmt: skip
    for one in dropped()[:2]:
        verdict = {"verdict": "drop", "reason": one["reason"], "evidence": one["evidence"], "turn": one["turn"]}
        drafts.append({"accepted": False, "messages": one["messages"], "verdict": verdict, "mode": "magpie-eu", "tokens": 90})
    return {
        "recipe": recipe, "drafts": drafts, "acceptance": 0.6, "tokens_per_accepted": 310.0, "tokens_per_second": 2400.0,
        "measured": "jobs", "estimate": {"tokens": 310 * count, "seconds": 310 * count / 2400}, "took_seconds": 3.2,
    }  # fmt: skip


async def happening(fixtures: Fixtures, job_id: str, after: int) -> AsyncIterator[str]:
    """Progress to the target in some steps, then the end. Where `release` is not set, nothing happens before it is."""
    first = len(points(1))
    target = 10_000
    begun = fixtures.jobs[job_id]["progress"]["accepted"] if fixtures.jobs[job_id]["progress"] else 0
    yield ": here\n\n"
    for step in range(fixtures.steps + 1):
        number = first + step + 1
        if number <= after:
            continue
        while not fixtures.release.is_set():
            await asyncio.sleep(0.02)
        now = progress(begun + (target - begun) * step // fixtures.steps)
        ended = step == fixtures.steps
        state = "succeeded" if ended else "running"
        fixtures.jobs[job_id] = {**fixtures.jobs[job_id], "progress": now, "state": state}
        at = (START + timedelta(seconds=30 * number)).isoformat()
        kind = "state" if ended else "progress"
        event = {"number": number, "at": at, "kind": kind, "state": state, "progress": now, "error": None}
        yield f"id: {number}\nevent: {kind}\ndata: {json.dumps(event)}\n\n"
        await asyncio.sleep(0.02)


def problem(status: int, detail: str, errors: list[dict[str, str]] | None = None) -> JSONResponse:
    body = {"type": "about:blank", "title": "", "status": status, "detail": detail, "errors": errors or []}
    return JSONResponse(body, status, media_type="application/problem+json")


@contextmanager
def serving(fixtures: Fixtures, port: int = 0) -> Iterator[str]:
    """The address of the server, while it runs in a thread."""
    config = uvicorn.Config(create(fixtures), host="127.0.0.1", port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join()
