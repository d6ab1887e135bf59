"""Engines of a server: shared, waited for, started anew."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from schemas.backbones import OpenAIBackbone, ScriptedBackbone
from schemas.errors import BackboneError
from service.app import create_app
from service.backbones import Backbones
from tests.support.service_servers import client_of, ended, ready, settings, submission

SCRIPTED = ScriptedBackbone(kind="scripted", user_turns=("Zer moduz?",), replies=("Ondo.",))


def nobody_there() -> OpenAIBackbone:
    """A server that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    fields = {"kind": "openai", "endpoints": [f"http://127.0.0.1:{port}/v1"], "model": "m", "retries": 0}
    return OpenAIBackbone.model_validate(fields)


async def test_jobs_share_one_engine() -> None:
    stop = asyncio.Event()
    async with Backbones({"one": SCRIPTED}) as backbones:
        async with backbones.engine("one").lease(stop) as first, backbones.engine("one").lease(stop) as second:
            assert first is second is not None
        assert backbones.problems() == {}


async def test_an_engine_that_died_is_started_anew_once_all_have_left() -> None:
    stop = asyncio.Event()
    async with Backbones({"one": SCRIPTED}) as backbones:
        engine = backbones.engine("one")
        async with engine.lease(stop) as other:
            with pytest.raises(BackboneError):
                async with engine.lease(stop) as first:
                    raise BackboneError("it died")
            assert first is other
            assert backbones.problems() == {"one": "it is started anew after: it died"}
            waiting = asyncio.create_task(_lease_once(backbones, stop))
            await asyncio.sleep(0)
        renewed = await waiting
        assert renewed is not None and renewed is not other
        assert backbones.problems() == {}


async def _lease_once(backbones: Backbones, stop: asyncio.Event) -> object:
    async with backbones.engine("one").lease(stop) as backbone:
        return backbone


async def test_a_stop_ends_the_wait_for_an_engine() -> None:
    stop = asyncio.Event()
    backbones = Backbones({"one": SCRIPTED})  # not entered, so it never starts
    stop.set()
    assert await _lease_once(backbones, stop) is None


async def test_an_undeclared_backbone_is_named() -> None:
    with pytest.raises(BackboneError, match="backbone two is no longer declared on this server; declared: one"):
        Backbones({"one": SCRIPTED}).engine("two")


async def test_an_engine_that_does_not_start_fails_its_jobs_and_readiness(tmp_path: Path, database: str) -> None:
    configured = settings(tmp_path, database)
    assert configured.backbones is not None
    text = configured.backbones.read_text()
    spec = nobody_there()
    configured.backbones.write_text(
        f"{text}\naway: {{kind: openai, model: m, endpoints: ['{spec.endpoints[0]}'], retries: 0}}\n"
    )
    async with client_of(create_app(configured)) as client:
        job = await ended(client, (await client.post("/v1/jobs", json=submission(backbone="away"))).json()["id"])
        assert job["state"] == "failed"
        assert job["error"].startswith("the backbone away is not running: ")
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert [error["field"] for error in answer.json()["errors"]] == ["backbones.away"]
        assert (await client.get("/healthz")).json() == {"status": "alive"}
        fine = await ended(client, (await client.post("/v1/jobs", json=submission())).json()["id"])
        assert fine["state"] == "succeeded"


async def test_a_job_whose_backbone_was_withdrawn_says_so(tmp_path: Path, database: str) -> None:
    endless = submission(backbone="slow", target={"conversations": 100_000})
    async with ready(settings(tmp_path, database)) as client:
        job_id = (await client.post("/v1/jobs", json=endless)).json()["id"]
    configured = settings(tmp_path, database)
    assert configured.backbones is not None
    configured.backbones.write_text(configured.backbones.read_text().replace("slow:", "other:"))
    async with client_of(create_app(configured)) as client:
        job = await ended(client, job_id)
        assert job["error"] == "the backbone slow is no longer declared on this server; declared: other, quick"
