"""What is counted: each draft and token once, whatever a run begins with."""

from __future__ import annotations

import asyncio
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.build import Progress
from schemas.funnel import Funnel, FunnelRow
from schemas.job import JobState
from service import loop_lag
from service.metrics import Metrics, Standing

NOTHING = Standing(ready=False, backbones={})
Samples = dict[tuple[str, ...], float]


def samples(metrics: Metrics, standing: Standing = NOTHING) -> Samples:
    """Every value by the name of its series and the values of its labels."""
    text, media_type = metrics.text(standing)
    assert media_type.startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def funnel(accepted: int, foreign: int, short: int, not_needed: int = 0, lost_tokens: int = 0) -> Funnel:
    """Drafts of ten tokens each."""
    ended = (
        ("accepted", "accepted", accepted),
        ("reply", "language.foreign", foreign),
        ("user_turn", "shape.short", short),
        ("not_needed", "not_needed", not_needed),
    )
    rows = tuple(
        FunnelRow(
            mode="magpie-eu", gate=gate, exchange=1, reason=reason, drafts=drafts, prompt_tokens=0,
            completion_tokens=10 * drafts,
        )
        for gate, reason, drafts in ended
        if drafts
    )  # fmt: skip
    return Funnel(target=100, rows=rows, unfinished_completion_tokens=lost_tokens)


def at(funnel: Funnel, in_flight: int = 4, speed: float = 50.0) -> Progress:
    return Progress(funnel, in_flight, speed, None)


def test_a_run_adds_what_is_new() -> None:
    metrics = Metrics()
    with metrics.build_run("latxa", "eu", "ane") as run:
        run.progress(at(funnel(2, 1, 0)))
        run.progress(at(funnel(5, 1, 3, not_needed=2, lost_tokens=7)))
        found = samples(metrics)
    assert found["iturri_drafts_total", "eu", "accepted"] == 5
    assert found["iturri_drafts_total", "eu", "dropped"] == 4
    assert found["iturri_drafts_total", "eu", "not_needed"] == 2
    assert found["iturri_drops_total", "language.foreign"] == 1
    assert found["iturri_drops_total", "shape.short"] == 3
    assert found["iturri_generated_tokens_total", "latxa"] == found["iturri_usage_tokens_total", "ane"] == 117


def test_what_earlier_runs_have_done_is_not_counted_again() -> None:
    metrics = Metrics()
    with metrics.build_run("latxa", "eu", "ane", before=funnel(50, 20, 0)) as run:
        run.progress(at(funnel(51, 21, 1)))
        run.count(funnel(51, 22, 1))
    found = samples(metrics)
    assert found["iturri_drafts_total", "eu", "accepted"] == 1
    assert found["iturri_drafts_total", "eu", "dropped"] == 3
    assert found["iturri_drops_total", "language.foreign"] == 2
    assert found["iturri_generated_tokens_total", "latxa"] == 40


def test_series_are_there_before_they_count() -> None:
    """Prometheus sees an increase only from a value to another."""
    metrics = Metrics()
    with metrics.build_run("latxa", "eu", "ane"):
        found = samples(metrics)
    assert found["iturri_drafts_total", "eu", "dropped"] == found["iturri_generated_tokens_total", "latxa"] == 0
    assert found["iturri_job_seconds_count", "publication", "failed"] == 0


def test_runs_that_share_a_backbone_are_added_up_while_they_last() -> None:
    metrics = Metrics()
    declared = Standing(ready=True, backbones={"latxa": True, "idle": False})
    with metrics.build_run("latxa", "eu", "ane") as one:
        one.progress(at(funnel(1, 0, 0), in_flight=4, speed=50))
        with metrics.build_run("latxa", "ast", "jon") as other:
            other.progress(at(funnel(1, 0, 0), in_flight=3, speed=25))
            both = samples(metrics, declared)
        alone = samples(metrics, declared)
    none = samples(metrics, declared)
    for found, flight, speed in ((both, 7, 75), (alone, 4, 50), (none, 0, 0)):
        assert found["iturri_drafts_in_flight", "latxa"] == flight
        assert found["iturri_tokens_per_second", "latxa"] == speed
        assert found["iturri_drafts_in_flight", "idle"] == 0
    assert (none["iturri_backbone_ready", "latxa"], none["iturri_backbone_ready", "idle"]) == (1, 0)


def test_how_things_stand_is_told_and_what_nobody_knows_is_left_out() -> None:
    metrics = Metrics()
    known = samples(metrics, Standing(True, {}, {("build", "queued"): 3}, 12.5, 1_000))
    assert known["iturri_jobs", "build", "queued"] == 3
    assert known["iturri_jobs", "publication", "paused"] == 0
    assert len([name for name in known if name[0] == "iturri_jobs"]) == 2 * len(JobState)
    assert known["iturri_queue_age_seconds",] == 12.5
    assert known["iturri_builds_free_bytes",] == 1_000
    assert known["iturri_ready",] == 1
    unknown = samples(metrics)
    assert not {"iturri_jobs", "iturri_queue_age_seconds", "iturri_builds_free_bytes"} & {name[0] for name in unknown}
    assert unknown["iturri_ready",] == 0


def test_jobs_that_end_are_timed() -> None:
    metrics = Metrics()
    metrics.job_ended("build", JobState.SUCCEEDED, 90_000)
    found = samples(metrics)
    assert found["iturri_job_seconds_count", "build", "succeeded"] == 1
    assert found["iturri_job_seconds_bucket", "build", "86400.0", "succeeded"] == 0
    assert found["iturri_job_seconds_bucket", "build", "259200.0", "succeeded"] == 1


def test_openmetrics_where_it_is_asked_for() -> None:
    text, media_type = Metrics().text(NOTHING, "application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


async def test_lag_of_the_event_loop_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "_EVERY_S", 0.001)
    metrics, deadline = Metrics(), time.monotonic() + 60
    measuring = asyncio.create_task(loop_lag.measure_loop_lag(metrics))
    while not (found := samples(metrics))["iturri_event_loop_lag_seconds_count",]:
        assert time.monotonic() < deadline and not measuring.done()
        await asyncio.sleep(0.001)
    measuring.cancel()
    assert found["iturri_event_loop_lag_seconds_sum",] >= 0
